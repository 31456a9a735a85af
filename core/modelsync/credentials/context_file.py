"""The file of kept contexts: who and where, never a token."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from modelsync.account import CONTEXT_COLORS, Context, TokenSource
from modelsync.errors import AuthenticationError
from modelsync.paths import write_private

FORMAT = 1


@dataclass(frozen=True, slots=True)
class KeptContext:
    """A context, and where its token is."""

    context: Context
    source: TokenSource


@dataclass(frozen=True, slots=True)
class KeptContexts:
    """What the file says."""

    by_name: Mapping[str, KeptContext]
    """In the order in which they were first kept."""
    current: str | None

    def with_(self, kept: KeptContext) -> "KeptContexts":
        """The same with this one added or replaced, and current."""
        return KeptContexts({**self.by_name, kept.context.name: kept}, kept.context.name)

    def without(self, name: str) -> "KeptContexts":
        """The same without this one; if it was the current one, none is."""
        left = {key: kept for key, kept in self.by_name.items() if key != name}
        return KeptContexts(left, self.current if self.current != name else None)

    def using(self, name: str) -> "KeptContexts":
        return replace(self, current=name)


class ContextFile:
    """contexts.json; read anew at every question, because other processes change it too."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> KeptContexts:
        """What is kept; nothing where there is no file. Raises AuthenticationError when it cannot be understood."""
        try:
            data = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return KeptContexts({}, None)
        except (OSError, ValueError) as exc:
            raise self._unreadable() from exc
        if not isinstance(data, dict) or not isinstance(data.get("contexts"), list):
            raise self._unreadable()
        if data.get("format") != FORMAT:
            raise AuthenticationError(
                f"{self.path} was written by another version of modelsync.",
                hint="Use that version, or move the file away and sign in again.",
            )
        try:
            kept = [_context(item) for item in data["contexts"]]
        except (AttributeError, TypeError, KeyError, ValueError) as exc:  # a field is missing or of another type
            raise self._unreadable() from exc
        by_name = {item.context.name: item for item in kept}
        current = data.get("current")
        return KeptContexts(by_name, current if current in by_name else None)

    def write(self, contexts: KeptContexts) -> None:
        """Replaces the file in one step; raises AuthenticationError."""
        data = {
            "format": FORMAT,
            "current": contexts.current,
            "contexts": [_json(kept) for kept in contexts.by_name.values()],
        }
        try:
            write_private(self.path, json.dumps(data, indent=2, ensure_ascii=False) + "\n")
        except OSError as exc:
            raise AuthenticationError(
                f"{self.path} cannot be written ({exc.strerror}).",
                hint="Make room or set MODELSYNC_CONFIG_DIR to a place you may write to.",
            ) from exc

    def _unreadable(self) -> AuthenticationError:
        return AuthenticationError(
            f"{self.path} cannot be read as a list of contexts.", hint="Move it away and sign in again."
        )


def _context(item: Mapping[str, object]) -> KeptContext:
    organization = item.get("organization")
    color = item.get("color")
    context = Context(
        name=_text(item["name"]),
        endpoint=_text(item["endpoint"]),
        organization=None if organization is None else _text(organization),
        read_only=item.get("read_only") is True,
        user=_text(item.get("user", "")),
        plain_http=item.get("plain_http") is True,
        color=str(color) if color in CONTEXT_COLORS else "",
    )
    return KeptContext(context, TokenSource(_text(item["token"])))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _json(kept: KeptContext) -> Mapping[str, object]:
    context = kept.context
    return {
        "name": context.name,
        "endpoint": context.endpoint,
        "organization": context.organization,
        "read_only": context.read_only,
        "user": context.user,
        "plain_http": context.plain_http,
        "color": context.color,
        "token": str(kept.source),
    }
