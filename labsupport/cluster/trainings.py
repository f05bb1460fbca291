"""The training of lab 608: a Job of a learner and one of actors, begun afresh, and killed once."""

from typing import Any

from labsupport.cluster import jobs, waiting
from labsupport.cluster.lab import Lab

FIRST = '"update": 10'
"""What a learner says when its first checkpoint is written."""


def fresh(lab: Lab) -> None:
    """Take learner, actors and what was learnt away, and make an empty volume, the learner's Service, and new actors.

    Raises LabsError when something can't be taken away.
    """
    for what in (("job", "learner", "actors", "--cascade=foreground"), ("-f", str(lab.manifests / "desk.yaml"))):
        lab.cluster.kubectl("-n", lab.namespace, "delete", *what, "--ignore-not-found")
    lab.apply("desk.yaml")
    lab.apply("actors.yaml")


def kill(lab: Lab, *which: str, seconds: float) -> None:
    """Kill a pod of each Job (`learner`, `actors`) once the first checkpoint is written, and say so; or that it was too late."""
    if lab.snapshot().get("Job", "learner") is None:
        print("There is no Job learner, so nobody is killed: the API server's refusal says what to change.")
        return
    waiting.until(lambda: FIRST in lab.ask("kubectl logs job/learner"), "a checkpoint is written", seconds, pause=0.7)
    seen = lab.until(lambda seen: seen, "the cluster answers", seconds)
    for job in which:
        pods = [pod for pod in jobs.pods_of(seen, job) if pod["status"]["phase"] == "Running"]
        if not pods:
            print(f"The Job {job} was over before anybody was killed.")
            continue
        lab.ask(f"kubectl delete pod {pods[0]['metadata']['name']} --wait=false")
        print(f"After the first checkpoint, a pod of the Job {job} was killed.")


def go_on(lab: Lab, seconds: float) -> None:
    """Go on with the training on the cluster if 608.1 passes, else train with the reference answer, killed once; says which."""

    def train(answer: Any) -> None:
        fresh(lab)
        jobs.make(lab, "learner.yaml", answer)
        kill(lab, "learner", "actors", seconds=seconds)

    lab.go_on_by("608.1", train, "your Job")
