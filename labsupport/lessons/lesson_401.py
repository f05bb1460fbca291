"""Lesson 401, agent and environment: checkers, hints, guesses and quiz."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from labsupport.exercises import Measured, expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded, learners_code
from labsupport.exercises.outcomes import Fail
from labsupport.exercises.refute import OutsideRules
from labsupport.lessons.cases.episodes_401 import Listener, Script, mistaken_return, practised

exercises = Exercises("401")

exercises.guess(
    "g1",
    "After so many of 3,000 hours a learner stays within 10 % of the best policy, the median of five",
    unit="hours",
)
exercises.guess("g2", "While it still acts at random now and then, Q-learning earns more an episode than SARSA")
exercises.guess("g3", "Who takes time's up for a fall holds the pole for less than 400 of 500 steps (mean of five)")


@exercises.check(
    "1",
    "One step of Q-learning",
    hints=(
        "First the future: 0 if nothing comes after this step, else the best of `after`. Which of the two ends means that nothing comes?",
        "After a page a human takes over: no future. After the last minute of our hour the service runs on, in the state `after`.",
        "`future = 0 if terminated else max(after)`, the target is `reward + discount * future`, and the entry moves by `rate` of the difference.",
    ),
    minutes=6,
)
def learnt(answer: Guarded) -> str:
    """Compare over all four kinds of ends, with rates and discounts of its own, and rows of both signs."""
    name = expect.function(answer)
    moves = _moves()
    got = np.array([_given(name, move) for move in moves])
    want = np.array([_moved(move, _future(move)) for move in moves])
    wrong = ~np.isclose(got, want, rtol=0, atol=1e-9)
    if not wrong.any():
        return f"{len(moves)} steps with all kinds of ends: right."
    at = int(np.argmax(wrong))
    move = moves[at]
    ends = [word for word, yes in (("terminated", move.terminated), ("truncated", move.truncated)) if yes]
    saw = f"{got[at]:.4g} for an entry of {move.old:g}, a reward of {move.reward:g}, after = {move.after.tolist()}, {' and '.join(ends) or 'no end'}"
    saw += "".join(f", {knob} {value:g}" for knob, value in move.knobs.items())
    raise Fail(saw, f"{want[at]:.4g}", **_mistaken_move(got, moves))


class _Move(NamedTuple):
    old: float
    reward: float
    after: Any
    terminated: bool
    truncated: bool
    knobs: dict[str, float]


def _moves() -> list[_Move]:
    rng = np.random.default_rng(401)
    moves = []
    for at in range(48):
        old, reward = (float(value) for value in rng.uniform(-50, 20, 2).round(1))
        after = rng.uniform(-60, 30 if at % 8 < 4 else -5, int(rng.integers(2, 5))).round(1)
        own = {"rate": float(rng.choice((0.02, 0.5, 1.0))), "discount": float(rng.choice((0.5, 0.9, 1.0)))}
        moves.append(_Move(old, reward, after, bool(at & 1), bool(at & 2), own if at >= 8 else {}))
    return moves


def _given(name: Guarded, move: _Move) -> float:
    def call() -> Any:
        return name(move.old, move.reward, move.after.copy(), move.terminated, move.truncated, **move.knobs)

    return expect.returned_number(call, "the entry")


def _future(move: _Move) -> float:
    return 0.0 if move.terminated else float(move.after.max())


def _moved(move: _Move, future: float) -> float:
    rate, discount = move.knobs.get("rate", 0.1), move.knobs.get("discount", 0.97)
    return move.old + rate * (move.reward + discount * future - move.old)


def _mistaken_move(got: Any, moves: list[_Move]) -> dict[str, str]:
    """Name the one mistake that explains all answers."""
    causes: dict[str, Callable[[_Move], float]] = {
        "a truncated step got no future: only our time was up, the service runs on": lambda m: _moved(m, 0.0 if m.truncated else _future(m)),
        "the ends are swapped: it is the terminated step that has no future": lambda m: _moved(m, 0.0 if m.truncated else m.after.max()),
        "a terminated step got a future: somebody else took over, nothing comes after it for this agent": lambda m: _moved(m, m.after.max()),
        "what is both terminated and truncated has no future: the task itself is over": lambda m: _moved(m, 0.0 if m.terminated and not m.truncated else m.after.max()),
        "the mean of `after`: the sentence speaks of the *best* action": lambda m: _moved(m, 0.0 if m.terminated else m.after.mean()),
        "the smallest of `after`: the best one is the largest, also where all are negative": lambda m: _moved(m, 0.0 if m.terminated else m.after.min()),
        "a future below 0 was made 0: it may well be that all of `after` are negative": lambda m: _moved(m, max(_future(m), 0.0)),
        "the discount is missing": lambda m: _moved(m._replace(knobs={**m.knobs, "discount": 1.0}), _future(m)),
        "that is the target: the entry moves only a part of the way to it": lambda m: _moved(m._replace(knobs={**m.knobs, "rate": 1.0}), _future(m)),
        "the target was added without taking `old` off: move by a part of the *difference*": lambda m: _moved(m, _future(m)) + m.knobs.get("rate", 0.1) * m.old,
        "the reward was discounted as well: it comes now": lambda m: _moved(m._replace(reward=m.reward * m.knobs.get("discount", 0.97)), _future(m)),
        "right for a rate of 0.1 and a discount of 0.97 and no others: use the arguments": lambda m: _moved(m._replace(knobs={}), _future(m)),
    }  # fmt: skip
    for cause, mistaken in causes.items():
        if np.allclose(got, [mistaken(move) for move in moves], rtol=0, atol=1e-9):
            return {"cause": cause}
    return {
        "question": "what does the sentence with 0.97 say for this one step, and how far does the entry move towards it?"
    }


@exercises.check(
    "3",
    "A rule for the pole",
    hints=(
        "Think of a broom on your palm. To where do you move the hand when it leans to the right?",
        "The angle alone gets some 40 steps: the pole swings. A push must come before it is needed: what tells where the pole will be?",
        "Add a part of the angular speed to the angle, and push to the side that the sum points to.",
    ),
    minutes=5,
    seconds=20.0,
)
def push(answer: Guarded) -> str:
    """Let it hold twenty poles, one after the other, as the next cell does."""
    import gymnasium as gym

    name = expect.function(answer)
    env = gym.make("CartPole-v1")
    lengths, left = [], 0
    for episode in range(20):
        seen, _ = env.reset(seed=40100 + episode)
        length, over = 0, False
        while not over:
            action = expect.returned(name(seen), "0 or 1")
            if np.ndim(action) or np.size(action) != 1 or action not in (0, 1):
                raise Fail(
                    f"`{action!s:.30}`",
                    "0 for left or 1 for right",
                    "one action for this one observation: compare what you have weighed with 0",
                )
            seen, _, terminated, truncated, _ = env.step(int(action))
            length, over = length + 1, terminated or truncated
        lengths.append(length)
        left += bool(terminated and abs(seen[0]) > 2.4)
    mean = float(np.mean(lengths))
    if mean >= 475:
        return f"Twenty poles, {mean:.0f} steps on average."
    saw, want = f"{mean:.0f} steps on average, of 500", "475 or more"
    if mean < 15:
        raise Fail(
            saw,
            want,
            "the pole is pushed over: the cart has to move to where the pole falls to, or always the same push comes",
        )
    if left > 10:
        raise Fail(saw, want, "the pole stands, but the cart leaves its track: the rule lets it drift to one side")
    if mean < 60:
        raise Fail(
            saw,
            want,
            question="it swings wider and wider: does the rule see only where the pole is, or also where it is going?",
        )
    raise Fail(saw, want, question="which of the four numbers are weighed too much, and which too little?")


@exercises.check(
    "2",
    "The loop",
    hints=(
        "Two loops become one: count steps, and when an episode ends, note its return, begin a new one, and go on counting.",
        "`reset` answers with a pair. The seed goes to the first reset only. And `learn` must see the state *after* the step, before a reset replaces it.",
        "`over` is `terminated`; what begins a new episode is `terminated or truncated`.",
    ),
    minutes=8,
    may_change=True,
)
def practise(answer: Guarded) -> str:
    """Run it in scripted environments whose every state and reward tells where it came from."""
    name = expect.function(answer)
    plans = [
        ([(3, "terminated"), (2, "truncated"), (4, "terminated")], 12),
        ([(1, "truncated"), (5, "terminated, truncated"), (2, "terminated")], 16),
        ([(4, "truncated")], 8),
        ([(9, "terminated")], 5),
    ]
    for lengths, steps in plans:
        env, agent = Script(lengths), Listener()
        with learners_code():
            given = name.function(env, agent, steps, 7)
        reference, listener = Script(lengths), Listener()
        want = practised(reference, listener, steps, 7)
        _same_protocol(env, agent, listener, steps)
        expect.returned(given, "a list of returns")
        listed = isinstance(given, list | tuple) or np.ndim(given) == 1
        if listed and len(given) == len(want) + 1 and not reference.over:
            cause = "the episode that was still running has no return yet: it is not in the list"
            raise Fail(f"{len(want) + 1} returns", f"{len(want)} of finished episodes", cause)
        got = expect.array(given, (len(want),), "the returns of the finished episodes")
        if not np.allclose(got, want):
            at = int(np.argmax(~np.isclose(got, want)))
            saw = f"{got[at]:g} as the return of episode {at + 1}"
            raise Fail(saw, f"{want[at]:g}", **mistaken_return(got, reference.episodes()))
    return "Four environments: each state, each end and each return is where it belongs."


def _same_protocol(env: Script, agent: Listener, listener: Listener, steps: int) -> None:
    """Raise Fail for the first thing that the agent or the environment was told wrongly."""
    if any(isinstance(state, tuple) for state in agent.chose):
        raise Fail(
            "`choose` got a tuple", "a state", "`reset` answers with a pair, observation and info: take it apart"
        )
    if "step after the end" in env.asked:
        end = env.lengths[(env.asked.index("step after the end") > 0 and env.episode) % len(env.lengths)][1]
        raise Fail(f"a step after an episode had ended ({end})", "a reset", "both kinds of end begin a new episode")
    if "reset in the middle" in env.asked:
        raise Fail("a reset in the middle of an episode", "a reset after each end, and at the begin", question="what does your loop do after each step?")  # fmt: skip
    if env.seeds and env.seeds[0] is None:
        raise Fail("the first reset without a seed", "reset(seed=seed)", "the argument `seed` is not used where it belongs, in the first reset")  # fmt: skip
    if any(seed is not None for seed in env.seeds[1:]):
        raise Fail(
            "a seed at a later reset",
            "reset() without one",
            "a seed at each reset plays the same episode again and again",
        )
    done = env.asked.count("step")
    if done != steps:
        cause = "it stops at the first end: begin a new episode and go on" if 0 < done < steps and len(env.seeds) <= 1 and env.over else "count steps, not episodes, and stop after exactly so many"  # fmt: skip
        raise Fail(f"{done} steps", f"{steps} steps", cause)
    if len(agent.learnt) != steps:
        cause = (
            "the last step of an episode is learnt from, too: it is the one that hurts"
            if agent.learnt
            else "the agent is told nothing of what it did: call `agent.learn` in each step"
        )
        raise Fail(f"`learn` was called {len(agent.learnt)} times", f"{steps} times, once a step", cause)
    parts = ("the state", "the action", "the reward", "the state after", "over")
    for number, (saw, want) in enumerate(zip(agent.learnt, listener.learnt, strict=True), 1):
        for part, mine, theirs in zip(parts, saw, want, strict=True):
            if mine is None or isinstance(mine, tuple) or bool(np.any(mine != theirs)):
                raise Fail(
                    f"`learn` got {part} as `{mine!s:.30}` in step {number}",
                    f"`{theirs}`",
                    **_mistaken_part(part, agent, listener, env),
                )


def _mistaken_part(part: str, agent: Listener, listener: Listener, env: Script) -> dict[str, str]:
    if part == "over":
        saw = [bool(one[4]) for one in agent.learnt]
        if not any(saw):
            return {"cause": "the agent is never told that nothing comes after a step"}
        return {
            "cause": "`over` is true where nothing comes after: for a terminated episode, and not for one whose time is up"
        }
    if part == "the state":
        return {
            "cause": "the state in which the agent chose is meant: after a step the next one becomes it, after a reset the new episode's first one"
        }
    if part == "the state after":
        return {
            "cause": "what `step` answered is meant, and not the first state of the next episode: learn before you reset"
        }
    return {"question": "what did `choose` and `step` answer in this very step?"}


# 401.4: how long the learners of the refutation practise, and how near to the best is near.
HOURS, NEAR = 2000, 1.25


@exercises.refute(
    "4",
    "On this service no random action is needed: with `explore=0` a learner still comes within 25 % of the best policy's worth, whatever number its table begins with",
    case="the number that the table begins with, from -1000 to 100",
    hints=(
        "Why did it try anything, with 0 in the table? Since every action that it tried looked worse than what it had not tried.",
        "When would the first action that it tries look *better* than all that it has not tried, for ever?",
        "The worth of a state lies between about -20 and -200. Begin far below.",
    ),
    minutes=6,
    seconds=60.0,
)
def no_random_action(case: Any) -> Measured:
    """Train three learners without random actions, and compare the median of their policies with the best one."""
    from labsupport.rl.planning import value_iteration, worth
    from labsupport.rl.sick_service import SickService
    from labsupport.rl.tabular import Settings, train

    try:
        start = float(np.asarray(case, dtype=float).item())
    except (TypeError, ValueError):
        raise OutsideRules(f"one number is wanted, this is {case!r:.40}") from None
    # Above 100 it tries everything, and is still far from the truth after so few hours: another story.
    if not -1000 <= start <= 100:
        raise OutsideRules(f"the number lies between -1000 and 100, this is {start:g}")
    env = SickService()
    P, R = env.model()
    begin = np.arange(env.facts.levels) * env.width
    settings = Settings(rate=0.3, last_rate=0.01, explore=0, start=start, episodes=HOURS)
    best = float(worth(P, R, settings.discount, value_iteration(P, R, settings.discount).argmax(axis=1))[begin].mean())
    found = []
    for seed in range(300, 303):
        *_, progress = train(SickService(), seed, settings)
        found.append(float(worth(P, R, settings.discount, progress.policy)[begin].mean()))
    middle = float(np.median(found))
    return Measured(
        middle > NEAR * best, f"the median of three policies is worth {middle:.0f}, the best one {best:.0f}"
    )


exercises.quiz(
    "a",
    "A colleague wants the policy for this service “to react faster” and sets the discount to 0.5: a minute from now counts half. Value iteration runs again. What does its policy do differently?",
    ("It restarts earlier, since waiting counts less.", False, "What counts less is the future, and a restart is paid for now and earns later."),
    ("It no longer restarts before the highest memory level, where being killed is next.", True, "With 0.5 all that comes after four minutes weighs as much as the fourth minute alone. What saves one or two a minute can't pay back 8, and only the kill itself is near enough. A discount is how far you look ahead."),
    ("The same: the costs have not changed, and the best policy follows from the costs.", False, "It follows from costs and discount. Only where now and later agree does the discount not matter."),
    ("It scales earlier, so that queues are short at once.", False, "A batch that is served now saves 1 in each minute that it would have waited. Half of that saving has gone after one minute: it scales later."),
)  # fmt: skip
exercises.quiz(
    "b",
    "You train an agent in a simulator, with 20 % random actions. In production it will act without any, and it is thrown away when it errs badly. Which of the two gives you the policy that you want?",
    ("Q-learning: it learns what is best for somebody who acts without random actions, as it will.", True, "SARSA would learn to be careful because of slips that only the simulator has. Falls in a simulator cost nothing."),
    ("SARSA: it earned more in every training, and errs less.", False, "It earned more *while* it acted at random. That will be switched off, and then its detour costs."),
    ("SARSA, because near a cliff a careful policy is always the better one.", False, "Careful towards its own random actions. Dangers of the world itself, such as a traffic peak, are seen by both."),
    ("Either: without random actions both are the same.", False, "Without random actions *while learning* they would be. Here both learn with 20 %, and learn different tables."),
)  # fmt: skip
exercises.quiz(
    "c",
    "A batch window: for exactly 60 minutes an agent starts jobs; what is not done by then is lost, and nothing follows. The minutes that are left are part of the state. How should the 60th minute arrive at the learner?",
    ("As truncated: it is a limit of time.", False, "The word does not decide. Ask whether anything comes after: here nothing does, the window is the task."),
    ("As truncated, since the machines run on after the window.", False, "They do, but nothing more is paid to this agent. What is not paid for is no future."),
    ("As neither: the next window follows.", False, "It would hand the next window's worth to the last minute of this one. Jobs left over are lost, and the learner must feel it."),
    ("As terminated: the end belongs to the task, and the agent sees it coming.", True, "Truncated is only what *we* cut off and the agent can't see. Here the last minutes really are worth less, and the state says which they are."),
)  # fmt: skip
exercises.quiz(
    "d",
    "On CartPole a table that begins at 100 needed no random actions. You port it to a job queue: each finished job pays 5, about one job a second, a step is a second, the discount is 0.99. It begins at 100 again, without random actions. What happens?",
    ("The same as on CartPole: 100 is high, so that it tries everything.", False, "High compared with what? Here a good state can be worth 5 × 100 = 500."),
    ("It tries everything even more eagerly, because rewards are larger.", False, "The larger the rewards, the sooner what it tries first exceeds 100, and looks better than what it never tried."),
    ("It soon keeps to what it tried first: that is worth more than 100, so nothing untried looks better.", True, "A start is optimistic only above what is possible, here 500. The same number can be hope in one task and gloom in another."),
    ("Nothing is learnt, since a table has to begin at 0.", False, "It may begin anywhere; entries that are visited often forget their start. What matters is which ones are visited."),
)  # fmt: skip
