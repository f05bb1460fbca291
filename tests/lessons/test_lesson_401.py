"""Lesson 401: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""


def learnt(*lines: str) -> str:
    head = "import numpy as np\ndef learnt(old, reward, after, terminated, truncated, rate=0.1, discount=0.97):\n    "
    return head + "\n    ".join(lines)


def moved(future: str, target: str = "reward + discount * future", back: str = "old + rate * (target - old)") -> str:
    return learnt(f"future = {future}", f"target = {target}", f"return {back}")


def practise(
    *,
    first: str = "state, _ = env.reset(seed=seed)",
    again: str = "state, _ = env.reset()",
    over: str = "terminated",
    ended: str = "terminated or truncated",
    learn: str = "agent.learn(state, action, reward, after, {over})",
    counted: str = "total += reward",
    move: str = "state = after",
    fresh: str = "total = 0.0",
    back: str = "return returns",
) -> str:
    return f"""
def practise(env, agent, steps, seed):
    returns, total = [], 0.0
    {first}
    for _ in range(steps):
        action = agent.choose(state)
        after, reward, terminated, truncated, _ = env.step(action)
        {learn.format(over=over)}
        {counted}
        {move}
        if {ended}:
            returns.append(total)
            {fresh}
            {again}
    {back}
"""


def push(*lines: str) -> str:
    return "import numpy as np\ndef push(seen):\n    " + "\n    ".join(lines)


RULE = "return int(seen[2] + 0.5 * seen[3] > 0)"

WRONG = {
    "401.1": {
        "both ends have no future": (
            moved("0.0 if terminated or truncated else max(after)"),
            "only our time was up",
        ),
        "no end at all": (moved("max(after)"), "somebody else took over"),
        "the ends are swapped": (moved("0.0 if truncated else max(after)"), "the ends are swapped"),
        "a step that is both": (
            moved("0.0 if terminated and not truncated else max(after)"),
            "what is both terminated and truncated",
        ),
        "the mean": (moved("0.0 if terminated else np.mean(after)"), "the mean of `after`"),
        "the smallest": (moved("0.0 if terminated else min(after)"), "the smallest of `after`"),
        "no discount": (moved("0.0 if terminated else max(after)", "reward + future"), "the discount is missing"),
        "the target itself": (moved("0.0 if terminated else max(after)", back="target"), "that is the target"),
        "adds the target": (
            moved("0.0 if terminated else max(after)", back="old + rate * target"),
            "without taking `old` off",
        ),
        "discounts the reward": (
            moved("0.0 if terminated else max(after)", "discount * (reward + future)"),
            "the reward was discounted",
        ),
        "knobs of its own": (
            learnt("future = 0 if terminated else max(after)", "return old + 0.1 * (reward + 0.97 * future - old)"),
            "use the arguments",
        ),
        "moves away": (
            moved("0.0 if terminated else max(after)", back="old - rate * (target - old)"),
            "how far does the entry move",
        ),
        "never below 0": (moved("0.0 if terminated else max(0, max(after))"), "all of `after` are negative"),
        "by the largest size": (
            moved("0.0 if terminated else max(after, key=abs)"),
            "what does the sentence with 0.97 say",
        ),
        "returns nothing": (learnt("old = old + rate * (reward - old)"), "no `return`"),
    },
    "401.2": {
        "the pair of reset": (practise(first="state = env.reset(seed=seed)"), "`choose` got a tuple"),
        "the pair of a later reset": (practise(again="state = env.reset()"), "take it apart"),
        "no seed": (practise(first="state, _ = env.reset()"), "the first reset without a seed"),
        "a seed each time": (practise(again="state, _ = env.reset(seed=seed)"), "a seed at a later reset"),
        "over at both ends": (practise(over="terminated or truncated"), "not for one whose time is up"),
        "never over": (practise(over="False"), "never told that nothing comes after"),
        "over at truncation": (practise(over="truncated"), "true where nothing comes after"),
        "goes on after truncation": (practise(ended="terminated"), "both kinds of end begin a new episode"),
        "goes on after termination": (practise(ended="truncated"), "a step after an episode had ended (terminated)"),
        "stops at the first end": (practise(again="break"), "it stops at the first end"),
        "never moves on": (practise(move="pass"), "in which the agent chose"),
        "no new state after a reset": (practise(again="env.reset()"), "after a reset the new episode's first one"),
        "learns from the state after twice": (
            practise(learn="state = after; agent.learn(state, action, reward, after, {over})"),
            "after a step the next one becomes it",
        ),
        "a return that is never begun anew": (practise(fresh="pass"), "the rewards of earlier episodes"),
        "loses the last reward": (
            practise(counted="total += 0 if terminated or truncated else reward"),
            "the reward of the last step is missing",
        ),
        "adds the last reward to the next episode": (
            practise(fresh="total = reward", counted="total += 0 if terminated or truncated else reward"),
            "or counts for the next episode",
        ),
        "discounts": (
            practise(
                counted="total = total + 0.97 ** steps_in * reward; steps_in += 1",
                fresh="total, steps_in = 0.0, 0",
                first="state, _ = env.reset(seed=seed); steps_in = 0",
            ),
            "the rewards are discounted",
        ),
        "takes the mean": (
            practise(
                counted="total = (total * steps_in + reward) / (steps_in + 1); steps_in += 1",
                fresh="total, steps_in = 0.0, 0",
                first="state, _ = env.reset(seed=seed); steps_in = 0",
            ),
            "the mean of the rewards",
        ),
        "takes the last reward": (practise(counted="total = reward"), "the last reward alone"),
        "counts steps": (practise(counted="total += 1"), "which of them are in your sum"),
        "returns one number": (practise(back="return float(sum(returns))"), "one number came back"),
        "counts the unfinished one": (
            practise(back="return returns + [total]"),
            "the episode that was still running",
        ),
        "learns not at the end": (
            practise(learn="if not (terminated or truncated): agent.learn(state, action, reward, after, {over})"),
            "the last step of an episode",
        ),
        "learns the return": (
            practise(learn="agent.learn(state, action, total, after, {over})"),
            "`learn` got the reward",
        ),
        "after is the new episode's first": (
            """
