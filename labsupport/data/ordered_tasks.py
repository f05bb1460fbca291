"""Tasks that wait for each other, in one process: order, retries, and going on after a failure. Airflow's core idea, small.

>>> tasks = OrderedTasks({"check": {"receive"}, "receive": set()}, {"receive": fetch, "check": judge}, retries=1)
>>> states = tasks.run()                    # {"receive": "success", "check": "failed"}
>>> tasks.run(again(tasks.upstream, states), states)   # only what has to
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

States = dict[str, str]


@dataclass
class OrderedTasks:
    """Functions by name, and for each name what must succeed before it. `started` notes every try, in order."""

    upstream: Mapping[str, Collection[str]]
    functions: Mapping[str, Callable[[], object]]
    retries: int = 0
    started: list[str] = field(default_factory=list)

    def run(self, chosen: Collection[str] | None = None, states: States | None = None) -> States:
        """Run the chosen tasks (default: all), each after those before it, and return the state of every task.

        A task whose predecessors did not all succeed is not started: `upstream_failed`. Raises CycleError for a circle.
        """
        chosen = set(self.upstream if chosen is None else chosen)
        states = dict(states or {})
        for name in TopologicalSorter(self.upstream).static_order():
            if name not in chosen:
                continue
            if any(states.get(before) != "success" for before in self.upstream[name]):
                states[name] = "upstream_failed"
            else:
                states[name] = self._try(name)
        return states

    def _try(self, name: str) -> str:
        for _ in range(1 + self.retries):
            self.started.append(name)
            try:
                self.functions[name]()
                return "success"
            except Exception as error:
                print(f"  {name} failed: {error}")
        return "failed"


def again(upstream: Mapping[str, Collection[str]], states: Mapping[str, str]) -> list[str]:
    """Return the tasks that must run after an interrupted run, in order: what did not succeed, and all that hangs on it."""
    chosen: list[str] = []
    for name in TopologicalSorter(upstream).static_order():
        if states.get(name) != "success" or any(before in chosen for before in upstream[name]):
            chosen.append(name)
    return chosen


def levels(upstream: Mapping[str, Collection[str]]) -> dict[str, int]:
    """Return each task's distance from the start, in tasks: the longest way to it."""
    found: dict[str, int] = {}
    for name in TopologicalSorter(upstream).static_order():
        found[name] = 1 + max((found[before] for before in upstream[name]), default=-1)
    return found
