"""What 401.2 runs in: episodes that are fixed, an agent that listens, and what a mistaken return tells."""

from typing import Any

import numpy as np


class Script:
    """An environment that plays fixed episodes, and notes what it is asked for; what is seen differs in every step."""

    def __init__(self, lengths: list[tuple[int, str]], pairs: bool = False) -> None:
        self.lengths, self.seeds, self.asked = lengths, list[Any](), list[str]()
        self.episode, self.at, self.over = -1, 0, True
        self.acted: list[int] = []
        self.paid: list[list[float]] = []

    def _state(self) -> int:
        return 100 * self.episode + self.at

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[int, dict[str, Any]]:
        self.seeds.append(seed)
        self.asked.append("reset" if self.over else "reset in the middle")
        self.episode, self.at, self.over = self.episode + 1, 0, False
        self.paid.append([])
        return self._state(), {"info": 1}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        self.asked.append("step after the end" if self.over else "step")
        self.acted.append(action)
        self.at += 1
        length, end = self.lengths[self.episode % len(self.lengths)]
        ended = self.at >= length
        self.over = self.over or ended
        reward = float(self.at + 10 * self.episode)
        self.paid[-1].append(reward)
        return self._state(), reward, ended and "terminated" in end, ended and "truncated" in end, {}

    def episodes(self) -> list[list[float]]:
        """Return the rewards of each finished episode."""
        return self.paid if self.over else self.paid[:-1]


class Listener:
    """An agent that notes what it is told."""

    def __init__(self) -> None:
        self.chose, self.learnt = list[Any](), list[tuple[Any, ...]]()

    def choose(self, state: Any) -> int:
        self.chose.append(state)
        return len(self.chose) % 2

    def learn(self, state: Any, action: Any, reward: Any, after: Any, over: Any) -> None:
        self.learnt.append((state, action, reward, after, over))


def practised(env: Script, agent: Listener, steps: int, seed: int) -> list[float]:
    """Return the returns of the finished episodes, as a right loop would."""
    returns, total = [], 0.0
    state, _ = env.reset(seed=seed)
    for _ in range(steps):
        action = agent.choose(state)
        after, reward, terminated, truncated, _ = env.step(action)
        agent.learn(state, action, reward, after, terminated)
        total, state = total + reward, after
        if terminated or truncated:
            returns.append(total)
            total, (state, _) = 0.0, env.reset()
    return returns


def mistaken_return(got: Any, episodes: list[list[float]]) -> dict[str, str]:
    """Name the one mistake that explains all returns."""
    wanted = [sum(rewards) for rewards in episodes]
    lasts = [0.0, *(rewards[-1] for rewards in episodes)]
    missing = [sum(rewards[:-1]) for rewards in episodes]
    last = "the reward of the last step is missing, or counts for the next episode"
    causes: dict[str, list[Any]] = {
        "the rewards of earlier episodes are still in it: begin each one at 0": [np.cumsum(wanted)],
        last: [missing, np.add(missing, lasts[:-1])],
        "that is the mean of the rewards: a return is their sum": [[np.mean(rewards) for rewards in episodes]],
        "that is the last reward alone: a return is the sum of all": [lasts[1:]],
        "the rewards are discounted: a return counts each of them whole": [
            [float(rewards @ discount ** np.arange(len(rewards))) for rewards in map(np.array, episodes)]
            for discount in (0.9, 0.95, 0.97, 0.99)
        ],
    }
    for cause, mistaken in causes.items():
        if any(np.allclose(got, each) for each in mistaken):
            return {"cause": cause}
    return {"question": "which rewards did `step` answer with in this episode, and which of them are in your sum?"}
