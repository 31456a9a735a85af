"""What `y` copies: the tag, the path, or the action as a shell command."""

import shlex
from collections.abc import Sequence

from modelsync_tui.catalog import Catalog
from modelsync_tui.listing import Key, Side

TAG, PATH, COMMAND = "y", "p", "c"
CHOICES = {TAG: "tag", PATH: "path in the local store", COMMAND: "shell command that moves it"}


def text_of(what: str, keys: Sequence[Key], side: Side, catalog: Catalog, context: str | None) -> str:
    """One line for each version; empty where there is nothing to copy. A command names no secret."""
    tags = [f"{name}:{version}" for name, version in keys]
    match what:
        case "y":  # TAG
            return "\n".join(tags)
        case "p":  # PATH
            paths = {(entry.name, entry.version): entry.path for entry in catalog.broken}
            paths |= {
                (model.tag.name, model.tag.version): model.path for model in map(catalog.locals.get, tags) if model
            }
            return "\n".join(str(paths[key]) for key in keys if key in paths)
        case _:
            verb = "push" if side is Side.LOCAL else "pull"
            chosen = ["--context", context] if context else []
            return shlex.join(["modelsync", verb, *tags, *chosen]) if tags else ""
