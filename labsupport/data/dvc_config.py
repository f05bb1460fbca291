"""The settings of DVC, read as DVC itself reads them: by its own schema, without a repository."""

import re
import tempfile
from pathlib import Path
from typing import Any


class Refused(ValueError):
    """DVC does not take a text for its settings; `option` names one that it doesn't know, where that is why."""

    def __init__(self, words: str, option: str = "") -> None:
        super().__init__(words)
        self.option = option


def read(text: str) -> dict[str, Any]:
    """Return the sections of a config file with their options; raises Refused, with DVC's own words."""
    from dvc.config import Config, ConfigError

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config"
        path.write_text(text, encoding="utf-8")
        try:
            settings: dict[str, Any] = Config.validate(Config.load_file(str(path)))
        except ConfigError as error:
            said = str(error).removeprefix("config file error: ")
            unknown = re.search(r"data\['remote'\]\['[^']+'\]\['([^']+)'\]", said)
            raise Refused(said, unknown[1] if unknown else "") from None
    return settings
