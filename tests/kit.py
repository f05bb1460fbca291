"""The offline kit that makes Kubernetes' programs and a container engine where nothing can be downloaded."""

import os
from pathlib import Path


def find() -> Path | None:
    """Return the kit's command: that of LABS_KINDKIT, else the one in a folder beside the checkout; None without one."""
    named = os.environ.get("LABS_KINDKIT")
    beside = Path(__file__).resolve().parents[2].glob("*/kindkit/kindkit.sh")
    found = [Path(named)] if named else sorted(beside)
    return found[0] if found and found[0].exists() else None


def watching_images(base: str) -> None:
    """Make the public images of Prometheus and Alertmanager under their own names from this machine's programs, for `base`'s system.

    For machines that can pull nothing; what is there already stays.
    """
    import shutil
    import tempfile

    from labsupport.cluster import versions
    from labsupport.cluster.kind import engine
    from labsupport.cluster.pocket import observers

    found = engine.find()
    for name, version in (("prometheus", versions.PROMETHEUS), ("alertmanager", versions.ALERTMANAGER)):
        image = f"prom/{name}:v{version}"
        if found.run("image", "inspect", image, check=False).returncode == 0:
            continue
        with tempfile.TemporaryDirectory() as work:
            folder = Path(work)
            shutil.copy(observers.find(name), folder / name)
            lines = [f"FROM {base}", f"COPY {name} /bin/{name}"]
            if observers.TEMPLATES.exists():
                # Debian's Alertmanager looks for them there.
                shutil.copytree(observers.TEMPLATES.parent, folder / "templates", ignore=shutil.ignore_patterns("*ui*"))
                lines.append(f"COPY templates {observers.TEMPLATES.parent}")
            lines += ["USER 65534", f'ENTRYPOINT ["/bin/{name}"]']
            (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
            found.run("build", "-t", image, work, timeout=600)
