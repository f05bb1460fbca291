"""A sealed file gives back every byte or nothing at all, whatever was changed, in memory that does not grow."""

import io
import stat
import tracemalloc

import pytest

from labsupport.security import sealing_trial, stream, tampering
from labsupport.security.stream import CHUNK, SealError

KEY = bytes(range(32))


def sealed(data: bytes, key: bytes = KEY, context: str = "m 1") -> bytes:
    written = io.BytesIO()
    stream.encrypt(io.BytesIO(data), written, key, context)
    return written.getvalue()


def opened(data: bytes, key: bytes = KEY, context: str = "m 1") -> bytes:
    written = io.BytesIO()
    stream.decrypt(io.BytesIO(data), written, key, context)
    return written.getvalue()


def content(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5])
def test_it_gives_back_every_byte(size) -> None:
    assert opened(sealed(content(size))) == content(size)


ATTACKS = tampering.attacks(sealed(content(3 * CHUNK + 5)), sealed(content(3 * CHUNK + 6)))


def test_there_are_ten_attacks_and_each_changes_the_file() -> None:
    original = sealed(content(3 * CHUNK + 5))
    assert len(ATTACKS) == 10
    assert len({*ATTACKS.values(), original}) == 11


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_changed_file_is_refused_and_nothing_is_left(attack, tmp_path) -> None:
    (tmp_path / "sealed").write_bytes(ATTACKS[attack])
    with pytest.raises(SealError):
        stream.open_sealed(tmp_path / "sealed", tmp_path / "opened", KEY, "m 1")
    assert [path.name for path in tmp_path.iterdir()] == ["sealed"]


# With names of their own: sealed bytes differ each time, and two workers must collect the same tests.
@pytest.mark.parametrize(
    "data",
    [b"", b"LABSEAL1", sealed(b"")[:-1], sealed(b"x")[:60], b"X" + sealed(b"x")[1:]],
    ids=["empty", "only the sign", "cut at the tag", "cut in the header", "another sign"],
)
def test_what_is_no_whole_sealed_file_is_refused(data) -> None:
    with pytest.raises(SealError):
        opened(data)


def test_another_key_and_another_context_are_refused() -> None:
    with pytest.raises(SealError):
        opened(sealed(b"weights"), key=stream.new_key())
    with pytest.raises(SealError):
        opened(sealed(b"weights"), context="m 2")


def test_a_key_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 random bytes"):
        sealed(b"", key=b"a password")


def test_the_same_file_is_never_sealed_to_the_same_bytes() -> None:
    assert sealed(b"weights") != sealed(b"weights")


def test_a_failed_opening_leaves_the_file_of_before(tmp_path) -> None:
    (tmp_path / "sealed").write_bytes(sealed(b"new")[:-1])
    (tmp_path / "opened").write_bytes(b"of before")
    with pytest.raises(SealError):
        stream.open_sealed(tmp_path / "sealed", tmp_path / "opened", KEY, "m 1")
    assert (tmp_path / "opened").read_bytes() == b"of before"


def test_what_is_opened_is_its_owners_only(tmp_path) -> None:
    (tmp_path / "plain").write_bytes(b"weights")
    stream.seal(tmp_path / "plain", tmp_path / "sealed", KEY, "m 1")
    stream.open_sealed(tmp_path / "sealed", tmp_path / "opened", KEY, "m 1")
    assert stat.S_IMODE((tmp_path / "opened").stat().st_mode) == 0o600


def test_memory_does_not_grow_with_the_file(tmp_path) -> None:
    def peak(chunks: int) -> int:
        (tmp_path / "plain").write_bytes(content(chunks * CHUNK))
        tracemalloc.start()
        stream.seal(tmp_path / "plain", tmp_path / "sealed", KEY, "m 1")
        stream.open_sealed(tmp_path / "sealed", tmp_path / "opened", KEY, "m 1")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(4)
    assert peak(64) < peak(4) + 2 * CHUNK


def test_the_keys_of_a_trial_are_their_owners_also_where_files_of_their_names_were_everybodys(tmp_path) -> None:
    (tmp_path / "fernet.key").write_text("old")
    (tmp_path / "fernet.key").chmod(0o644)
    files = sealing_trial.write_keys(tmp_path)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files.values()} == {0o600}
    assert len(files["fernet"].read_bytes()) > 40 and len(files["stream"].read_bytes()) == 32
