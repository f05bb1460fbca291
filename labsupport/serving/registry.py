"""Models from an MLflow registry, by its REST API: which version an alias points to, and the version's file.

MLflow's own client would take seconds and 200 MB of a pod for two requests. Address, credentials and trust come from where
its client takes them, too (`access`). Source: MLflow REST API 2.0.
"""

import functools
import http.client
import json
import operator
import os
import re
import shutil
import ssl
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labsupport.serving import access
from labsupport.serving.card import MODEL
from labsupport.serving.session import ModelError

URI = re.compile(r"models:/([^/@]+)@([^/@]+)")
API = "/api/2.0/mlflow"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Registry:
    """The version of `name` that `alias` points to, on the server at `uri`; `from_url`: the credentials that stood there."""

    uri: str
    name: str
    alias: str
    from_url: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, model: str) -> "Registry":
        """Return what `models:/name@alias` means on the server of MLFLOW_TRACKING_URI; raises ModelError."""
        found = URI.fullmatch(model)
        if not found:
            raise ModelError(
                f"{model} is no model of the registry: write models:/name@alias, such as models:/deploy-risk@champion"
            )
        uri = os.environ.get("MLFLOW_TRACKING_URI", "")
        if not uri.startswith(("http://", "https://")):
            raise ModelError(
                f"{model} is on an MLflow server, and MLFLOW_TRACKING_URI is {access.hidden(uri) or 'not set'}: set it to its "
                "address, http://..."
            )
        address, from_url = access.split(uri)
        return cls(address, found[1], found[2], from_url)

    def newest(self) -> str:
        """Return the version that the alias points to now."""
        where = f"{API}/registered-models/alias"
        return str(self._json(where, "model_version", "version", name=self.name, alias=self.alias))

    def content(self, version: str) -> str:
        """Return nothing: a registered version never changes."""
        return ""

    def fetch(self, version: str, folder: Path) -> Path:
        """Download the model's file into a folder and return its path."""
        where = str(
            self._json(f"{API}/model-versions/get-download-uri", "artifact_uri", name=self.name, version=version)
        )
        scheme, _, rest = where.partition(":")
        if scheme != "mlflow-artifacts":
            raise ModelError(
                f"version {version} of {self.name} is stored at {where}, which this server can't read: let the MLflow "
                "server hand out artifacts (--artifacts-destination)"
            )
        # mlflow-artifacts:/path, or mlflow-artifacts://host/path
        path = urllib.parse.urlsplit("x:" + rest).path.strip("/")
        target = folder / MODEL
        try:
            with self._open(f"{ARTIFACTS}/{urllib.parse.quote(path)}/{MODEL}") as answer, target.open("wb") as file:
                shutil.copyfileobj(answer, file)
                if answer.length:
                    # Reading piece by piece does not notice that the body ended too early.
                    raise http.client.IncompleteRead(b"", answer.length)
        except ModelError as error:
            raise ModelError(
                f"version {version} of {self.name} gives no {MODEL}: {error}; register an export by `labsupport.serving.publish`"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            raise self._broke_off(error) from None
        return target

    def _json(self, path: str, *wanted: str, **query: str) -> Any:
        """Return what stands in an answer below the names `wanted`, one in the other."""
        with self._open(f"{path}?{urllib.parse.urlencode(query)}") as answer:
            try:
                return functools.reduce(operator.getitem, wanted, json.load(answer))
            except (OSError, http.client.HTTPException) as error:
                raise self._broke_off(error) from None
            except (ValueError, KeyError, TypeError):
                raise ModelError(
                    f"what answers at {self.uri} is no MLflow server: look at MLFLOW_TRACKING_URI"
                ) from None

    def _broke_off(self, error: Exception) -> ModelError:
        return ModelError(
            f"an answer of the registry at {self.uri} was not read to its end ({error}): is it running, and is there room on "
            "this disk?"
        )

    def _open(self, path: str) -> http.client.HTTPResponse:
        request = urllib.request.Request(self.uri + path, headers=access.authorization(self.from_url))
        # No proxy that the environment names: a registry is a neighbour.
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=access.tls()), access.SameServer()
        )
        try:
            answer: http.client.HTTPResponse = opener.open(request, timeout=TIMEOUT_S)
            return answer
        except urllib.error.HTTPError as error:
            raise ModelError(
                f"the registry at {self.uri} says {error.code} for {self.name}@{self.alias}: {_said(error)}"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise ModelError(
                    f"the certificate of the registry at {self.uri} is not trusted ({reason.verify_message}): name your own "
                    f"CA's file in {access.OWN_CA}"
                ) from None
            raise ModelError(f"the registry at {self.uri} does not answer ({reason}): is it running?") from None


def _said(error: urllib.error.HTTPError) -> str:
    """Return the sentence in a refusal: MLflow's own, or the first words of whoever else answered."""
    try:
        text = error.read(2000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return "no more than that"
    try:
        return str(json.loads(text)["message"]).rstrip(".")
    except (ValueError, KeyError, TypeError):
        return text[:200]
