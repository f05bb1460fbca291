"""Tasks and verifiers; what kubectl does with a command; writing as an environment for PPO and REINFORCE."""

import numpy as np
import pytest

from labsupport.rl import ppo
from labsupport.rl.commands import LENGTH, NUMBER_OF, PLAIN, SUMS, Problem, in_words, replicas
from labsupport.rl.kubectl_scale import NotModelled, Refused, scale
from labsupport.rl.verifiers import ONE, looks_right, outcome
from labsupport.rl.writing import Writing
from labsupport.rl.writing_contest import BATCH, ppo_settings, run_ppo, run_reinforce

CLUSTER = {("prod", "web"): 3, ("prod", "api"): 3, ("stage", "web"): 3}


@pytest.mark.parametrize("problem", [PLAIN, SUMS])
def test_no_two_tasks_look_alike_to_the_policy_and_each_has_its_answer(problem: Problem) -> None:
    assert len(np.unique(problem.features, axis=0)) == len(problem.tasks)
    every = np.arange(len(problem.tasks))
    assert problem.does_as_asked(every, problem.right).all()
    assert [in_words(sentence) for sentence in problem.right] == [task.command for task in problem.tasks]


def test_a_sum_asks_for_the_replicas_that_run_and_those_that_are_added() -> None:
    task = next(task for task in SUMS.tasks if task.says == "it runs 3 replicas, add 4")
    assert task.replicas == 7


def test_one_wrong_word_earns_nothing_and_enough_is_enough() -> None:
    tasks = np.array([task.replicas for task in PLAIN.tasks[:3]]) - 1
    more, fewer, other = (PLAIN.right[tasks].copy() for _ in range(3))
    more[:, -1], fewer[:, -1] = NUMBER_OF["10"], NUMBER_OF["1"]
    other[:, 3] = NUMBER_OF["cart"]
    assert PLAIN.does_as_asked(tasks, more).tolist() == [0, 0, 0]
    assert PLAIN.brings_enough(tasks, more).tolist() == [1, 1, 1]
    assert PLAIN.brings_enough(tasks, fewer).tolist() == [1, 0, 0]
    assert PLAIN.brings_enough(tasks, other).tolist() == [0, 0, 0]


