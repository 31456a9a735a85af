"""The registry's JSON, read once at the door into values that the rest of the program can rely on.

Whatever the server sends, reading does not crash: null, a missing key and a wrong type all read as "not known"
(registry contract 1.3). What cannot be a registry's answer at all raises ValueError; failures.py makes it an error.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, NewType, TypeVar

from modelsync.model import Json, Organization, RemoteModel, UploadStatus, User
from modelsync.registry.dates import read_date

T = TypeVar("T")

UploadId = NewType("UploadId", str)
"""Names a multipart upload; only its client remembers it (contract, fact 18)."""
ETag = NewType("ETag", str)
"""What the object store answered for a part, verbatim, with its quotes (contract 4.3)."""

SIZE_MAX = 2**63 - 1
"""Larger numbers are not sizes."""
VALUES_MAX = 4_000_000
"""Values and brackets of one reply. As many as the longest reply may have would be gigabytes of objects, and every
other thread, the screen's too, would wait half a minute while they are made; 200 rows of any real size have fewer."""


@dataclass(frozen=True, slots=True)
class CompletedPart:
    """A part that the object store has taken."""

    number: int
    """Counted from 1."""
    etag: ETag


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A piece of a list."""

    total: int
    """How many there are in the whole list."""
    start: int
    """Place of the first item of this page in the whole list, from 0."""
    items: tuple[T, ...]
    unreadable: int = 0
    """Entries of this page that have no name or are no objects; they count for paging, but cannot be shown."""

    @property
    def next_start(self) -> int | None:
        """Where the next page starts; None when this one ends the list."""
        received = len(self.items) + self.unreadable
        after = self.start + received
        return after if received and after < self.total else None


def parse_json(body: bytes) -> Json:
    """Parses a reply; raises ValueError when it is no JSON, or JSON that is nested or split up beyond reason."""
    if len(body) > VALUES_MAX and sum(map(body.count, (b",", b"[", b"{"))) > VALUES_MAX:
        raise ValueError("JSON of too many values")
    try:
        text = body.decode("utf-8", errors="replace")
        value: Json = json.loads(text, parse_constant=lambda _name: None)
        if "\\ud" in text or "\\uD" in text:
            value = _without_lone_surrogates(value)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None
    return value


def read_remote_model(value: Json, name: str = "") -> RemoteModel:
    """A ModelSchema; `name` is the repository's where the reply does not carry it (contract, fact 7).

    Raises ValueError for something that names no version.
    """
    model = _object(value)
    name = name or text_of(_object(model.get("repository")).get("name"))
    version = text_of(model.get("version")) or text_of(model.get("name"))
    if not name or not version:
        raise ValueError("an entry without a name or a version")
    manifest = _object(model.get("manifest"))
    creator = _object(model.get("creator"))
    strategy = model.get("transmission_strategy")
    return RemoteModel(
        name=name,
        version=version,
        uid=text_of(model.get("uid")),
        status=_status(model.get("upload_status")),
        status_reason=text_of(model.get("upload_finished_reason")),
        size_bytes=_size(manifest.get("size_bytes")),
        build_at=read_date(model.get("build_at")),
        created_at=read_date(model.get("created_at")),
        upload_started_at=read_date(model.get("upload_started_at")),
        upload_finished_at=read_date(model.get("upload_finished_at")),
        creator_name=text_of(creator.get("name")),
        creator_email=text_of(creator.get("email")),
        labels=_labels(model.get("labels")),
        module=text_of(manifest.get("module")),
        metadata=_object(manifest.get("metadata")),
        context=_object(manifest.get("context")),
        options=_object(manifest.get("options")),
        description=text_of(model.get("description")),
        transmission_strategy=strategy if isinstance(strategy, str) and strategy else None,
    )


def read_page(value: Json, start: int, read_item: Callable[[Json], T]) -> Page[T]:
    """A list; an entry that cannot be read is counted, never fatal. Raises ValueError for something that is no list."""
    reply = _object(value)
    entries = reply.get("items")
    if not isinstance(entries, list):
        if entries is not None or "total" not in reply:
            raise ValueError("no list of items")
        entries = []  # an empty list may be written as null
    items: list[T] = []
    for entry in entries:
        try:
            items.append(read_item(entry))
        except ValueError:
            continue
    total = _size(reply.get("total"))
    least = start + len(entries)
    return Page(least if total is None else max(total, least), start, tuple(items), len(entries) - len(items))


def read_user(value: Json) -> User:
    """A UserSchema; raises ValueError for something that names nobody."""
    user = _object(value)
    name, email = text_of(user.get("name")), text_of(user.get("email"))
    if not name and not email:
        raise ValueError("a user without a name")
    return User(name=name or email, email=email)


def read_organization(value: Json) -> Organization:
    """An OrganizationSchema; only its name is kept, for its `config` may hold storage secrets (contract 1.1, row 2)."""
    name = text_of(_object(value).get("name"))
    if not name:
        raise ValueError("an organization without a name")
    return Organization(name)


def read_bento(value: Json) -> str:
    """`repository:version` of a BentoSchema with its repository."""
    bento = _object(value)
    name = text_of(_object(bento.get("repository")).get("name"))
    version = text_of(bento.get("version")) or text_of(bento.get("name"))
    if not version:
        raise ValueError("a bento without a version")
    return f"{name}:{version}" if name else version


def read_name(value: Json) -> str:
    """The name of anything that has one."""
    name = text_of(_object(value).get("name"))
    if not name:
        raise ValueError("an entry without a name")
    return name


def read_label_values(value: Json) -> Mapping[str, tuple[str, ...]]:
    """Every label key in use, with the values it has been given."""
    if value is None:
        return {}
    if not isinstance(value, list):
        raise ValueError("no list of labels")
    found: dict[str, tuple[str, ...]] = {}
    for entry in value:
        label = _object(entry)
        values = label.get("values")
        if key := text_of(label.get("key")):
            found[key] = tuple(text_of(each) for each in values) if isinstance(values, list) else ()
    return found


def read_field(value: Json, key: str) -> str:
    """A text field of an object, empty where there is none; raises ValueError for something that is no object."""
    if not isinstance(value, dict):
        raise ValueError("no object")
    return text_of(value.get(key))


def text_of(value: Json) -> str:
    """Text as it is, a number or a truth value as JSON writes it, and nothing for null or for something larger."""
    match value:
        case str():
            return value
        case bool() | int() | float():
            return json.dumps(value)
        case _:
            return ""


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _size(value: Json) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= SIZE_MAX:
        return None
    return int(value)


_STATUSES = {status.value: status for status in UploadStatus}


def _status(value: Json) -> UploadStatus:
    return _STATUSES.get(value, UploadStatus.UNKNOWN) if isinstance(value, str) else UploadStatus.UNKNOWN


def _labels(value: Json) -> dict[str, str]:
    labels: dict[str, str] = {}
    for entry in value if isinstance(value, list) else []:
        label = _object(entry)
        if key := text_of(label.get("key")):
            labels.setdefault(key, text_of(label.get("value")))  # newest first
    return labels


def _without_lone_surrogates(value: Json) -> Json:
    """JSON can spell half a character; nothing that writes text (a terminal, a URL, a file) can take one."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_without_lone_surrogates(each) for each in value]
        case dict():
            return {str(_without_lone_surrogates(key)): _without_lone_surrogates(each) for key, each in value.items()}
        case _:
            return value
