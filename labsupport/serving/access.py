"""How this program shows an MLflow server who it is and whom it trusts: from where MLflow's own client takes it.

A name and password in the URL, else MLFLOW_TRACKING_USERNAME and _PASSWORD, each else from ~/.mlflow/credentials, else
MLFLOW_TRACKING_TOKEN. Certificates: MLFLOW_TRACKING_SERVER_CERT_PATH (or REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE),
MLFLOW_TRACKING_CLIENT_CERT_PATH, MLFLOW_TRACKING_INSECURE_TLS. No error and no repr holds a secret.
"""

import base64
import configparser
import os
import re
import ssl
import urllib.parse
import urllib.request
from http.client import HTTPMessage
from pathlib import Path
from typing import IO

from labsupport.serving.session import ModelError

USERNAME, PASSWORD = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
TOKEN, INSECURE = "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_INSECURE_TLS"
OWN_CA = "MLFLOW_TRACKING_SERVER_CERT_PATH"
CLIENT = "MLFLOW_TRACKING_CLIENT_CERT_PATH"
CREDENTIALS = "~/.mlflow/credentials"
READING = {"true": True, "1": True, "false": False, "0": False}


def split(uri: str) -> tuple[str, str | None]:
    """Return the address without name and password, and these two as a header's value, None where there are none.

    Raises ModelError for an address that can't be read, without telling what is in it.
    """
    try:
        parts = urllib.parse.urlsplit(uri)
        good = (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and "@" not in parts.path + parts.query + parts.fragment
        )
        _ = parts.port
    except ValueError:
        good = False
    if not good:
        raise ModelError(
            f"MLFLOW_TRACKING_URI is no address of a server ({hidden(uri)}): write http://host:port, or "
            "http://user:password@host:port, in which /, @, :, ?, # and % of the password are percent-encoded"
        )
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
    if parts.username is None:
        return plain, None
    return plain, _basic(urllib.parse.unquote(parts.username), urllib.parse.unquote(parts.password or ""))


def hidden(uri: str) -> str:
    """Return an address to be shown: whatever stands before an @ is not."""
    return re.sub(r"^(\w+://)?.*@", r"\1...@", uri, flags=re.DOTALL)


def authorization(from_url: str | None) -> dict[str, str]:
    """Return the header that says who asks, or none; raises ModelError for a file of credentials that can't be read."""
    if from_url is not None:
        return {"Authorization": from_url}
    stored = _stored()
    name = os.environ.get(USERNAME) or stored.get(USERNAME.lower())
    password = os.environ.get(PASSWORD) or stored.get(PASSWORD.lower())
    if name and password:
        return {"Authorization": _basic(name, password)}
    # A token that was read from a file often ends in a new line, which no header may hold.
    token = os.environ.get(TOKEN, "").strip()
    if not (token.isascii() and token.isprintable()):
        raise ModelError(f"{TOKEN} holds characters that no header may hold: copy the token again")
    return {"Authorization": f"Bearer {token}"} if token else {}


def tls() -> ssl.SSLContext:
    """Return whom to trust over https, and the certificate to show; raises ModelError for settings that can't be used."""
    own, insecure = os.environ.get(OWN_CA), os.environ.get(INSECURE, "false").lower()
    if insecure not in READING:
        raise ModelError(f"{INSECURE} is true or false; got {insecure!r}")
    if READING[insecure] and own:
        raise ModelError(f"{INSECURE} and {OWN_CA} exclude each other: leave one of them unset")
    if READING[insecure]:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    else:
        context = _trusting(own or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE"))
    client = os.environ.get(CLIENT)
    if client:
        try:
            context.load_cert_chain(client)
        except OSError as error:
            raise ModelError(f"{CLIENT}, {client}, holds no certificate with its key: {error}") from None
    return context


def _trusting(bundle: str | None) -> ssl.SSLContext:
    """Return a context that trusts the certificates in a file or folder and no others; None: those of the system."""
    if not bundle:
        return ssl.create_default_context()
    try:
        folder = Path(bundle).is_dir()
        return ssl.create_default_context(cafile=None if folder else bundle, capath=bundle if folder else None)
    except OSError as error:
        raise ModelError(f"{bundle} holds no certificates to trust ({error}): look at {OWN_CA}") from None


class SameServer(urllib.request.HTTPRedirectHandler):
    """Follows a redirect, and shows who asks to the same server only: another one has no business with the password."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request is not None and not _same(req.full_url, request.full_url):
            request.remove_header("Authorization")
        return request


def _same(before: str, after: str) -> bool:
    """Return whether an address leads to the same server, or to its encrypted side, as requests has it."""
    old, new = urllib.parse.urlsplit(before), urllib.parse.urlsplit(after)
    usual = {"http": 80, "https": 443}
    ports = [part.port or usual.get(part.scheme) for part in (old, new)]
    upgraded = (old.scheme, new.scheme, *ports) == ("http", "https", 80, 443)
    return old.hostname == new.hostname and (upgraded or (old.scheme == new.scheme and ports[0] == ports[1]))


def _basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def _stored() -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        # Nothing of an error is shown but its kind: configparser quotes the line, which may be the password's.
        parser.read_string(Path(CREDENTIALS).expanduser().read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, RuntimeError):
        # No such file, or nobody's home.
        return {}
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise ModelError(
            f"{CREDENTIALS} can't be read ({type(error).__name__}): it has a section [mlflow] with {USERNAME.lower()} and "
            f"{PASSWORD.lower()}"
        ) from None
    return dict(parser["mlflow"]) if "mlflow" in parser else {}
