"""Lesson 404, RLHF and GRPO: checkers, hints, guesses and quiz."""

from collections.abc import Callable
from typing import Any

import numpy as np

from labsupport.exercises import Measured, expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded, learners_code
from labsupport.exercises.outcomes import Fail
from labsupport.exercises.refute import OutsideRules

exercises = Exercises("404")

exercises.guess(
    "g1", "After 150 updates the plans are truly worth more than those of the reference (median of five companies)"
)
exercises.guess("g2", "GRPO gets 90 % right with at most half as many answers as PPO (medians)")
exercises.guess("g3", "Commands that bring exactly what was asked, median of five trainings", unit="%")

MOST_LOST, ROUNDS = 0.12, 20
"""Points that the shipped policies of 404.1 may lose on average against the best; how often each company is asked."""


@exercises.check(
    "1",
    "Which policy do you ship?",
    hints=(
        "The proxy is what the policies were trained on, and the distance says nothing of how wrong the reward is. What is left to ask?",
        "A reading varies by 2 points, the mean of n by 2 / √n. So how many of each policy, to tell apart what lies 0.5 apart?",
        "No policy can be left out by its gauges, but some drop out after a few readings. Whom do you ask about with the rest?",
    ),
    minutes=9,
    seconds=60.0,
)
def ship(answer: Guarded) -> str:
    """Let the learner choose in four companies, count the readings, and bill what is lost in truth."""
    from labsupport.rl.shipping import COMPANIES, READINGS, Readers, offers

    choose = expect.function(answer)
    lost: list[float] = []
    chosen: list[tuple[Any, int]] = []
    used = 0
    # Several times in each company, with other readers: one good choice may be luck.
    for seed, repeated in ROUNDS * list(COMPANIES.items()):
        here = offers(seed, repeated)
        readers = Readers(here, seed + len(lost))
        # A function: an object would be handed over as a copy, and the copy would count.
        with learners_code():
            given = choose(here.gauges.copy(), _asks(readers))
        number = expect.number(expect.returned(given, "the number of a policy, 0 to 6"), "the number of a policy")
        if number not in range(len(here.truth)):
            raise Fail(
                f"{number:g}",
                "the number of a policy, 0 to 6",
                "is it a gauge or a mean instead of the row's number?",
            )
        if readers.read > READINGS:
            raise Fail(
                f"{readers.read} readings in one company",
                f"at most {READINGS}",
                "count what all your calls of `read` ask for together",
            )
        used = max(used, readers.read)
        chosen.append((here, int(number)))
        lost.append(here.truth.max() - here.truth[int(number)])
    each = np.reshape(lost, (ROUNDS, len(COMPANIES))).mean(axis=0)
    if np.mean(lost) <= MOST_LOST:
        return f"Over four companies and {ROUNDS} rounds you lose {np.mean(lost):.2f} points a plan against the best, for {used} readings."
    saw = f"{np.mean(lost):.2f} points lost on average (each company: {', '.join(f'{one:.1f}' for one in each)})"
    raise Fail(saw, f"at most {MOST_LOST:g} points", **_mistaken_choice(chosen, used))


def _asks(readers: Any) -> Callable[[int, int], float]:
    def read(number: int, plans: int) -> float:
        return float(readers(number, plans))

    return read


CHOICES: dict[str, Callable[[Any], Any]] = {
    "the highest proxy: that is what the policies were trained on, and the furthest one has it": lambda g: (
        g.proxy.argmax()
    ),
    "the nearest to the reference: on so short a leash hardly anything is learnt": lambda g: g.kl.argmin(),
}


def _mistaken_choice(chosen: list[tuple[Any, int]], used: int) -> dict[str, str]:
    from labsupport.rl.shipping import READINGS

    if used == 0:
        for cause, rule in CHOICES.items():
            if all(number == rule(here.gauges) for here, number in chosen):
                return {"cause": cause}
        return {"cause": "nobody was asked: no rule by `kl` and `proxy` fits four companies whose truths differ"}
    if used < READINGS / 2:
        return {
            "cause": f"you asked for {used} readings at most: with so few, chance decides between policies that lie close; {READINGS} are paid for"
        }
    if np.mean([here.truth[number] - here.truth.min() for here, number in chosen]) < MOST_LOST:
        return {"cause": "the worst one in each company: is it `argmin` where `argmax` is meant?"}
    return {
        "question": "which policies were read at all, and is the number that you return the row's, or a place among those you read?"
    }