def practise(env, agent, steps, seed):
    returns, total = [], 0.0
    state, _ = env.reset(seed=seed)
    for _ in range(steps):
        action = agent.choose(state)
        after, reward, terminated, truncated, _ = env.step(action)
        total += reward
        if terminated or truncated:
            returns.append(total)
            total = 0.0
            after, _ = env.reset()
        agent.learn(state, action, reward, after, terminated)
        state = after
    return returns
""",
            "learn before you reset",
        ),
        "steps are episodes": (
            """
def practise(env, agent, steps, seed):
    returns = []
    state, _ = env.reset(seed=seed)
    for _ in range(steps):
        total, over = 0.0, False
        while not over:
            action = agent.choose(state)
            after, reward, terminated, truncated, _ = env.step(action)
            agent.learn(state, action, reward, after, terminated)
            total, state, over = total + reward, after, terminated or truncated
        returns.append(total)
        state, _ = env.reset()
    return returns
""",
            "count steps, not episodes",
        ),
        "returns nothing": (practise(back="pass"), "no `return`"),
    },
    "401.3": {
        "away from the fall": (push("return int(seen[2] + 0.5 * seen[3] < 0)"), "the pole is pushed over"),
        "always to the left": (push("return 0"), "or always the same push comes"),
        "the angle alone": (push("return int(seen[2] > 0)"), "where it is going"),
        "the angular speed alone": (push("return int(seen[3] > 0)"), "the cart leaves its track"),
        "the sign of the other": (
            push("return int(seen[2] - 0.5 * seen[3] > 0)"),
            "has to move to where the pole falls to",
        ),
        "a push of -1": (push("return 1 if seen[2] > 0 else -1"), "0 for left or 1 for right"),
        "the sum itself": (push("return seen[2] + seen[3]"), "one action for this one observation"),
        "four answers": (push("return seen > 0"), "["),
        "returns nothing": (push("seen[2] > 0"), "no `return`"),
    },
    "401.4": {
        "what was supposed": ("start = 0", "the sentence held"),
        "hope": ("start = 100", "a case in which it fails"),
        "too far": ("start = -5000", "between -1000 and 100"),
        "a text": ("start = 'low'", "this is 'low'"),
        "two numbers": ("start = [-300, 0]", "one number"),
        "nan": ("start = float('nan')", "this is nan"),
    },
}

RIGHT = {
    "401.1": {
        "weighted": learnt(
            "target = reward + (0 if terminated else discount * np.max(after))",
            "return (1 - rate) * old + rate * target",
        ),
        "by arithmetic": learnt(
            "return old + rate * (reward + discount * sorted(after)[-1] * (not terminated) - old)",
        ),
        "as a number of NumPy": learnt(
            "future = np.where(terminated, 0.0, np.asarray(after).max())",
            "return np.float64(old + rate * (reward + discount * future - old))",
        ),
    },
    "401.2": {
        "two loops": """
def practise(env, agent, steps, seed):
    returns, done, begin = [], 0, {"seed": seed}
    while done < steps:
        state, _ = env.reset(**begin)
        begin, rewards, running = {}, [], True
        while running and done < steps:
            action = agent.choose(state)
            after, reward, terminated, truncated, info = env.step(action)
            agent.learn(state, action, reward, after, over=bool(terminated))
            rewards.append(reward)
            state, done, running = after, done + 1, not (terminated or truncated)
        if not running:
            returns.append(sum(rewards))
    return returns
""",
        "an array": practise(back="import numpy as np; return np.array(returns)"),
        "by name": practise(learn="agent.learn(state=state, action=action, reward=reward, after=after, over={over})"),
    },
    "401.3": {
        "a weighted sum": push("return 1 if seen @ np.array([0.2, 0.4, 5.0, 1.5]) > 0 else 0"),
        "a truth value": push("return seen[2] + 0.3 * seen[3] > 0"),
        "where it will be": push("soon = seen[2] + 10 * 0.02 * seen[3]", "return np.int64(soon > 0)"),
    },
    "401.4": {
        "just below": "start = -150",
        "far below": "import numpy as np\nstart = np.array([-1000])",
    },
}
