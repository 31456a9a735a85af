"""One request to the registry and one reply of it, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from modelsync.errors import RemoteModelNotFoundError
from modelsync.registry.bodies import Body
from modelsync.tag import Tag


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """What is asked of the registry."""

    method: str
    route: str
    """Path below the endpoint, already percent-encoded."""
    params: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    subject: str = ""
    """The model or version that it is about, for messages; a 404 then means that this is not there."""
    about: str = ""
    """What is asked, for messages: `to register m:v`."""
    touches_storage: bool = False
    """The registry asks its object store for it, whose trouble it answers as 400 (contract 3.4, 25)."""
    repeatable: bool = True
    """Making it twice does no harm."""

    @property
    def of_subject(self) -> str:
        return f" of {self.subject}" if self.subject else ""


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """What came back, read to its end (or, when it is a refusal, to its first 64 KiB)."""

    status: int
    body: bytes = b""
    content_type: str = ""
    trace_id: str = ""
    """Names the call in the registry's own logs; empty when it gave none."""
    retry_after_s: float | None = None
    location: str = ""

    @property
    def is_web_page(self) -> bool:
        return "html" in self.content_type.lower() or self.body.lstrip()[:1] == b"<"


REPOSITORIES_PATH = "/api/v1/model_repositories"


def repository_path(name: str) -> str:
    """The path of a model's name."""
    return f"{REPOSITORIES_PATH}/{segment(name)}"


def version_path(tag: Tag) -> str:
    """The path of one version."""
    return f"{repository_path(tag.name)}/models/{segment(tag.version)}"


def on_version(method: str, tag: Tag, action: str, *, about: str, body: Body | None = None) -> Call:
    """A call on one version; `about` is told with the tag behind it."""
    return Call(method, version_path(tag) + action, body=body, subject=str(tag), about=f"{about} {tag}")


def on_storage(tag: Tag, action: str, *, about: str, body: Body | None = None, repeatable: bool = True) -> Call:
    """A call on one version for which the registry asks its object store."""
    call = on_version("PATCH", tag, action, about=about, body=body)
    return replace(call, touches_storage=True, repeatable=repeatable)


def segment(text: str) -> str:
    """A name or a version as one piece of a path; raises RemoteModelNotFoundError for an empty one.

    The registry takes any characters (contract 5.2); dots alone are escaped too, for clients fold them as folders.
    """
    if not text:
        raise RemoteModelNotFoundError("A model without a name cannot be asked for.", hint="Choose another one.")
    return quote(text, safe="") if text.strip(".") else text.replace(".", "%2E")
