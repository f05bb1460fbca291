"""Great Expectations without the internet: a checkpoint on a frame, and its data docs as one page that needs nothing."""

import copy
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# Its usage reporting looks at this when it is imported.
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

# When and under which number a run took place: different in each run, and of no use on a page that is kept apart.
RUN = re.compile(r"\d{8}T\d{6}\.\d+Z|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
STYLE = """
body { font-family: system-ui, sans-serif; margin: 1rem; color: #222; background: #fcfcfb; font-size: 14px; }
table { border-collapse: collapse; margin: .4rem 0; } th, td { border: 1px solid #ddd; padding: .2rem .6rem; text-align: left; }
h4, h5, h6 { margin: .6rem 0 .2rem; font-size: 1rem; } p { margin: .2rem 0; }
.text-danger { color: #B34A00; } .text-success { color: #007A59; }
i.text-success::before { content: "ok"; } i.text-danger::before { content: "failed"; }
.sticky, .collapse, [data-toggle="collapse"], [id$="-parent"], .modal { display: none; }
"""


@dataclass(frozen=True)
class Validation:
    """The result of a checkpoint: whether all held, one row an expectation, and the page (None unless it was asked for)."""

    success: bool
    results: "pd.DataFrame"
    page: str | None


def validate(
    frame: "pd.DataFrame", expectations: Sequence[Any], *, name: str = "deploys", page: bool = False
) -> Validation:
    """Run a checkpoint of Great Expectations on a frame, in a context that lives in memory and leaves no file behind.

    `results` has the columns expectation, column, success, unexpected (how many values; None where nothing is counted)
    and observed. The page is `offline` already.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = _checkpoint(expectations, name, folder if page else None).run(batch_parameters={"dataframe": frame})
        written = sorted(Path(folder).glob("validations/**/*.html"))
        html = offline(written[-1].read_text(encoding="utf-8")) if written else None
    (validation,) = found.run_results.values()
    return Validation(bool(found.success), _table(validation.results), html)


def validate_each(frames: Iterable["pd.DataFrame"], expectations: Sequence[Any]) -> Iterator[Validation]:
    """Validate several frames, one after the other, without checkpoint and store: a third of the time."""
    import great_expectations as gx

    definition = _context().data_sources.add_pandas("frames").add_dataframe_asset("frame")
    whole = definition.add_batch_definition_whole_dataframe("whole")
    suite = gx.ExpectationSuite(name="suite", expectations=[copy.copy(each) for each in expectations])
    for frame in frames:
        found = whole.get_batch(batch_parameters={"dataframe": frame}).validate(suite)
        yield Validation(bool(found.success), _table(found.results), None)


def _context() -> Any:
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    # By default each context makes a folder for pages of its own.
    config = DataContextConfig(store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False))
    context = gx.get_context(mode="ephemeral", project_config=config)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def _checkpoint(expectations: Sequence[Any], name: str, docs: str | None) -> Any:
    """Return a checkpoint for whole frames; with `docs`, a folder, it writes its page there."""
    import great_expectations as gx
    from great_expectations.checkpoint.actions import UpdateDataDocsAction

    context = _context()
    frames = context.data_sources.add_pandas("frames").add_dataframe_asset(name)
    batch = frames.add_batch_definition_whole_dataframe("whole")
    # Copies, because an expectation belongs to one suite.
    own = [copy.copy(each) for each in expectations]
    suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=own))
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
    actions: list[Any] = []
    if docs:
        store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": docs}
        site: Any = {"class_name": "SiteBuilder", "store_backend": store}
        context.add_data_docs_site("local", site)
        actions = [UpdateDataDocsAction(name="docs", site_names=["local"])]
    made = gx.Checkpoint(name=name, validation_definitions=[definition], actions=actions, result_format="COMPLETE")
    return context.checkpoints.add(made)


def offline(page: str) -> str:
    """Return a page of data docs without anything that a browser would fetch, with a small style of our own.

    Its own pages take style, fonts and charts from other hosts; without these, tables and words are all there.
    """
    for block in ("script", "style", "footer", "nav"):
        page = re.sub(rf"<{block}\b.*?</{block}>", "", page, flags=re.DOTALL | re.IGNORECASE)
    page = re.sub(r"<(link|img|iframe|source|video|input)\b[^>]*>", "", page, flags=re.IGNORECASE)
    page = re.sub(r"</?(a|button)\b[^>]*>", "", page, flags=re.IGNORECASE)
    page = re.sub(r"@import[^;]*;|url\([^)]*\)", "", page)
    page = re.sub(RUN, "", page)
    page = re.sub(r"\s*\n\s*", "\n", page)
    return re.sub(r"</head>", f"<style>{STYLE}</style></head>", page, count=1, flags=re.IGNORECASE)


def show_page(page: str, *, height: int = 420) -> None:
    """Show a page in the notebook, in a frame of its own; a terminal says how long it is."""
    from html import escape

    from IPython.display import display

    frame = f'<iframe srcdoc="{escape(page)}" title="Data docs" style="box-sizing:border-box;width:100%;height:{height}px;border:1px solid #ddd"></iframe>'
    words = len(re.sub(r"<[^>]+>", " ", page).split())
    display({"text/html": frame, "text/plain": f"[Page: data docs, {words} words]"}, raw=True)


def _table(results: Sequence[Any]) -> "pd.DataFrame":
    import pandas as pd

    rows = []
    for each in results:
        config, result = each.expectation_config, each.result or {}
        rows.append(
            {
                "expectation": config.type,
                "column": config.kwargs.get("column", ""),
                "success": bool(each.success),
                "unexpected": result.get("unexpected_count"),
                "observed": result.get("observed_value"),
            }
        )
    return pd.DataFrame(rows, columns=["expectation", "column", "success", "unexpected", "observed"])
