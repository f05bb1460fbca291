"""Who may ask an MLflow server: the file and the Secret that hold the password, and a client that uses them.

python -m labsupport.tracking.access URL AUTH.INI
"""

import base64
import configparser
import secrets
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from labsupport.tracking.server import READY

ADMINISTRATOR = "admin"
# Users are made anew at each start, from the password in this file: the Secret is where it is changed.
_FILE = """[mlflow]
admin_username = {name}
admin_password = {password}
default_permission = NO_PERMISSIONS
database_uri = sqlite:////tmp/users.db
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 300
"""


def new_secret(name: str) -> dict[str, Any]:
    """Return a Secret with a new password, as `auth.ini` of MLflow's app `basic-auth`, and the key of its sessions."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/part-of": "labs"}},
        "stringData": {
            "auth.ini": _FILE.format(name=ADMINISTRATOR, password=secrets.token_urlsafe(15)),
            "session-key": secrets.token_urlsafe(24),
        },
    }


def credentials(text: str) -> tuple[str, str]:
    """Read the administrator's name and password from the text of an `auth.ini`."""
    # Without interpolation: a password may hold a %.
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    return parser["mlflow"]["admin_username"], parser["mlflow"]["admin_password"]


def ask(url: str, username: str, password: str) -> str:
    """Return the status of the answer to a GET and, of a refusal, its first words."""
    token = base64.b64encode(f"{username}:{password}".encode()).decode()
    question = urllib.request.Request(url, headers={"Authorization": f"Basic {token}"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(question, timeout=20) as answer:
            return str(answer.status)
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read(60).decode(errors='replace')}".strip()
    except OSError as error:
        return f"no answer: {error}"


def main() -> None:
    """Ask a server whether it is there, and a question, and print the answers."""
    if len(sys.argv) != 3:
        sys.exit("Say: python -m labsupport.tracking.access URL AUTH.INI")
    url, file = sys.argv[1:]
    known = credentials(Path(file).read_text(encoding="utf-8"))
    health, api = (ask(url + path, *known) for path in ("/health", READY))
    print(f"{url}/health: {health}")
    print(f"{url}/api/...: {api}")


if __name__ == "__main__":
    main()
