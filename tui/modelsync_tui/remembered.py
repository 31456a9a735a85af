"""What a person picked on the screen, for the next start: one small file in the state directory."""

import json
import logging
from pathlib import Path

from modelsync.model import Json
from modelsync.paths import write_private

log = logging.getLogger("modelsync.tui")


class Remembered:
    """Read once when the program starts; the settings file is a person's own and is never written."""

    def __init__(self, path: Path) -> None:
        """A file that is not there, or cannot be used, remembers nothing."""
        self._path = path
        try:
            facts: Json = json.loads(path.read_bytes())
        except (OSError, ValueError):
            facts = None
        theme = facts.get("theme") if isinstance(facts, dict) else None
        self.theme = theme if isinstance(theme, str) else None

    def keep_theme(self, name: str) -> None:
        """Uses this theme from the next start on, unless a setting names another; writes the file."""
        self.theme = name
        try:
            write_private(self._path, json.dumps({"theme": name}))
        except OSError as exc:
            log.warning("the theme is not remembered: %s", exc)
