"""What kubectl prints, without what is different each time: generated names, ages, addresses."""

import re

# The hash of a pod template and the suffix of a pod use these letters only (no vowels), so words are not mistaken.
_SAFE = "[bcdfghjklmnpqrstvwxz2456789]"
_POD = re.compile(rf"(?<=-){_SAFE}{{6,10}}-{_SAFE}{{5}}\b")
_SET = re.compile(rf"(?<=-){_SAFE}{{8,10}}\b(?!-)")
_OF_A_JOB = re.compile(rf"(?<=-){_SAFE}{{5}}\b(?!-)")
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")
_AGE = re.compile(r"(?<=[\s(])(?:\d+[dhms]){1,2}(?= ago\)|\s|$)", re.MULTILINE)


def tidy(text: str) -> str:
    """Return a table or text of kubectl that is the same in every run: `web-…-…`, `…` for ages and addresses."""
    text = _POD.sub("…-…", text)
    text = _OF_A_JOB.sub("…", _SET.sub("…", text))
    text = _ADDRESS.sub(lambda found: found[0] if found[0] in ("0.0.0.0", "127.0.0.1") else "…", text)
    text = _AGE.sub("…", text)
    # Columns keep the width of what was cut out; what YAML and `describe` indent stays.
    return re.sub(r"(?<=\S) {3,}", "   ", "\n".join(line.rstrip() for line in text.splitlines()))
