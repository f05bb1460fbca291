"""The page that a course run leaves: per lesson its time, memory, figures, and pass or fail."""

import html
import platform
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from labsupport import files
from labsupport.course.runner import Result
from labsupport.errors import LabsError

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color-scheme:light dark}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.4rem .8rem;border-bottom:1px solid #8884}
td.n{text-align:right;font-variant-numeric:tabular-nums}.pass{color:#2f9e44}.fail{color:#e03131}pre{white-space:pre-wrap}
"""


def write(
    path: Path,
    results: list[Result],
    wall_seconds: float,
    left_out: Mapping[str, str] | None = None,
    *,
    interrupted: bool = False,
) -> Path:
    """Write the report and return where it is; a result without problem is a pass.

    `left_out` has the reason of each notebook that was not run, or not to its end because the whole run was `interrupted`.
    Where `path` may not be written, it goes to the folder of temporary files: the run that it tells of took long.
    """
    passed = sum(result.passed for result in results)
    skipped = left_out or {}
    rows = "\n".join([*map(_row, results), *(_skipped_row(*item) for item in skipped.items())])
    heading = "Course run, interrupted" if interrupted else "Course run"
    also = f", {len(skipped)} skipped," if skipped else ""
    page = f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{heading}</title>
<style>{STYLE}</style>
<h1>{heading}</h1>
<p>{passed} of {len(results)} notebooks passed{also} in {wall_seconds:.0f} s, {datetime.now():%Y-%m-%d %H:%M},
Python {platform.python_version()} on {platform.system()} {platform.machine()}.</p>
<table><thead><tr><th>Notebook</th><th>Result</th><th>Time, s</th><th>CPU, s</th><th>Peak memory, MB</th><th>Figures</th></tr></thead>
<tbody>
{rows}
</tbody></table></html>
"""
    try:
        files.write_text(path, page)
    except LabsError:
        path = Path(tempfile.gettempdir()) / f"labs-{files.stamp()}-{path.name}"
        files.write_text(path, page)
    return path


def _skipped_row(name: str, reason: str) -> str:
    return f'<tr><td>{html.escape(name)}</td><td>skipped</td><td colspan="4">{html.escape(reason)}</td></tr>'


def _row(result: Result) -> str:
    kind = "pass" if result.passed else "fail"
    numbers = (
        f"{result.cost.wall_seconds:.1f}",
        f"{result.cost.cpu_seconds:.1f}",
        f"{result.cost.memory_mb:.0f}",
        str(result.figures),
    )
    cells = "".join(f'<td class="n">{number}</td>' for number in numbers)
    row = f'<tr><td>{html.escape(result.name)}</td><td class="{kind}">{kind}</td>{cells}</tr>'
    if result.problem:
        row += f'<tr><td></td><td colspan="5"><pre>{html.escape(result.problem)}</pre></td></tr>'
    return row