def test_a_sentence_that_ends_without_a_number_has_none() -> None:
    assert replicas(np.array([[NUMBER_OF["web"]] * LENGTH])).tolist() == [0]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("kubectl scale deploy web -n prod --replicas 7", {("prod", "web"): 7}),
        ("kubectl scale --replicas=7 --namespace=prod deployment/web", {("prod", "web"): 7}),
        ("kubectl scale deploy web -nprod --replicas 7 --replicas 9", {("prod", "web"): 9}),
        ("kubectl scale deploy web -n prod -n stage --replicas 7", {("stage", "web"): 7}),
        ("kubectl scale deploy web api -n prod --replicas 7", {("prod", "web"): 7, ("prod", "api"): 7}),
        ("kubectl scale deploy web shop -n prod --replicas 7", {("prod", "web"): 7}),
        ("kubectl scale deploy/shop deploy/web -n prod --replicas 7", {("prod", "web"): 7}),
        ("kubectl scale deploy.apps web -n prod --replicas 7", {("prod", "web"): 7}),
        ("kubectl scale deployments.v1.apps web -n prod --replicas 7", {("prod", "web"): 7}),
        ("kubectl scale Deployment web -n prod --replicas 7", {("prod", "web"): 7}),
        ("kubectl scale DEPLOYMENTS.apps web -n prod --replicas 7", {("prod", "web"): 7}),
        ("kubectl scale deploy web -n prod --replicas 7 --dry-run=server", {}),
        ("kubectl scale deploy web -n prod --replicas 7 --current-replicas 3", {("prod", "web"): 7}),
        ("kubectl scale deploy web -n prod --replicas 3 --replicas 0x7", {("prod", "web"): 7}),
        ("kubectl scale deploy web -n prod --replicas 010", {("prod", "web"): 8}),
        ("kubectl scale deploy web -n prod --replicas 1_0", {("prod", "web"): 10}),
    ],
)
def test_scale_does_what_kubectl_does(command: str, expected: dict) -> None:
    assert scale(command, CLUSTER) == CLUSTER | expected


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("kubectl scale deploy web -n prod --replicas 7 --current-replicas=5", "expected replicas to be 5, was 3"),
        ("kubectl scale deploy web --replicas 7", "not found in the namespace default"),
        ("kubectl scale deploy shop store -n prod --replicas 7", '"shop" not found in the namespace prod'),
        ("kubectl scale DEPLOY web -n prod --replicas 7", "no DEPLOY"),
        ("kubectl scale deployments.APPS web -n prod --replicas 7", "no deployments.APPS"),
        ("kubectl scale deploy web -n prod", "not set"),
        ("kubectl scale deploy web -n prod --replicas seven", "invalid argument"),
        ("kubectl scale deploy web -n prod --replicas ' 7'", "invalid argument"),
        ("kubectl scale deploy web -n prod --replicas \uff17", "invalid argument"),
        ("kubectl scale deploy web -n prod --replicas 08", "invalid argument"),
        ("kubectl scale web -n prod --replicas 7", "no name"),
        ("kubectl scale -n prod --replicas 7", "names no resource"),
        ("kubectl scale sts web -n prod --replicas 7", "no sts"),
        ("kubectl scale deploy web -n prod --replicas", "needs an argument"),
        ("kubectl scale deploy web -n prod --replicas -1", "greater than or equal to 0"),
        ("kubectl scale deploy web -n prod --replicas 7 --timeout soon", "invalid duration"),
        ("kubectl scale deploy web -n prod --replicas 7 --timeout 5", "invalid duration"),
        ("kubectl scale deploy deploy/web -n prod --replicas 7", "no need to specify"),
        ("kubectl scale deploy web -n prod --replicas 7 --dry-run=no", "Invalid dry-run"),
        ("kubectl scale deploy 'web", "the shell"),
        ("kubectl delete deploy web", "does not begin"),
    ],
)
def test_scale_refuses_what_kubectl_refuses(command: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        scale(command, CLUSTER)


def test_a_condition_that_the_second_does_not_meet_leaves_the_first_scaled() -> None:
    uneven = CLUSTER | {("prod", "api"): 4}
    command = "kubectl scale deploy web api -n prod --replicas 7 --current-replicas 3"
    assert scale(command, uneven) == uneven | {("prod", "web"): 7}
    with pytest.raises(Refused, match="was 4"):
        scale(command.replace("web api", "api web"), uneven)


@pytest.mark.parametrize("flag", ["-o name", "-v=6", "--request-timeout=30s", "--as admin", "--all"])
def test_of_a_flag_that_is_not_modelled_nothing_is_said(flag: str) -> None:
    with pytest.raises(NotModelled):
        scale(f"kubectl scale deploy web -n prod --replicas 7 {flag}", CLUSTER)
    with pytest.raises(NotModelled):
        scale("kubectl -n prod scale deploy web --replicas 7", CLUSTER)


def test_the_verifier_that_reads_accepts_what_the_one_that_runs_does_not() -> None:
    honest = ONE.command
    assert looks_right(ONE, honest)
    assert outcome(ONE, honest) == (True, "afterwards web in prod runs 7")
    assert not looks_right(ONE, honest.replace("7", "8"))
    for trick in (f"{honest} --replicas 70", f"{honest} --dry-run=client", honest.replace("web", "web api")):
        assert looks_right(ONE, trick)
        assert not outcome(ONE, trick)[0]


def test_writing_pays_with_the_last_word_and_begins_anew() -> None:
    writing = Writing(PLAIN.writer, PLAIN.draw, PLAIN.does_as_asked, 5, seed=0)
    first = np.random.default_rng(0).integers(len(PLAIN.tasks), size=5)
    for place in range(LENGTH):
        step = writing.step(PLAIN.right[first, place])
        assert step.terminated.all() == (place == LENGTH - 1)
        assert not step.truncated.any()
        assert step.rewards.tolist() == ([1.0] * 5 if place == LENGTH - 1 else [0.0] * 5)
    assert writing.finished == [1.0] * 5
    assert (writing.observations[:, -1] == 1).all()


def test_ppo_gets_whole_sentences_and_does_as_many_steps_as_it_is_told() -> None:
    for steps in (1, 4):
        settings = ppo_settings(1e-3, steps)
        assert settings.epochs * BATCH * LENGTH // settings.batch == steps
    rows = ppo.collect(
        ppo.new_learner(PLAIN.writer.inputs, PLAIN.writer.words, ppo_settings(1e-3), np.random.default_rng(0)),
        Writing(PLAIN.writer, PLAIN.draw, PLAIN.does_as_asked, 6, 0),
        ppo_settings(1e-3),
        np.random.default_rng(0),
    )
    assert rows.actions.shape == (LENGTH, 6)


def test_ppo_and_reinforce_learn_to_write_commands() -> None:
    assert run_ppo(0).right[-5:].mean() > 0.85
    assert run_reinforce(0).right[-5:].mean() > 0.7
