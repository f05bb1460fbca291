"""Read a delivery from a CSV file: every line ends as a row or is named, and no value is guessed."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labsupport.data.contracts import Column
from labsupport.errors import LabsError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Delivery:
    """The rows of a file, and the lines that are no row of their own: (line number, text)."""

    frame: "pd.DataFrame"
    unreadable: tuple[tuple[int, str], ...]


def read_csv(path: Path, columns: Sequence[Column]) -> Delivery:
    """Read a CSV file whose first line names the columns; numbers, flags and times are read as the contract has them.

    A value that can't be read stays the text that it is, so that a check can name it. Kept aside is a line with another
    count of fields, and all lines within a pair of quotes, or behind one that nobody closes: which rows they were, only a
    guess could say. Raises LabsError for a file that is missing, empty or no text.
    """
    import pandas as pd

    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            names, rows, unreadable = _split(stream)
    except FileNotFoundError:
        raise LabsError(f"There is no file {path.name}: did the delivery come?") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise LabsError(f"{path.name} can't be read as CSV in UTF-8 ({error}).") from None
    if not names:
        raise LabsError(f"{path.name} is empty: it has not even a line that names the columns.")
    kinds = {column.name: column.kind for column in columns}
    text = pd.DataFrame(rows, columns=names, dtype=object)
    if not text.columns.is_unique:
        return Delivery(text, tuple(unreadable))
    return Delivery(text.apply(lambda values: _read(values, kinds.get(str(values.name), "string"))), tuple(unreadable))


def _split(stream: Iterable[str]) -> tuple[list[str], list[list[str]], list[tuple[int, str]]]:
    """Return the names in the first line, the rows below it, and the lines that are none, with their numbers."""
    lines = enumerate(stream, start=1)
    taken: list[tuple[int, str]] = []

    def each() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line[1]

    reader = csv.reader(each(), strict=True)
    names = next(reader, [])
    rows: list[list[str]] = []
    unreadable: list[tuple[int, str]] = []
    while True:
        taken.clear()
        try:
            fields = next(reader)
        except StopIteration:
            return names, rows, unreadable
        except csv.Error:
            fields = []
        if len(fields) == len(names) and len(taken) == 1:
            rows.append(fields)
        else:
            unreadable += [(number, text) for number, line in taken if (text := line.rstrip("\r\n"))]


def _read(values: "pd.Series", kind: str) -> "pd.Series":
    import pandas as pd

    empty = values.str.strip() == ""
    if kind in ("integer", "number"):
        read = pd.to_numeric(values.mask(empty), errors="coerce")
    elif kind == "time":
        read = pd.to_datetime(values.mask(empty), errors="coerce", format="ISO8601", utc=True)
    elif kind == "boolean":
        read = values.str.lower().map({"true": True, "false": False}).astype(object)
    else:
        return values.mask(empty, None)
    unread = read.isna() & ~empty
    if not unread.any():
        return read.astype(bool) if kind == "boolean" and not empty.any() else read
    return read.astype(object).mask(unread, values)


__all__ = ["Delivery", "read_csv"]
