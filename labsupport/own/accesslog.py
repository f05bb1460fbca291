"""Access logs of nginx, Apache and whoever writes as they do: the common and the combined format."""

import re
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labsupport.own.reading import OwnDataError, lines, read
from labsupport.own.times import column

if TYPE_CHECKING:
    import pandas as pd

LINE = re.compile(
    r'(?P<client>\S+) \S+ (?P<user>.*?) \[(?P<time>[^\]]+)\] "(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}) (?P<bytes>\d+|-)'
    r'(?: "(?P<referer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)")?(?P<rest>(?: .*)?)'
)
SECONDS = re.compile(r'(?<!\S)"?(?:rt=|request_time=)?(\d+\.\d+)"?(?!\S)')
EXPECTED = '10.0.0.7 - - [05/Jan/2026:13:59:58 +0100] "GET /path HTTP/1.1" 200 512'


def access_log(where: str | Path | None = None, *, skip: bool = False) -> "pd.DataFrame":
    """Return a row for each line of an access log, in the file's order: n rows.

    Columns: `time` (UTC; the line says its own offset), `client`, `user`, `method`, `path`, `status` (int), `bytes` (int, 0 for
    "-"), `referer`, `agent` ("" where the format has none), and `seconds` (float): the first number with a decimal point
    behind the format's end, which is where people put nginx's `$request_time`; NaN without one. A request that is none (a
    port scan) has method and path "". `skip`: leave out lines that can't be read, with a warning that counts them, instead of
    raising OwnDataError with the first one's number.
    """
    import pandas as pd

    text, name = read(where, "access.log")
    if text.lstrip()[:1] == "<":
        raise OwnDataError(f"{name} is a web page and no log.")
    rows: list[dict[str, Any]] = []
    bad = 0
    for number, line in lines(text):
        try:
            rows.append(_row(line))
        except ValueError as error:
            if not skip:
                raise OwnDataError(f"{name}, line {number}: {error}. A line looks like {EXPECTED}; got {line[:60]!r}. skip=True leaves such lines out.") from None  # fmt: skip
            bad += 1
    if not rows:
        raise OwnDataError(f"No line of {name} could be read: is it an access log in the common or combined format?")
    if bad:
        warnings.warn(f"{bad} lines of {name} could not be read and are left out", stacklevel=2)
    return pd.DataFrame(rows).assign(time=column([row["time"] for row in rows]))


def _row(line: str) -> dict[str, Any]:
    found = LINE.fullmatch(line.strip())
    if found is None:
        raise ValueError("it is not in the common or combined format")
    try:
        at = datetime.strptime(found["time"], "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC)
    except ValueError:
        raise ValueError(f"{found['time']!r} is no time such as 05/Jan/2026:13:59:58 +0100") from None
    words = found["request"].split(" ")
    method, path = words[:2] if len(words) in (2, 3) and words[0].isupper() else ("", "")
    seconds = SECONDS.search(found["rest"] or "")
    return {
        "time": at, "client": found["client"], "user": "" if found["user"] == "-" else found["user"], "method": method,
        "path": path, "status": int(found["status"]), "bytes": 0 if found["bytes"] == "-" else int(found["bytes"]),
        "referer": _said(found["referer"]), "agent": _said(found["agent"]),
        "seconds": float(seconds[1]) if seconds else float("nan"),
    }  # fmt: skip


def _said(text: str | None) -> str:
    return "" if text in (None, "-") else str(text)
