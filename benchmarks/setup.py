"""Measure what the set-up costs: MB to download, GB of disk, minutes. Writes requirements/size.json, which the set-up announces.

    python benchmarks/setup.py

It makes a fresh environment in a temporary folder with an empty cache, so it downloads everything once.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "main.txt"
UV = Path(sys.executable).parent / "uv"


def main() -> None:
    """Measure, print, store."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = dict(os.environ, UV_CACHE_DIR=str(folder / "cache"), UV_PYTHON_DOWNLOADS="never")
        listed = folder / "pylock.toml"
        compile_lock = [UV, "pip", "compile", "-q", "--no-deps", LOCK, "--format", "pylock.toml", "-o", listed]
        subprocess.run([*map(str, compile_lock)], check=True, env=environment, stdout=subprocess.DEVNULL)
        download_mb = sum(map(chosen_size, tomllib.loads(listed.read_text())["packages"])) / 1e6

        venv = folder / "venv"
        started = time.monotonic()
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        install = [UV, "pip", "install", "-q", "--python", venv / "bin" / "python", "--compile-bytecode", "-r", LOCK]
        subprocess.run([*map(str, install)], check=True, env=environment)
        minutes = (time.monotonic() - started) / 60
        disk_gb = sum(path.stat().st_size for path in venv.rglob("*") if path.is_file() and not path.is_symlink()) / 1e9
    size = {"download_mb": round(download_mb), "disk_gb": round(disk_gb, 1), "minutes": math.ceil(minutes)}
    (ROOT / "requirements" / "size.json").write_text(json.dumps(size, indent=1) + "\n")
    print(f"download {download_mb:.0f} MB, disk {disk_gb:.1f} GB, {minutes:.1f} minutes from an empty cache")


def chosen_size(package: dict) -> int:
    """Return the bytes of the file that this machine would download for one package."""
    rank = {tag: position for position, tag in enumerate(sys_tags())}
    best: tuple[int, int] | None = None
    for wheel in package.get("wheels", []):
        try:
            wheel_tags = parse_wheel_filename(wheel.get("name") or wheel["url"].rsplit("/", 1)[-1])[3]
        except InvalidWheelFilename:
            continue
        fits = min((rank[tag] for tag in wheel_tags if tag in rank), default=None)
        if fits is not None and (best is None or fits < best[0]):
            best = (fits, wheel.get("size", 0))
    return best[1] if best else package.get("sdist", {}).get("size", 0)


if __name__ == "__main__":
    main()
