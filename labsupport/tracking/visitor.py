"""Ask an MLflow server what a client would: is it there, and does it take my question?

python -m labsupport.tracking.visitor URL AUTH.INI
"""

import base64
import configparser
import sys
import urllib.error
import urllib.request
from pathlib import Path

from labsupport.tracking.server import READY


def ask(url: str, authorization: str) -> str:
    """Return the status of the answer and, of a refusal, its first words."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, headers={"Authorization": authorization}), timeout=20) as answer:
            return str(answer.status)
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read(60).decode(errors='replace')}".strip()
    except OSError as error:
        return f"no answer: {error}"


def credentials(file: Path) -> tuple[str, str]:
    """Read the administrator's name and password from the server's own file."""
    # Without interpolation: a password may hold a %.
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(file.read_text(encoding="utf-8"))
    return parser["mlflow"]["admin_username"], parser["mlflow"]["admin_password"]


def main() -> None:
    """Ask two questions; exit code 1 when the API does not answer 200."""
    url, file = sys.argv[1:]
    authorization = "Basic " + base64.b64encode(":".join(credentials(Path(file))).encode()).decode()
    health, api = (ask(url + path, authorization) for path in ("/health", READY))
    print(f"{url}/health: {health}")
    print(f"{url}/api/...: {api}")
    sys.exit(0 if api == "200" else 1)


if __name__ == "__main__":
    main()
