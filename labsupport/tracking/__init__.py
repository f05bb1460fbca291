"""Runs, versions and their registry: a local MLflow server, and records from which a model can be trained again.

MLflow reads its switch against usage reports when it is imported, so it is set here, before. And it imports a library of
progress bars that complains about a missing widget in a notebook, though it draws none here. (Pods do without it.)
"""

import contextlib
import os
import warnings

from labsupport.variables import NO_USAGE_REPORTS

os.environ.update(NO_USAGE_REPORTS)
with warnings.catch_warnings(), contextlib.suppress(ImportError):
    warnings.simplefilter("ignore")
    import tqdm.auto  # noqa: F401

from labsupport.tracking.card import model_card
from labsupport.tracking.recipe import Recipe, brier_skill, data_hash, features, parts, train
from labsupport.tracking.registry import load, promote, register, rollback
from labsupport.tracking.runs import TRUSTED, Reproduction, TrackingError, record, reproduce
from labsupport.tracking.server import LocalServer, ServerError, client_of, local_server, variables_of_the_server

__all__ = [
    "TRUSTED", "LocalServer", "Recipe", "Reproduction", "ServerError", "TrackingError", "brier_skill", "client_of",
    "data_hash", "features", "load", "local_server", "model_card", "parts", "promote", "record", "register",
    "reproduce", "rollback", "train", "variables_of_the_server",
]  # fmt: skip
