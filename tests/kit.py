"""The offline kit that makes Kubernetes' programs and a container engine where nothing can be downloaded."""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

# What public images run, by their names without the tag.
PROGRAMS = {
    "prom/prometheus": "prometheus",
    "prom/alertmanager": "alertmanager",
    "traefik": "traefik",
    "chrislusf/seaweedfs": "weed",
}


def find() -> Path | None:
    """Return the kit's command: that of LABS_KINDKIT, else the one in a folder beside the checkout; None without one."""
    named = os.environ.get("LABS_KINDKIT")
    beside = Path(__file__).resolve().parents[2].glob("*/kindkit/kindkit.sh")
    found = [Path(named)] if named else sorted(beside)
    return found[0] if found and found[0].exists() else None


def public_images(base: str) -> list[str]:
    """Make the public images that the labs' manifests name, from this machine's programs, and return their names.

    For machines that can pull nothing: each is `base` (a system) with one program; an image that is there already stays.
    """
    from labsupport.cluster.kind import engine
    from labsupport.cluster.pocket import observers

    found, made = engine.find(), []
    for image, program in sorted(_programs().items()):
        made.append(image)
        if found.run("image", "inspect", image, check=False).returncode == 0:
            continue
        with tempfile.TemporaryDirectory() as work:
            folder = Path(work)
            path = observers.find(program) if program in observers.PROGRAMS else _beside_python(program)
            shutil.copy(path, folder / program)
            lines = [f"FROM {base}", f"COPY {program} /bin/{program}"]
            if observers.TEMPLATES.exists():
                # Debian's Alertmanager looks for them there.
                shutil.copytree(observers.TEMPLATES.parent, folder / "templates", ignore=shutil.ignore_patterns("*ui*"))
                lines.append(f"COPY templates {observers.TEMPLATES.parent}")
            lines += ["USER 65534", f'ENTRYPOINT ["/bin/{program}"]']
            (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
            found.run("build", "-t", image, work, timeout=600)
    return made


def close_way_out(cluster: str) -> None:
    """Refuse on a kit's node what leaves it for a Service's address: there such a machine's network may answer anything.

    A Service without endpoints yet would be answered 404 from outside, and Prometheus would keep that connection for ever.
    """
    from labsupport.cluster.kind import engine

    rules = [
        "add table inet guard",
        "add chain inet guard forward { type filter hook forward priority -5; }",
        "add rule inet guard forward oifname eth0 ip daddr 10.96.0.0/16 meta l4proto tcp reject with tcp reset",
        "add rule inet guard forward oifname eth0 ip daddr 10.96.0.0/16 reject",
    ]
    for node in engine.find().nodes(cluster):
        for rule in rules:
            engine.find().run("exec", node, "nft", rule)


def _programs() -> dict[str, str]:
    """Return the program of each public image in manifests/ that we know how to make."""
    from labsupport import paths

    texts = [path.read_text() for path in (paths.course_root() / "manifests").glob("[0-9]*/*.yaml")]
    images = {image for text in texts for image in re.findall(r"image: (\S+)", text)}
    return {image: PROGRAMS[name] for image in images if (name := image.partition(":")[0]) in PROGRAMS}


def _beside_python(program: str) -> str:
    path = shutil.which(program, path=str(Path(sys.executable).parent)) or shutil.which(program)
    if path is None:
        raise FileNotFoundError(f"The program {program} is neither beside Python nor on PATH.")
    return path
