"""The learner's own data, in frames: what Prometheus answers, what kubectl gets, logs, and the history of deploys.

Each function reads a recorded example without an argument, and your file with one:

>>> own.prometheus()               # the bundled example
>>> own.prometheus("answer.json")  # yours; a URL of the HTTP API will do, too

All times are in UTC and say so; what can't be read is an OwnDataError, a sentence with the line and what was expected there.
"""

from labsupport.own.accesslog import access_log
from labsupport.own.history import deploys, git_log
from labsupport.own.incidents import incidents
from labsupport.own.jsonlines import json_lines
from labsupport.own.objects import containers, objects
from labsupport.own.prometheus_api import grid, prometheus
from labsupport.own.rates import per_second, rate
from labsupport.own.reading import OwnDataError

__all__ = [
    "OwnDataError", "access_log", "containers", "deploys", "git_log", "grid", "incidents", "json_lines", "objects", "per_second", "prometheus", "rate",
]  # fmt: skip
