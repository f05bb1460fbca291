"""What zizmor says of a workflow file's safety, offline, as short lines: severity, name of the rule, and where."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from labsupport import variables
from labsupport.errors import LabsError


def findings(text: str) -> list[str]:
    """Return the findings for a workflow in a text, the severe ones first, each rule with its count; none for a clean one.

    Raises LabsError where zizmor can't read it.
    """
    with tempfile.TemporaryDirectory(prefix="labs-workflow-") as folder:
        file = Path(folder) / ".github" / "workflows" / "workflow.yml"
        file.parent.mkdir(parents=True)
        file.write_text(text)
        program = Path(sys.executable).with_name("zizmor")
        words = [str(program), "--offline", "--quiet", "--no-progress", "--format=json", folder]
        ended = subprocess.run(words, env=variables.for_program(), capture_output=True, text=True, timeout=60)
    try:
        found = json.loads(ended.stdout)
    except ValueError:
        raise LabsError(f"zizmor could not read the workflow: {ended.stderr.strip()[:200]}") from None
    counts: dict[tuple[str, str, str], int] = {}
    for one in found:
        if not one.get("ignored"):
            key = (one["determinations"]["severity"], one["ident"], one["desc"])
            counts[key] = counts.get(key, 0) + 1
    order = ("High", "Medium", "Low", "Informational", "Unknown")
    listed = sorted(counts.items(), key=lambda item: (order.index(item[0][0]), item[0][1]))
    return [f"{severity:<13} {name:<23} {count} x  {words}" for (severity, name, words), count in listed]
