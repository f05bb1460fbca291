"""One step of a Workflow: from what is there to what is to be done. It asks nobody and changes nothing but its own copy."""

import copy
from datetime import datetime
from typing import Any

from labsupport.workflows import argo, graph, pods, retries, values

Object = dict[str, Any]


class Advance:
    """The next step of a Workflow: its new `status`, the pods to `create`, and `again_in` how many seconds to look again.

    `workflow` and its pods (`seen`, by name) are objects of the API server, `now` is a time in UTC. The same look gives
    the same step. Raises ValueError for what can't be filled in or compared.
    """

    def __init__(self, workflow: Object, seen: dict[str, Object], now: datetime) -> None:
        self.workflow, self.seen, self.now = workflow, seen, now
        self.name, self.stamp = workflow["metadata"]["name"], now.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.templates = {template["name"]: template for template in workflow["spec"]["templates"]}
        self._status: Object = {"startedAt": self.stamp, **copy.deepcopy(workflow.get("status") or {})}
        self.nodes: dict[str, Object] = self._status.setdefault("nodes", {})
        self.create: list[Object] = []
        self.again_in: float | None = None
        tasks = self.templates[workflow["spec"]["entrypoint"]]["dag"]["tasks"]
        for task in tasks:
            self._judge(task)
        while waiting := graph.ready(tasks, self._phases(tasks)):
            for task in tasks:
                if task["name"] in waiting:
                    self._begin(task)
        while lost := graph.hopeless(tasks, self._phases(tasks)):
            for task in lost:
                self._note(f"{self.name}.{task}", "Omitted", "omitted: depends condition not met", type="Skipped")
        self._conclude(tasks)

    @property
    def status(self) -> Object:
        """The new status. A pod that the API server has refused meanwhile says so in its own, and is an error."""
        for pod in self.create:
            if "status" in pod:
                self._note(pod["metadata"]["annotations"][argo.NODE], "Error", pod["status"]["message"], outputs={})
        return self._status

    def _judge(self, task: Object) -> None:
        """Note what came of a task's pods, and begin another try where its template asks for one."""
        template, own = self.templates[task["template"]], f"{self.name}.{task['name']}"
        tries = self._tries(task)
        for node in tries:
            if node["phase"] not in graph.FINISHED:
                pod = self.seen.get(argo.pod_name(self.name, template["name"], node["name"]))
                if pod is None and node["phase"] == "Pending":
                    # Taken away before anybody saw it run: as Argo does, made again, as the same try.
                    self._make(task, node["name"])
                    continue
                phase, message, outputs = pods.outcome(pod, template)
                self._note(node["name"], phase, message, outputs=outputs)
        strategy = template.get("retryStrategy")
        if strategy is None or not tries or self._node(own)["phase"] != "Running":
            return
        last = self._node(tries[-1]["name"])
        if retries.wanted(strategy, last["phase"], len(tries)):
            wait = retries.pause(strategy, len(tries)) - (self.now - _time(last["finishedAt"])).total_seconds()
            if wait <= 0:
                self._begin(task)
            else:
                self.again_in = min(wait, self.again_in or wait)
        elif last["phase"] in graph.FINISHED:
            self._note(own, last["phase"], last["message"], outputs=last["outputs"])

    def _begin(self, task: Object) -> None:
        """Make a task's (next) pod, or skip the task if its `when` does not hold."""
        template, own = self.templates[task["template"]], f"{self.name}.{task['name']}"
        condition = values.fill(task.get("when", ""), argo.scope_of(self.workflow) | self._outputs())
        if condition and not values.holds(condition):
            self._note(own, "Skipped", f"when '{condition}' evaluated false", type="Skipped")
            return
        node = f"{own}({len(self._tries(task))})" if "retryStrategy" in template else own
        self._make(task, node)
        if node != own:
            self._note(own, "Running", type="Retry", children=[one["id"] for one in self._tries(task)])

    def _make(self, task: Object, node: str) -> None:
        """Make the pod of a try, whose node is called `node`."""
        template, everywhere = self.templates[task["template"]], argo.scope_of(self.workflow)
        given = values.fill(task.get("arguments", {}).get("parameters", []), everywhere | self._outputs())
        inputs = {f"inputs.parameters.{one['name']}": str(one["value"]) for one in given}
        self.create.append(pods.of_task(self.workflow, template, node, everywhere | inputs))
        self._note(node, "Pending", type="Pod", templateName=template["name"])

    def _conclude(self, tasks: list[Object]) -> None:
        phases = self._phases(tasks)
        phase = self._status["phase"] = graph.outcome(tasks, phases)
        bad = next((task for task, ended in phases.items() if ended == phase != "Succeeded"), None)
        message = f"child '{self.name}.{bad}' failed" if bad else ""
        self._note(self.name, phase, message, type="DAG")
        if phase in graph.FINISHED:
            self._status |= {"message": message, "finishedAt": self.stamp}

    def _note(self, name: str, phase: str, message: str = "", **more: Any) -> None:
        """Write down a node's phase."""
        key = argo.node_id(self.name, name)
        shown = name.removeprefix(f"{self.name}.")
        node = {"id": key, "name": name, "displayName": shown, "startedAt": self.stamp} | self.nodes.get(key, {})
        self.nodes[key] = node | {"phase": phase, "message": message, **more}
        if phase in graph.FINISHED:
            self.nodes[key].setdefault("finishedAt", self.stamp)

    def _node(self, name: str) -> Object:
        return self.nodes[argo.node_id(self.name, name)]

    def _tries(self, task: Object) -> list[Object]:
        """Return the nodes of a task's pods, the first try first."""
        own = f"{self.name}.{task['name']}"
        names = [own, *(f"{own}({number})" for number in range(len(self.nodes)))]
        found = [self.nodes.get(argo.node_id(self.name, name), {}) for name in names]
        return [node for node in found if node.get("type") == "Pod"]

    def _phases(self, tasks: list[Object]) -> dict[str, str]:
        keys = {task["name"]: argo.node_id(self.name, f"{self.name}.{task['name']}") for task in tasks}
        return {task: self.nodes[key]["phase"] for task, key in keys.items() if key in self.nodes}

    def _outputs(self) -> dict[str, str]:
        return {
            f"tasks.{node['displayName']}.outputs.parameters.{one['name']}": one["value"]
            for node in self.nodes.values()
            for one in node.get("outputs", {}).get("parameters", [])
        }


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
