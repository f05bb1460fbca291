"""Logs line by line: what stands in them, in UTC, and which line is none."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labsupport import own


def saved(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "log"
    path.write_text("\n".join(lines) + "\n")
    return path


NOON = pd.Timestamp("2026-01-05 12:00", tz="UTC")


@pytest.mark.parametrize(
    "field",
    ['"time": "2026-01-05T12:00:00Z"', '"timestamp": "2026-01-05 13:00:00+01:00"', '"ts": 1767614400', '"ts": 1767614400.0',
     '"@timestamp": 1767614400000', '"time": 1767614400000000', '"time": 1767614400000000000', '"time": "1767614400"',
     '"date": "2026-01-05T12:00:00.000000"'],
)  # fmt: skip
def test_times_in_any_dress_are_the_same_moment(tmp_path, field) -> None:
    frame = own.json_lines(saved(tmp_path, "{" + field + ', "level": "INFO"}'))
    assert frame.time.tolist() == [NOON]
    assert frame.columns.tolist() == ["time", "level"]


def test_a_zone_is_for_times_that_say_none_and_summer_is_minded(tmp_path) -> None:
    log = saved(
        tmp_path, '{"time": "2026-01-05T13:00:00"}', '{"time": "2026-07-05T14:00:00"}', '{"time": "2026-01-05T12:00Z"}'
    )
    assert own.json_lines(log, zone="Europe/Berlin").time.dt.hour.tolist() == [12, 12, 12]
    with pytest.raises(own.OwnDataError, match="'Mars' is no time zone"):
        own.json_lines(log, zone="Mars")


def test_nested_fields_get_a_dotted_name_and_missing_ones_are_missing(tmp_path) -> None:
    frame = own.json_lines(saved(tmp_path, '{"ts": 1, "http": {"status": 500}}', '{"ts": 2, "n": 3}'))
    assert frame["http.status"].tolist()[0] == 500 and np.isnan(frame["http.status"][1])


@pytest.mark.parametrize(
    "line, says",
    [
        (
            '{"time": "2026-01-05T12:00:00Z", "cut',
            "line 2: one JSON object with its time was expected: Unterminated string",
        ),
        ("Starting up...", "line 2: .*Expecting value at column 1; got 'Starting up"),
        ('["time"]', "line 2: .*it is JSON, but no object"),
        ('{"level": "INFO"}', "line 2: .*none of its fields says when"),
        ('{"time": "noon"}', "line 2: .*Invalid isoformat string: 'noon'"),
        ('{"time": null}', "line 2:"),
        ('{"time": "0001-01-01T00:00:00Z"}', "line 2: .*no time at which anything happened"),
        ('{"time": "9999-12-31T23:59:59Z"}', "line 2: .*no time at which anything happened"),
        ('{"time": NaN}', "line 2: .*nan is no time"),
        ('{"time": 1e30}', "line 2: .*is no time"),
    ],
)
def test_a_line_that_is_none_is_named_and_can_be_left_out(tmp_path, line, says) -> None:
    log = saved(tmp_path, '{"ts": 1}', line, '{"ts": 2}')
    with pytest.raises(own.OwnDataError, match=says):
        own.json_lines(log)
    with pytest.warns(UserWarning, match="1 lines of log could not be read"):
        assert len(own.json_lines(log, skip=True)) == 2


def test_a_log_without_one_good_line_is_none(tmp_path) -> None:
    for reader in (own.json_lines, own.access_log):
        with pytest.raises(own.OwnDataError, match="No line of log could be read"):
            reader(saved(tmp_path, "x", "y"), skip=True)


COMMON = '10.0.0.7 - ann [05/Jan/2026:13:00:00 +0100] "GET /a?b=c HTTP/1.1" 200 512'


@pytest.mark.parametrize(
    "line, said",
    [
        (COMMON, {"user": "ann", "status": 200, "bytes": 512, "agent": "", "seconds": np.nan}),
        (COMMON + ' "https://x/" "Mozilla/5.0 (X11)"', {"referer": "https://x/", "agent": "Mozilla/5.0 (X11)"}),
        (COMMON + ' "-" "curl" 0.123', {"referer": "", "agent": "curl", "seconds": 0.123}),
        (COMMON + ' "-" "-" "10.1.2.3" rt=0.250 uct=0.1', {"agent": "", "seconds": 0.25}),
        (COMMON + ' "-" "say \\"hi\\" 9.9" 1.5', {"agent": 'say \\"hi\\" 9.9', "seconds": 1.5}),
        (COMMON.replace("512", "-"), {"bytes": 0}),
        (COMMON.replace("10.0.0.7", "2001:db8::1"), {"client": "2001:db8::1", "path": "/a?b=c", "method": "GET"}),
        (
            COMMON.replace('"GET /a?b=c HTTP/1.1" 200', '"\\x16\\x03\\x01" 400'),
            {"method": "", "path": "", "status": 400},
        ),
        (COMMON.replace('"GET /a?b=c HTTP/1.1" 200', '"" 408'), {"method": "", "status": 408}),
        (COMMON.replace(" ann ", " ann b "), {"user": "ann b"}),
    ],
)
def test_both_formats_and_what_people_append(tmp_path, line, said) -> None:
    row = own.access_log(saved(tmp_path, line)).iloc[0]
    assert row.time == NOON
    np.testing.assert_equal({name: row[name] for name in said}, said)


@pytest.mark.parametrize(
    "line", ["-", '{"time": 1}', COMMON.replace("05/Jan", "5-1"), COMMON.replace(" 200", " OK"), COMMON[:60]]
)
def test_another_line_is_named_with_what_was_expected(tmp_path, line) -> None:
    log = saved(tmp_path, COMMON, "", line)
    with pytest.raises(own.OwnDataError, match=r"log, line 3: .*A line looks like 10.0.0.7 - - \[05/Jan/2026"):
        own.access_log(log)
    with pytest.warns(UserWarning, match="1 lines of log"):
        assert len(own.access_log(log, skip=True)) == 1