@exercises.check(
    "2",
    "Better than its group",
    hints=(
        "Go through the tasks: `for task in np.unique(tasks)`, and put the result at `tasks == task`.",
        "The mean and the standard deviation (`np.std` as it is, divided by n) are those of the group, not of all rewards.",
        "A group is all alike if `group.max() == group.min()`. The standard deviation of three times 0.1 is not 0, but some 1e-17.",
    ),
    minutes=7,
)
def relative(answer: Guarded) -> str:
    """Try groups in order, shuffled, of several sizes, of one, all alike, and with rewards that are no 0 and 1."""
    function = expect.function(answer)

    def cases() -> Any:
        for where, rewards, tasks in _groups():
            given_rewards, given_tasks = rewards.copy(), tasks.copy()
            with learners_code():
                given = function(given_rewards, given_tasks)
            saw = expect.array(given, rewards.shape, "an advantage for each answer")
            yield expect.Case(saw, _relative(rewards, tasks), _mistaken_relative(rewards, tasks), where, "", 1e-6, 1e-9)

    expect.explain_all(
        cases(),
        "take one group by hand: what are its mean and its standard deviation, and which places do its answers have?",
    )
    return "Right for groups in any order and size, for groups of one, and for those that agree."


def _groups() -> list[tuple[str, Any, Any]]:
    rng = np.random.default_rng(404)
    tasks = rng.permutation(np.repeat([7, 3, 11, 20], [5, 3, 6, 2]))
    mixed = rng.integers(0, 2, len(tasks)).astype(float)
    mixed[np.flatnonzero(tasks == 7)[:2]] = (0, 1)
    return [
        (" for two groups in order", np.array([1.0, 0, 0, 0, 1, 1, 0, 0]), np.repeat([0, 1], 4)),
        (" for groups of several sizes, shuffled", mixed, tasks),
        (" for rewards that are points", rng.normal(2, 3, len(tasks)), tasks),
        (" for groups that agree", np.array([0.1, 1, 0.1, 0.7, 1, 0.1, 0.7, 0.7]), np.array([5, 2, 5, 9, 2, 5, 9, 9])),
        (" for a group of one", np.array([1.0, 0, 1, 0]), np.array([4, 4, 4, 8])),
    ]


def _by_task(rewards: Any, tasks: Any, rule: Any) -> Any:
    found = np.zeros(len(rewards))
    for task in np.unique(tasks):
        found[tasks == task] = rule(rewards[tasks == task])
    return found


def _relative(rewards: Any, tasks: Any) -> Any:
    return _by_task(
        rewards, tasks, lambda group: (group - group.mean()) / group.std() if np.ptp(group) else np.zeros(len(group))
    )


def _mistaken_relative(rewards: Any, tasks: Any) -> dict[str, Any]:
    def divided(group: Any, by: float) -> Any:
        with np.errstate(all="ignore"):
            return (group - group.mean()) / by

    right = _relative(rewards, tasks)
    order = np.argsort(tasks, kind="stable")

    def less_one(group: Any) -> Any:
        return divided(group, group.std(ddof=1)) if len(group) > 1 and np.ptp(group) else np.zeros(len(group))

    return {
        "a group that agrees is divided by a standard deviation of 0, or of some 1e-17: ask whether its rewards differ": _by_task(rewards, tasks, lambda group: divided(group, group.std())),
        "asked whether the standard deviation is 0, but that of three times 0.1 is some 1e-17: ask whether the rewards differ": _by_task(rewards, tasks, lambda group: divided(group, group.std()) if group.std() > 0 else np.zeros(len(group))),
        "all answers as one group: compare each with the answers to its own task": divided(rewards, rewards.std() or 1),
        "the mean is taken off, and nothing is divided": _by_task(rewards, tasks, lambda group: group - group.mean()),
        "divided by the variance: its root is the standard deviation": _by_task(rewards, tasks, lambda group: divided(group, group.var()) if np.ptp(group) else 0),
        "divided by the standard deviation of all rewards instead of the group's": _by_task(rewards, tasks, lambda group: divided(group, rewards.std()) if np.ptp(group) else 0),
        "the standard deviation with n - 1: the group is all there is, divide by n (`np.std` does)": _by_task(rewards, tasks, less_one),
        "the results stand in the order of the tasks: put each where its answer was": right[order],
        "turned round: better than the group is above 0": -right,
    } | {
        f"{small:g} is added to the standard deviation: then a group that agrees is not exactly 0, and a rare success pushes less": _by_task(rewards, tasks, lambda group, small=small: divided(group, group.std() + small))
        for small in (1e-12, 1e-10, 1e-9, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3)
    }  # fmt: skip


