"""Three scanners of model files asked about a good model and a poisoned one, saved in three ways.

    python benchmarks/scanners.py      # about half a minute; needs `labs env scan` once

The poisoned files write a text into a temporary folder when they are loaded; here nothing loads them. A verdict is what the tool's
exit code says: 0 is clean, 1 is a finding, anything else is an error. Writes labsupport/security/measured/scanners.json.
"""

import datetime
import json
import pickle
import re
import subprocess
import tempfile
from pathlib import Path

from labsupport import isolated
from labsupport.security import benchmarked

# Fickling's code 1 means "not shown to be safe".
TOOLS = {
    "modelscan": ["modelscan", "-p"],
    "picklescan": ["picklescan", "-p"],
    "fickling": ["fickling", "--check-safety"],
}
SAVED = ("pickle", "joblib", "compressed joblib")


def files(folder: Path) -> dict[str, Path]:
    """Write a model of lesson 203, good and poisoned, in each way; return the files by name."""
    import joblib

    from labsupport.ml import deploy_risk
    from labsupport.security.poison import Poisoned

    model = deploy_risk.train(seed=0).pipeline
    made = {}
    for name, what in {"good": model, "poisoned": Poisoned(model, folder / "marker")}.items():
        for kind in SAVED:
            made[f"{name} {kind}"] = path = folder / f"{name}-{kind.replace(' ', '-')}.{kind.split()[-1][:6]}"
            if kind == "pickle":
                path.with_suffix(".pkl").write_bytes(pickle.dumps(what))
                made[f"{name} {kind}"] = path.with_suffix(".pkl")
            else:
                joblib.dump(what, path, compress=3 if "compressed" in kind else 0)
    return made


def verdict(tool: str, path: Path) -> str:
    """Return what a tool's exit code says of a file."""
    program, *options = TOOLS[tool]
    done = subprocess.run(
        [isolated.program("scan", program), *options, path], capture_output=True, text=True, timeout=120
    )
    return {0: "clean", 1: "finding"}.get(done.returncode, f"error {done.returncode}")


def main() -> int:
    """Ask, and write the table."""
    with tempfile.TemporaryDirectory() as name:
        made = files(Path(name))
        verdicts = [
            {"file": file, **{tool: verdict(tool, path) for tool in TOOLS}}
            for kind in SAVED
            for file, path in made.items()
            if file.partition(" ")[2] == kind
        ]
    lock = Path(__file__).resolve().parents[1].joinpath("requirements/scan.txt").read_text()
    versions = dict(re.findall(rf"^({'|'.join(TOOLS)})==(\S+)", lock, re.MULTILINE))
    found = {"date": datetime.date.today().isoformat(), "versions": versions, "verdicts": verdicts}
    benchmarked.FOLDER.mkdir(exist_ok=True)
    (benchmarked.FOLDER / "scanners.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
