"""Lesson 403: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""

FAIR = (
    'state["requests_per_s"] / 50, state["ready"] / 5, state["starting"] / 5, state["waiting"] / 200, '
    'np.sin(2 * np.pi * state["second"] / 3600), np.cos(2 * np.pi * state["second"] / 3600)'
)


def view(columns: str, axis: str = "axis=1") -> str:
    return f"import numpy as np\ndef view(state):\n    return np.stack([{columns}], {axis})"


def reward(body: str) -> str:
    return f"import numpy as np\ndef reward(replicas, late, before, after):\n    {body}"


def guard(body: str) -> str:
    return f"import numpy as np\ndef guard(wish, seen):\n    {body}"


COSTS = "-replicas / 12 - 0.02 * late"

WRONG = {
    "403.1": {
        "raw seconds": (view(FAIR + ', state["second"]'), "not brought to a size of about 1"),
        "sees what comes": (view(FAIR + ', state["next_requests_per_s"] / 50'), "only the simulator knows"),
        "knows the day": (view(FAIR + ', state["day"] / 100'), "learn the training days by heart"),
        "the time of day alone": (
            view(FAIR.split(", np.sin")[0] + ', state["second"] / 86400'),
            "9:50 and 9:58 look alike",
        ),
        "the sine of the hour alone": (view(FAIR.split(", np.cos")[0]), "9:32 and 9:58 look alike"),
        "the cosine of the hour alone": (
            view(FAIR.replace('np.sin(2 * np.pi * state["second"] / 3600), ', "")),
            "10:02 and 9:58 look alike",
        ),
        "a circle of half an hour": (view(FAIR.replace("/ 3600", "/ 1800")), "9:28 and 9:58 look alike"),
        "a circle of sixteen minutes": (
            view(FAIR.split(", np.sin")[0] + ', state["second"] % 960 / 960'),
            "9:10 and 9:58 look alike",
        ),
        "a circle of the day": (
            view(FAIR.replace("/ 3600", "/ 86400")),
            "which a network hardly sees",
        ),
        "forgets what starts": (view(FAIR.replace('state["starting"] / 5, ', "")), "order the same replicas again"),
        "forgets the queue": (view(FAIR.replace('state["waiting"] / 200, ', "")), "worked off on top"),
        "forgets the replicas": (view(FAIR.replace('state["ready"] / 5, ', "")), "how many are missing"),
        "the wrong axis": (view(FAIR, "axis=0"), "services are the rows"),
        "by all services": (
            view(FAIR + ', state["ready"] / state["ready"].max()'),
            "a mean or a maximum over all services",
        ),
        "divides by what may be 0": (
            view(FAIR + ', np.divide(state["requests_per_s"], 1e9 * state["waiting"])'),
            "divided by something that may be 0",
        ),
        "returns nothing": ("def view(state):\n    state['ready'] / 5", "no `return`"),
    },
    "403.2": {
        "as it was": (reward(f"return {COSTS} + 100 * (before & ~after)"), "nobody pays for the beginning"),
        "a smaller bonus": (reward(f"return {COSTS} + 5 * (before & ~after)"), "is a smaller one"),
        "half a charge": (
            reward(f"return {COSTS} + 100 * (before & ~after) - 50 * (~before & after)"),
            "the difference can be earned again",
        ),
        "turned round": (reward(f"return {COSTS} - 100 * (before & ~after) + 100 * (~before & after) + 0 * late + 2.0 * (before & after)"), "beginning an incident pays"),
        "begins for a euro, ends at its price": (
            reward(f"return {COSTS} - 100 * (before & ~after) + 100 * (~before & after)"),
            "beginning an incident pays at once",
        ),
        "in euros": (reward(f"return ({COSTS}) / 100"), "the reward is in cents"),
        "the sign": (reward("return replicas / 12 + 0.02 * late"), "what costs makes the reward smaller"),
        "forgets late requests": (reward("return -replicas / 12"), "it is not in the reward at all"),
        "pays for not ending": (reward(f"return {COSTS} - 100 * (before & ~after)"), "who does not end it saves the price"),
        "a tenth of the price in an incident": (
            reward("return -replicas / 12 - 0.02 * late * np.where(after, 0.1, 1)"),
            "a hundred late requests more, in an incident, changes",
        ),
        "a price for each step instead of late requests": (
            reward("return -replicas / 12 - 0.02 * late * (~after) - 4 * after"),
            "changes the reward by +0.000 cents -2.000 the price list",
        ),
        "a limit to what late requests cost": (
            reward("return -replicas / 12 - np.minimum(0.02 * late, 2)"),
            "is there a limit to what is paid",
        ),
        "a limit to the reward": (reward(f"return np.clip({COSTS}, -3, 0)"), "costs as much as the first"),
        "free while it lasts": (
            reward(f"return np.where(after, -replicas / 12, {COSTS}) - 100 * (~before & after)"),
            "have to go on costing",
        ),
        "pays for lasting": (
            reward(f"return {COSTS} + 10 * (before & after)"),
            "which step on this way pays more",
        ),
        "returns nothing": (reward("-replicas"), "no `return`"),
    },
    "403.3": {
        "the smaller one": (guard("return np.minimum(wish, np.ceil(seen.requests_per_s * 0.075 / 0.45))"), "takes the larger one"),
        "the usual target": (guard("return np.maximum(wish, np.ceil(seen.requests_per_s * 0.075 / 0.6))"), "the reserve is too small"),
        "a part of a replica": (guard("return np.maximum(wish, seen.requests_per_s * 0.075 * 2.2)"), "cut off: round up"),
        "no guard": (guard("return wish"), "next to nothing"),
        "always twenty": (guard("return np.full(len(wish), 20)"), "a reserve that is larger than a rush needs"),
        "an HPA in the policy's place": (guard("return np.ceil(seen.requests_per_s * 0.075 / 0.4)"), "a guard takes the larger one"),
        "a reserve for more than the rush": (guard("return np.maximum(wish, np.ceil(seen.requests_per_s * 0.075 * 2.2 / 0.85))"), "larger than a rush needs"),
        "one number": (guard("return 12"), "one number came back"),
        "returns nothing": (guard("np.maximum(wish, 8)"), "no `return`"),
    },
    "403.4": {
        "the usual": ("from labsupport.rl.days import Habits\nhabits = Habits()", "the sentence held"),
        "another minute": ("from labsupport.rl.days import Habits\nhabits = Habits(job_minute=20)", "leave job_minute at 0"),
        "too many": ("from labsupport.rl.days import Habits\nhabits = Habits(crowds=40)", "crowds lies between"),
        "a number": ("habits = 8", "a case is Habits"),
    },
}  # fmt: skip

RIGHT = {
    "403.1": {
        "the minute as a share": view(FAIR.split(", np.sin")[0] + ', state["second"] % 3600 / 3600'),
        "a frame": (
            "import numpy as np\nimport pandas as pd\ndef view(state):\n    minute = state['second'] // 60 % 60\n"
            "    return pd.DataFrame({'load': np.log1p(state['requests_per_s']), 'ready': np.sqrt(state['ready']),\n"
            "        'starting': np.minimum(state['starting'], 4), 'queue': state['waiting'] / 100, 'minute': minute / 30 - 1})"
        ),
    },
    "403.2": {
        "no bonus": reward(f"return {COSTS}"),
        "a charge for each step": reward(f"return {COSTS} - 10.0 * after"),
        "a potential": reward(f"return {COSTS} + 30 * (before.astype(int) - after.astype(int))"),
    },
    "403.3": {
        "by numbers of replicas": guard("return np.maximum(wish, np.ceil(seen.requests_per_s / 6))"),
        "a list": guard("return [max(w, -(-r * 0.075 // 0.44)) for w, r in zip(wish, seen.requests_per_s)]"),
    },
    "403.4": {
        "a dictionary": "habits = {'crowds': 10.0}",
        "many and large": "from labsupport.rl.days import Habits\nhabits = Habits(crowds=8, crowd_factor=3)",
    },
}
