"""Read a delivery from a CSV file: every line ends as a row or is named, and no value is guessed."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labsupport.data.contracts import Column
from labsupport.errors import LabsError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Delivery:
    """The rows of a file, and the lines that are none: (line number, text)."""

    frame: "pd.DataFrame"
    unreadable: tuple[tuple[int, str], ...]


def read_csv(path: Path, columns: Sequence[Column]) -> Delivery:
    """Read a CSV file whose first line names the columns; numbers, flags and times are read as the contract has them.

    A value that can't be read stays the text that it is, so that a check can name it. A line with another count of fields
    is kept aside. Raises LabsError for a file that is missing, empty or no text.
    """
    import pandas as pd

    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = csv.reader(stream)
            names = next(lines, [])
            rows, unreadable = [], []
            for fields in lines:
                if len(fields) == len(names):
                    rows.append(fields)
                elif fields:
                    unreadable.append((lines.line_num, ",".join(fields)))
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
