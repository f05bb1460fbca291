"""The contract of benchmarks/quality.py in Great Expectations, as its own documents write it."""

import json
import os
import sys
from typing import Any

os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx
import great_expectations.expectations
import pandas as pd
from great_expectations.data_context.types.base import ProgressBarsConfig
from quality_rounds import measure

frame = pd.read_parquet(sys.argv[1])
# Its own documents write gx.expectations.ExpectX; its types do not export them.
gxe: Any = great_expectations.expectations
BOUNDS = {
    "lines_changed": (1, 200_000),
    "files_changed": (1, 20_000),
    "author_deploys": (0, None),
    "tests_failed_before": (0, 1_000),
    "coverage": (0, 1),
}
expectations = [
    gxe.ExpectTableColumnsToMatchSet(column_set=list(frame.columns), exact_match=True),
    gxe.ExpectColumnValuesToBeUnique(column="deploy_id"),
    gxe.ExpectColumnValuesToMatchRegex(column="deploy_id", regex=r"^d-\d{6}$"),
    gxe.ExpectColumnValuesToBeInSet(column="team", value_set=["payments", "search", "web"]),
    *(
        gxe.ExpectColumnValuesToBeBetween(column=name, min_value=low, max_value=high)
        for name, (low, high) in BOUNDS.items()
    ),
    *(gxe.ExpectColumnValuesToNotBeNull(column=name) for name in frame.columns if name != "coverage"),
    *(gxe.ExpectColumnValuesToBeInTypeList(column=name, type_list=["int64", "float64"]) for name in BOUNDS),
    *(gxe.ExpectColumnValuesToBeOfType(column=name, type_="bool") for name in ("dependency_bump", "failed")),
]
context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = ProgressBarsConfig(globally=False)
batch = context.data_sources.add_pandas("frames").add_dataframe_asset("deploys").add_batch_definition_whole_dataframe("whole")  # fmt: skip
suite = context.suites.add(gx.ExpectationSuite(name="deploys", expectations=expectations))
definition = context.validation_definitions.add(gx.ValidationDefinition(name="deploys", data=batch, suite=suite))
checkpoint = context.checkpoints.add(
    gx.Checkpoint(
        name="deploys",
        validation_definitions=[definition],
        # Every bad row by its index, which is what quarantine needs.
        result_format={"result_format": "COMPLETE", "return_unexpected_index_query": False},
    )
)


def check() -> int:
    """Return the bad rows; of rows with one key the first is a good one, as in ours."""
    (result,) = checkpoint.run(batch_parameters={"dataframe": frame}).run_results.values()
    bad: set[int] = set()
    for each in result.results:
        rows = each.result.get("unexpected_index_list") or []
        if each.expectation_config and each.expectation_config.type == "expect_column_values_to_be_unique":
            rows = [row for row in rows if again[row]]
        bad.update(rows)
    return len(bad)


again = frame.duplicated("deploy_id").to_numpy()
print(json.dumps(measure(check, 1 if len(frame) > 200_000 else 3)))