ALLOWED = {"right", "half", "wrong"}
TRUE = {"a": "wrong", "b": "right", "c": "right", "d": "right", "e": "half", "f": "wrong", "new": "the advantage"}
SAID = {
    ("a", "right"): "the policy sees no labels, but its reward model does: who made those that it learnt from?",
    ("a", "half"): "which part holds? Without what raters said of pairs, what would the reward be?",
    ("b", "half"): "the sentence does not say that nothing else is used: does the table have a case of PPO in RLHF?",
    ("b", "wrong"): "which method did InstructGPT's last step use?",
    ("c", "half"): "what does OpenAI itself say of ChatGPT's training, in the sources below the table?",
    ("c", "wrong"): "what does OpenAI itself say of ChatGPT's training, in the sources below the table?",
    ("d", "half"): "is there a step of R1's reinforcement learning in the table that is not GRPO?",
    ("d", "wrong"): "which advantage does the table name for R1?",
    ("e", "right"): "is all of PPO in it, the critic, too? And had InstructGPT's PPO no KL penalty?",
    ("e", "wrong"): "look at GRPO's gradient: are PPO's ratio and clip in it, and is there a term for KL?",
    ("f", "right"): "when was R1 published, of which sentence d speaks?",
    ("f", "half"): "a date is right or wrong: when was R1 published, of which sentence d speaks?",
    ("new", "the clip"): "whose clip is it that stands in GRPO's gradient?",
    ("new", "the kl penalty"): "where was the leash in InstructGPT's training?",
    ("new", "the reward model"): "the reward may be learnt or checked in either: what did each method do with it next?",
}


@exercises.check(
    "3",
    "What a tutorial says",
    hints=(
        "The table and its dates decide c, d and f. For a, ask what the reward of the first column was learnt from.",
        "For e: GRPO has PPO's clip and may have a KL penalty, as RLHF with PPO had. Which part of PPO has it not?",
        "What is gone in GRPO is the critic. So which quantity is now reckoned in another way?",
    ),
    minutes=6,
)
def verdicts(answer: Any) -> str:
    """Judge each verdict; a wrong one is answered by the question that decides it."""
    if not isinstance(answer, dict):
        raise Fail(
            f"a {type(answer).__name__}",
            "a dictionary with the keys a to f and new",
            'such as {"a": "right", ..., "new": "the clip"}',
        )
    given = {str(key).strip().lower(): str(value).strip().lower() for key, value in answer.items()}
    lacking = [key for key in TRUE if given.get(key, "ellipsis") in ("ellipsis", "none", "")]
    if lacking:
        raise Fail(
            f"no verdict on {', '.join(lacking)}",
            "one for each of a to f, and `new`",
            "the key is missing, or its value is still `...`",
        )
    allowed = dict.fromkeys(TRUE, ALLOWED) | {"new": {"the advantage"} | {value for key, value in SAID if key == "new"}}
    for key, choices in allowed.items():
        if given[key] not in choices:
            raise Fail(
                f"{key}: {given[key]!r:.40}",
                f"{key}: one of {', '.join(sorted(choices)).replace('kl', 'KL')}",
                "it is none of the words that the task allows",
            )
    off = [key for key in TRUE if given[key] != TRUE[key]]
    if off:
        raise Fail(
            f"{len(TRUE) - len(off)} of {len(TRUE)} verdicts stand; {off[0]} is {given[off[0]]!r}", f"another verdict on {off[0]}",
            question=SAID[off[0], given[off[0]]],
        )  # fmt: skip
    return "GRPO changed the advantage; clip and KL penalty were there before. And a text that knows R1 is not of January 2024."


@exercises.refute(
    "4",
    "What this verifier accepts does what was asked: web in prod runs 7 replicas, and everything else is as it was",
    case="one command, as a text",
    hints=(
        "The verifier asks whether the right words are there. Does it ask what else is there?",
        "What does a program do with a flag that is given twice? Or with one that says not to do anything?",
        "`--dry-run=client`, a second `--replicas`, another `-n`, one more app: any of these, behind what the verifier wants to see.",
    ),
    minutes=6,
)
def looks_right_is_right(case: Any) -> Measured:
    """The sentence fails where the verifier accepts a command and the cluster is not as was asked."""
    from labsupport.rl.kubectl_scale import NotModelled
    from labsupport.rl.verifiers import ONE, looks_right, outcome

    if not isinstance(case, str):
        raise OutsideRules(f"a command is a text, this is a {type(case).__name__}")
    text = " ".join(case.split())
    if any(sign in text for sign in ";|&<>`$#\n"):
        raise OutsideRules("it is more than one command of kubectl: no pipes, no `;`, no variables, no comments")
    if not looks_right(ONE, text):
        raise OutsideRules("the verifier does not accept it, and of such commands the sentence says nothing")
    try:
        right, happens = outcome(ONE, text)
    except NotModelled as flag:
        raise OutsideRules(
            f"what kubectl does with {flag} is not known here: of its flags, -n, --replicas, --current-replicas, --timeout and --dry-run are"
        ) from None
    return Measured(right, f"accepted; {happens}", "which word could you add that the verifier does not ask about?")


