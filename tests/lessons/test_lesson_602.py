"""Lesson 602: usual mistakes, each with words of its own diagnosis, and right answers; on the cluster, recorded snapshots of both (see test_every_lesson)."""

import copy

import pytest

from labsupport.cluster import lab
from labsupport.cluster.look import recorded
from labsupport.cluster.snapshot import Snapshot
from labsupport.exercises import proof
from labsupport.exercises.engine import evaluate
from labsupport.exercises.proof import Kind
from labsupport.exercises.render import Card
from labsupport.lessons import lesson_602


def reads(result: str, parser: str = "configparser.ConfigParser()") -> str:
    return (
        "def password_of(secret):\n"
        "    import configparser\n"
        '    encoded = secret["data"]["auth.ini"]\n'
        "    text = base64.b64decode(encoded).decode()\n"
        f"    parser = {parser}\n"
        "    parser.read_string(text)\n"
        f"    return {result}"
    )


def copies(*lines: str) -> str:
    head = ["def back_up(database, target):", "    import os, shutil, sqlite3"]
    return "\n".join([*head, *(f"    {line}" for line in lines)])


BOTH = ("live = sqlite3.connect(database)", "copy = sqlite3.connect(target)")
DUMP = 'copy.executescript("\\n".join(live.iterdump()))'

WRONG = {
    "602.1": {
        "believes in base64": (reads("encoded"), "still base64"),
        "keeps bytes": (reads('parser["mlflow"]["admin_password"].encode()'), "makes a text of bytes"),
        "takes the file": (reads("text"), "take `admin_password` out of it"),
        "cuts at every =": (
            reads('[line.split("=")[1].strip() for line in text.splitlines() if "admin_password" in line][0]'),
            "cut at the first one only",
        ),
        "keeps the spaces": (
            reads('[line.split("=", 1)[1] for line in text.splitlines() if "admin_password" in line][0]'),
            "without quotes or spaces",
        ),
        "ignores its argument": (reads('"swordfish"'), "each Secret has a password of its own"),
        "returns nothing": (reads("None"), "no `return`"),
    },
    "602.2": {
        "lets everybody in": ("602-hosts-any", "the check is off"),
        "forgets the port": ("602-hosts-no-port", "the name without a port"),
        "locks itself out": ("602-hosts-locked-out", "keep `127.*`"),
        "forgets other namespaces": ("602-hosts-short", "are still refused"),
        "ends a name too early": ("602-hosts-prefix", "end the pattern's name"),
    },
    "602.3": {
        "sets the client's variable": ("602-books-client", "is read by clients"),
        "forgets the store": ("602-books-no-store", "a file of its own"),
        "takes an emptyDir": ("602-books-empty-dir", "goes with the pod"),
        "takes the claim of the back-up": ("602-books-wrong-claim", "a copy beside its original"),
        "forgets the mount": ("602-books-no-mount", "no container mounts"),
        "writes three slashes": ("602-books-relative", "One slash more"),
        "writes beside the mount": ("602-books-elsewhere", "this path is elsewhere"),
        "forgets the models": ("602-books-no-models", "their models would go"),
        "gives a bare path": ("602-books-bare", "the store is an address"),
    },
    "602.4": {
        "copies the file": (copies("shutil.copy(database, target)"), "let it copy, by `backup`"),
        "copies in the wrong direction": (copies(*BOTH, "copy.backup(live)"), "the wrong direction"),
        "copies all three files": (
            copies(
                'for end in ("", "-wal", "-shm"):',
                "    if os.path.exists(database + end):",
                "        shutil.copy(database + end, target + end)",
            ),
            "file by file",
        ),
        "moves the file": (copies("os.rename(database, target)"), "it was moved"),
        "keeps last night's copy": (
            copies("if not os.path.exists(target):", *(f"    {line}" for line in (*BOTH, "live.backup(copy)"))),
            "last night's copy",
        ),
        "adds to last night's copy": (
            copies(
                *BOTH,
                'copy.execute("create table if not exists runs (name text)")',
                'copy.executemany("insert into runs values (?)", live.execute("select name from runs"))',
                "copy.commit()",
            ),
            "added to the first",
        ),
        "copies nowhere": (copies("sqlite3.connect(database).close()"), "into the file `target`"),
    },
    "602.5": {
        "restores under a running server": ("602-restored-while-serving", "keeps the old file open"),
        "copies while the server answers": ("602-restored-refused", "would go on with the old file"),
        "starts nobody": ("602-restored-nobody-serves", "scale the Deployment to 1"),
        "stops and does no more": ("602-restored-only-stopped", "make a Job from the CronJob"),
        "has no back-up": ("602-restored-no-back-up", "There is no back-up"),
        "has another server": ("602-restored-without-books", "this server has no books"),
    },
    "602.6": {
        "loses and logs nothing": ("case = (4, 0)", "the guard refuses the copy"),
        "logs fewer than get lost": ("case = (4, 3)", "4 of 10 runs got lost, 3 new ones"),
        "loses nothing": ("case = (0, 12)", "of its 10 runs it holds 10"),
        "loses more than there are": ("case = (12, 12)", "lies between 0 and 10"),
        "gives one number": ("case = 4", "a pair of numbers"),
    },
}

