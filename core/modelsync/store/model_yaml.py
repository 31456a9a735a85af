"""model.yaml: the facts of one version, read by the rules of BentoML (registry contract 5.3)."""

import base64
import os
import stat
from collections.abc import Mapping
from datetime import UTC, date, datetime
from math import isfinite
from pathlib import Path

from modelsync.errors import BrokenModelError, InvalidTagError
from modelsync.model import Json, ModelInfo
from modelsync.safe_yaml import NotYamlError, load_yaml
from modelsync.tag import Tag

MODEL_YAML = "model.yaml"

_SIZE_MAX = 16 * 1024 * 1024
_DEPTH_MAX = 100
_VALUES_MAX = 200_000
"""A few lines of YAML aliases can stand for billions of values; no model has so many."""
_INT_BITS_MAX = 1024
_FIRST_MOMENT = datetime(1, 1, 2, tzinfo=UTC)
_LAST_MOMENT = datetime(9999, 12, 30, tzinfo=UTC)
"""A day from the ends of time: what lies beyond cannot be told in every zone."""

_HINT = "Save the model again with bentoml, or pull it again with --force."


def read_model_yaml(path: Path) -> ModelInfo:
    """Reads one model.yaml; raises BrokenModelError with a sentence that says what is wrong with it.

    Legacy forms are read (contract 5.3): no signatures, a top-level bentoml_version, context.pip_dependencies.
    A creation_time without a zone is UTC; one in the first or last day that there is moves out of it.
    """
    try:
        data = _read(path)
    except FileNotFoundError as error:
        raise BrokenModelError(f"{path.parent} has no {MODEL_YAML}.", hint=_HINT) from error
    except OSError as error:
        raise _broken(path, f"cannot be read: {error.strerror or error}") from error
    return parse_model_yaml(data, path)


def parse_model_yaml(data: bytes, path: Path) -> ModelInfo:
    """Reads the content of a model.yaml; `path` is only for the sentence of the BrokenModelError."""
    try:
        document = load_yaml(data)
    except NotYamlError as error:
        raise _broken(path, str(error)) from error
    if not isinstance(document, dict):
        raise _broken(path, "is not a mapping of names to values")
    values = _Values(document, path)
    context = values.mapping("context")
    if "framework_name" not in context:
        raise _broken(path, "lacks context.framework_name")
    if "pip_dependencies" in context:
        context = {key: value for key, value in context.items() if key != "pip_dependencies"}
        context["framework_versions"] = {}
    elif context.get("framework_versions") is None:
        raise _broken(path, "lacks context.framework_versions")
    return ModelInfo(
        tag=values.tag(),
        module=values.scalar("module"),
        labels=values.labels(),
        options=values.mapping("options"),
        metadata=values.metadata(),
        context=context,
        signatures=values.mapping("signatures") if "signatures" in document else {},
        api_version=values.scalar("api_version"),
        creation_time=values.creation_time(),
    )


def _read(path: Path) -> bytes:
    # O_NONBLOCK: a pipe of that name must not hang the whole list
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise _broken(path, "is not a file")
        if facts.st_size > _SIZE_MAX:
            raise _broken(path, f"is larger than {_SIZE_MAX // 1024 // 1024} MiB")
        return os.read(handle, facts.st_size)
    finally:
        os.close(handle)


class _Values:
    """The top-level values of one model.yaml, each asked for by what it must be."""

    def __init__(self, document: Mapping[object, object], path: Path) -> None:
        self._document = document
        self._path = path
        self._budget = _Budget(path)

    def tag(self) -> Tag:
        for key in ("name", "version"):
            if not isinstance(self._required(key), str):
                raise _broken(self._path, f"has a {key} that is not text: put it in quotes")
        try:
            return Tag.of(str(self._document["name"]), str(self._document["version"]))
        except InvalidTagError as error:
            raise _broken(self._path, f"names no valid tag: {error.message.rstrip('.')}") from error

    def scalar(self, key: str) -> str:
        value = self._required(key)
        if isinstance(value, Mapping | list):
            raise _broken(self._path, f"has a {key} that is not text")
        return "" if value is None else str(value)

    def mapping(self, key: str) -> dict[str, Json]:
        value = self._required(key)
        if not isinstance(value, Mapping):
            raise _broken(self._path, f"has {key} that are not a mapping")
        return self._budget.mapping(value, depth=0)

    def labels(self) -> dict[str, str]:
        value = self._required("labels")
        if not isinstance(value, Mapping):
            raise _broken(self._path, "has labels that are not a mapping")
        self._budget.mapping(value, depth=0)  # text made of a value that unfolds without end would not fit in memory
        return {str(key): str(item) for key, item in value.items()}

    def metadata(self) -> dict[str, Json]:
        """Refuses null at any depth: at one such version bentoml stops listing the whole store."""
        found = self.mapping("metadata")
        for key, value in found.items():
            if _holds_null(value):
                raise _broken(self._path, f"has metadata without a value in {key!r:.40}, at which bentoml stops")
        return found

    def creation_time(self) -> datetime:
        value = self._required("creation_time")
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else value
            if not isinstance(moment, datetime):
                raise _broken(self._path, "has a creation_time that is not a moment")
            utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
            return min(max(utc, _FIRST_MOMENT), _LAST_MOMENT)
        except (ValueError, OverflowError) as error:
            raise _broken(self._path, f"has a creation_time that is not a moment: {value!s:.40}") from error

    def _required(self, key: str) -> object:
        if key not in self._document:
            raise _broken(self._path, f"lacks {key}")
        return self._document[key]


class _Budget:
    """Turns YAML values into JSON values, and stops at documents that unfold into more than a model has."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._left = _VALUES_MAX

    def mapping(self, value: Mapping[object, object], depth: int) -> dict[str, Json]:
        return {_key(key): self.json(item, depth + 1) for key, item in value.items()}

    def json(self, value: object, depth: int) -> Json:
        self._left -= 1
        if self._left < 0 or depth > _DEPTH_MAX:
            raise _broken(self._path, "unfolds into more values than a model has")
        match value:
            case None | bool() | str():
                return value
            case int():
                return value if value.bit_length() <= _INT_BITS_MAX else hex(value)
            case float():
                return value if isfinite(value) else str(value)
            case date():
                return value.isoformat()
            case bytes():
                return base64.b64encode(value).decode("ascii")
            case Mapping():
                return self.mapping(value, depth)
            case list() | tuple():
                return [self.json(item, depth + 1) for item in value]
            case set():
                return sorted((self.json(item, depth + 1) for item in value), key=str)
            case _:
                return str(value)


def _holds_null(value: Json) -> bool:
    match value:
        case None:
            return True
        case list():
            return any(_holds_null(each) for each in value)
        case dict():
            return any(_holds_null(each) for each in value.values())
        case _:
            return False


def _key(value: object) -> str:
    match value:
        case str():
            return value
        case None:
            return "null"
        case bool():  # as JSON writes a key that is none
            return str(value).lower()
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _broken(path: Path, what: str) -> BrokenModelError:
    return BrokenModelError(f"{path} {what}.", hint=_HINT)