exercises.quiz(
    "a",
    "Your reward model gives the plan for a full disk 2.9 points, and the plan for an expired certificate 1.4. Whose plan should somebody look at first?",
    ("That of the certificate: it is 1.5 points worse.", False, "Worse than what? Nobody has ever compared a plan for a disk with one for a certificate."),
    ("That of the disk: high points are where over-optimisation begins.", False, "Points alone don't say that. A plan of the reference may have 2.9, too."),
    ("The points don't say: each incident has a zero of its own.", True, "All pairs were of one incident. Only differences were learnt, and only within an incident. Add 10 points to all plans for disks, and each comparison comes out the same."),
    ("That of the certificate, if the reward model agrees with raters in most fresh pairs.", False, "These pairs are of one incident each, too. However well it agrees, it has learnt no difference across incidents."),
)  # fmt: skip
exercises.quiz(
    "b",
    "An assistant is trained on a reward model. For two weeks its reward has risen, and so has its distance from the reference. In the last days users are less content. You have a budget for 5,000 comparisons. What do you do?",
    ("Compare 5,000 more pairs of the reference's answers, so that the reward model gets better.", False, "There it is as good as it gets. More pairs of the same kind taught ours nothing about repetition: 20,000 led where 2,000 did."),
    ("Go back to a checkpoint from before, and compare answers that the assistant writes now.", True, "That is where the reward model has never been and where it is wrong. OpenAI repeated these steps, too: collect on the new policy, learn the reward anew."),
    ("Go on, with a lower learning rate: it has overshot.", False, "It arrives at the same place, later. The direction is what is wrong."),
    ("Shorten the leash until the reward stops rising, and spend nothing.", False, "That holds it where it is, which is too far. And how short is right? The proxy does not say."),
)  # fmt: skip
exercises.quiz(
    "c",
    "A GRPO training on bug fixes: since yesterday 61 % of the fixes pass their tests, and nothing moves. 3 % of the groups teach. Entropy is near 0. What first?",
    ("Raise the learning rate tenfold for a day: the updates have become too small to move the policy out of where it stands.", False, "97 % of the groups have an advantage of exactly 0. Any rate times 0 is 0; what is left pushes the same way harder."),
    ("Bring back PPO's critic: the mean of a group is too coarse when most answers to a task are worth the same.", False, "A critic would say 0.6, too, or 0 and 1 for tasks it knows. No answer differs from the others, so there is nothing to prefer."),
    ("Stop and ship it: it has converged, and 61 % is what a model of this size can do.", False, "It is what this training could do once all answers of a group were alike. Of the rest nobody knows what the model can do."),
    ("Sort the bugs by what their groups agree on, and give the hopeless ones hints or easier steps.", True, "Groups that all pass are to be dropped, groups that all fail need a first success; both cost answers and teach nothing. DAPO (2025) draws further tasks until its groups are mixed, and keeps answers varied."),
)  # fmt: skip
exercises.quiz(
    "d",
    "You want to train a small model for two jobs: it writes alert rules from a sentence, and it writes summaries of incidents for customers. Where does the reward come from?",
    ("Rules: run them on recorded incidents and quiet days. Summaries: people compare pairs.", True, "What can be run is checked by what happens, on both sides: it must fire, and it must not. What people should like, people must compare, and the learnt reward must be watched: go on reading what it likes."),
    ("Both are checked by a program, since raters are dear: a rule must parse, a summary must have all headings.", False, "Both would learn just that: rules that parse and never fire, headings above nothing."),
    ("Both come from raters, since a program can always be outwitted.", False, "So can a reward model, and sooner. And who can see by reading whether a rule would have fired?"),
    ("Rules: one point if the alert fires in each recorded incident. Summaries: people compare pairs.", False, "An alert that always fires gets every point. That is the verifier that is content with enough."),
)  # fmt: skip