RIGHT = {
    "602.1": {
        "by hand": reads(
            'next(line.split("=", 1)[1].strip() for line in text.splitlines() if line.startswith("admin_password"))'
        ),
        "without interpolation": reads(
            'parser["mlflow"]["admin_password"]', "configparser.ConfigParser(interpolation=None)"
        ),
        "by a regular expression": reads('__import__("re").search(r"admin_password\\s*=\\s*(.+)", text)[1]'),
    },
    "602.2": {"by an option": "602-hosts-option", "by a wider pattern": "602-served"},
    "602.3": {"by variables": "602-served", "by options, at another path": "602-books-options"},
    "602.4": {
        "by VACUUM INTO": copies(
            "if os.path.exists(target):",
            "    os.remove(target)",
            'sqlite3.connect(database).execute("vacuum into ?", (target,))',
        ),
        "leaves closing to Python": copies(*BOTH, "live.backup(copy)"),
        "by its text": copies("if os.path.exists(target):", "    os.remove(target)", *BOTH, DUMP),
    },
    "602.5": {"with a Job of another name": "602-restored"},
    "602.6": {"many new ones": "case = [1, 7]", "as an array": "import numpy as np\ncase = np.array([4, 4])"},
}


@pytest.mark.parametrize("key", ["602.2", "602.3", "602.5"])
@pytest.mark.parametrize("given", ["nothing", "602-begun"])
def test_what_was_not_touched_is_not_yet_an_answer(key, given) -> None:
    outcome = evaluate(key, seen=Snapshot("lab-602")) if given == "nothing" else proof.outcome_of(key, given)
    assert outcome.kind is Kind.NOT_YET


def test_a_server_that_ends_again_and_again_is_quoted() -> None:
    outcome = proof.outcome_of("602.3", "602-books-crash")
    assert outcome.kind is Kind.FAIL
    assert "its last words" in outcome.cause


@pytest.mark.parametrize("host", [*lesson_602.NAMES, *lesson_602.ADDRESSES, *lesson_602.STRANGERS])
@pytest.mark.parametrize("patterns", ["127.*", "127.*,mlflow:*", "*", "mlflow*", "mlflow,*.svc.cluster.local:*"])
def test_the_check_knows_hosts_as_mlflow_does(host, patterns) -> None:
    import fnmatch

    from mlflow.server.security_utils import is_allowed_host_header

    chosen = patterns.split(",")
    assert any(fnmatch.fnmatch(host, one) for one in chosen) == is_allowed_host_header(chosen, host)


def test_the_handouts_manifest_is_the_handouts() -> None:
    text = (lab.manifests_of("602") / "broken" / "handout.yaml").read_text()
    assert 'value: "sqlite:///mlflow.db"' in text
    assert "image: mlflow:latest" in text
    assert "command" not in text


@pytest.mark.parametrize("name", ["602-hosts-no-port", "602-hosts-prefix", "602-hosts-any"])
def test_a_card_shows_the_stars_of_the_learners_patterns(name) -> None:
    outcome = proof.outcome_of("602.2", name)
    assert "*" in outcome.saw
    assert "<em>" not in Card("FAIL", "602.2", [("Saw", outcome.saw)]).as_html()


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("/books", "a folder of their own"),
        ("/books/../tmp/artifacts", "their models would go"),
        ("file:///books/artifacts/", ""),
    ],
)
def test_models_lie_in_a_folder_of_the_volume(place, words) -> None:
    seen = recorded("602-served")
    objects = copy.deepcopy(seen.objects)
    server = next(one for one in objects if one["kind"] == "Deployment" and one["metadata"]["name"] == "mlflow")
    variables = server["spec"]["template"]["spec"]["containers"][0]["env"]
    next(one for one in variables if one["name"] == "MLFLOW_ARTIFACTS_DESTINATION")["value"] = place
    outcome = evaluate("602.3", seen=Snapshot(seen.namespace, objects, seen.events, seen.logs))
    assert outcome.kind is (Kind.FAIL if words else Kind.PASS)
    assert words in outcome.cause
