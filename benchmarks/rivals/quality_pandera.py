"""The contract of benchmarks/quality.py in pandera, as its own documents write it."""

import json
import sys

import pandas as pd
import pandera.pandas as pa
from quality_rounds import measure

frame = pd.read_parquet(sys.argv[1])
schema = pa.DataFrameSchema(
    {
        "deploy_id": pa.Column(str, pa.Check.str_matches(r"^d-\d{6}$"), unique=True, report_duplicates="exclude_first"),
        "team": pa.Column(str, pa.Check.isin(["payments", "search", "web"])),
        "time": pa.Column("datetime64[ns, UTC]"),
        "lines_changed": pa.Column("int64", pa.Check.in_range(1, 200_000)),
        "files_changed": pa.Column("int64", pa.Check.in_range(1, 20_000)),
        "author_deploys": pa.Column("int64", pa.Check.ge(0)),
        "tests_failed_before": pa.Column("int64", pa.Check.in_range(0, 1_000)),
        "coverage": pa.Column(float, pa.Check.in_range(0, 1), nullable=True),
        "dependency_bump": pa.Column(bool),
        "failed": pa.Column(bool),
    },
    strict=True,
)


def check() -> int:
    """Return the bad rows."""
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        wrong = error.failure_cases
        if wrong["index"].isna().any():
            raise SystemExit(
                f"the schema itself does not fit: {wrong[wrong['index'].isna()].head().to_string()}"
            ) from None
        return int(wrong["index"].nunique())
    return 0


print(json.dumps(measure(check, 3)))
