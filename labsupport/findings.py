"""What somebody who looks at a machine found: a level, one sentence, and the line that mends it."""

import re
from dataclasses import dataclass
from pathlib import Path

OK, NOTE, FAIL = "ok", "note", "fail"
# A set-up that finds its stamp looks at no library.
INSTALL, ANEW = "rm -f .venv/labs-ready && make setup", "rm -rf .venv && make setup"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: its level, one sentence, and the command or step that mends it."""

    level: str
    sentence: str
    mend: str = ""


def text(findings: list[Finding]) -> str:
    """Return findings as lines for a terminal; one's home is `~`, as a shell has it, and nobody's name is published."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.level:<4}  {finding.sentence}")
        if finding.mend:
            lines.append(f"      -> {finding.mend}")
    return re.sub(rf"(?<!\S){re.escape(str(Path.home()))}/", "~/", "\n".join(lines))
