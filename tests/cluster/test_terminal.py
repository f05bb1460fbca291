"""kubectl in a terminal uses the lab's cluster and namespace; the user's own kubeconfig stays as it was."""

import subprocess
from pathlib import Path

import pytest
import yaml

from labsupport.cluster import kubectl, terminal
from labsupport.cluster.context import ContextCluster
from labsupport.errors import LabsError


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the user's own kubeconfig, with two contexts and a key."""
    file = tmp_path / "own config"
    contexts = [{"name": name, "context": {"cluster": "c", "user": "u", "namespace": "theirs"}} for name in ("a", "b")]
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "b",
        "contexts": contexts,
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "secret-of-the-user"}}],
    }
    file.write_text(yaml.safe_dump(content))
    monkeypatch.setenv("KUBECONFIG", str(file))
    monkeypatch.setenv("LABS_HOME", str(tmp_path / "home"))
    return file


def seen_by_kubectl(line: str) -> tuple[str, str, str]:
    """Return the context, the namespace and the server that kubectl uses after a line of shell."""
    view = "config view --minify -o 'jsonpath={.current-context} {..namespace} {..server}'"
    ran = subprocess.run(["sh", "-c", f"{line}; {kubectl.find()} {view}"], capture_output=True, text=True, check=True)
    context, namespace, server = ran.stdout.split()
    return context, namespace, server


def test_a_terminal_gets_the_context_and_the_namespace_of_the_lab(own: Path) -> None:
    before = own.read_text()
    line = terminal.script(ContextCluster("a", "a"), "lab-601")
    assert seen_by_kubectl(line) == ("a", "lab-601", "https://127.0.0.1:1")
    assert own.read_text() == before
    (ours,) = (own.parent / "home").glob("lab-601.*")
    assert "secret-of-the-user" not in ours.read_text()


def test_the_next_lab_in_the_same_terminal_takes_its_own_namespace(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = ContextCluster("a", "a")
    for namespace in ("lab-601", "lab-602", "lab-601"):
        line = terminal.script(cluster, namespace)
        assert seen_by_kubectl(line)[1] == namespace
        said = subprocess.run(["sh", "-c", f'{line}; printf %s "$KUBECONFIG"'], capture_output=True, text=True).stdout
        monkeypatch.setenv("KUBECONFIG", said)
    assert said.count("/lab-601.") == 1


def test_a_second_terminal_leaves_the_first_on_its_cluster(own: Path) -> None:
    first, second = (terminal.script(ContextCluster(name, name), "lab-601") for name in ("a", "b"))
    assert [seen_by_kubectl(line)[0] for line in (first, second)] == ["a", "b"]


def test_without_a_lab_the_namespace_stays(own: Path) -> None:
    line = terminal.script(ContextCluster("a", "a"))
    assert seen_by_kubectl(f"PATH={Path(kubectl.find()).parent}:$PATH; {line} >/dev/null")[:2] == ("a", "theirs")


def test_a_cluster_that_kubectl_does_not_know_is_said(own: Path) -> None:
    with pytest.raises(LabsError, match="labs cluster up"):
        terminal.script(ContextCluster("nosuch", "nosuch"), "lab-601")


@pytest.mark.parametrize(
    ("cluster", "line"),
    [
        ("auto", 'eval "$(labs cluster env 601)"'),
        ("kind", 'eval "$(LABS_CLUSTER=kind labs cluster env 601)"'),
        ("two words", "eval \"$(LABS_CLUSTER='two words' labs cluster env 601)\""),
    ],
)
def test_the_line_names_the_cluster_that_the_notebook_chose(cluster: str, line: str) -> None:
    assert terminal.line_for("601", cluster) == line
