"""`Registry`: the endpoints of a BentoCloud or Yatai registry that moving and browsing models need, one method each.

No policy lives here: what to send, when to skip and what to do about a failure is sync's to say. Facts and
numbers in the docstrings are the registry contract's.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.errors import NotFoundError, RegistryRefusedError
from modelsync.http.stopping import Stop
from modelsync.model import Json, ModelInfo, Organization, RemoteModel, UploadStatus, User
from modelsync.registry import bodies, schemas
from modelsync.registry.calls import (
    REPOSITORIES_PATH,
    Call,
    on_storage,
    on_version,
    repository_path,
    version_path,
)
from modelsync.registry.endpoint import check_data_address
from modelsync.registry.paging import each_once
from modelsync.registry.reading import PAGE_COUNT, WHOLE_LIST_PAGE_COUNT, page_params, read, read_page, read_whole_list
from modelsync.registry.retry import Backoff, Waiting
from modelsync.registry.schemas import CompletedPart, Page, UploadId
from modelsync.registry.targets import DataTarget
from modelsync.registry.wire import Wire
from modelsync.tag import Tag

LATEST_PAGE_COUNT = 10

_MODELS = "/api/v1/models"


class Registry:
    """One registry, seen with one account; every method blocks and is safe to call from several threads.

    Transient failures (no connection, 408, 425, 429, 5xx, storage trouble told as 400) are tried again with growing
    waits, five times in six seconds or so; where nothing listens and nothing ever answered, three times in about one.
    `control` on a call lets a person's cancel or pause end it at once. Any method may raise UnreachableError and
    its kinds, TokenRefusedError, PermissionDeniedError and RegistryRefusedError; those that name a version or a model,
    where nothing else is said, RemoteModelNotFoundError.
    """

    def __init__(
        self,
        account: Account,
        *,
        ca_file: Path | None = None,
        timeout_s: float = 60.0,
        backoff: Backoff | None = None,
        sleep: Callable[[float], None] = time.sleep,
        waiting: Waiting | None = None,
    ) -> None:
        """Connects to nothing yet. `waiting` is told in a sentence, on the caller's thread, when a call is tried again.

        Raises UsageError for an endpoint that is no address, or plain http to another machine unless the context
        allows it; TokenRefusedError for a token that no header can carry; SettingsError for an unreadable `ca_file`.
        """
        self._context = account.context
        self._wire = Wire(
            account.context,
            account.token,
            ca_file=ca_file,
            timeout_s=timeout_s,
            backoff=backoff or Backoff(),
            sleep=sleep,
            waiting=waiting,
        )
        if account.source is TokenSource.ENVIRONMENT:  # it would win over a new sign-in, too
            self._wire.failures.new_token_hint = (
                "It is that of BENTO_CLOUD_API_KEY: give that another one, or unset it."
            )
        self._renewals = 0

    @property
    def context(self) -> Context:
        return self._context

    @property
    def host(self) -> str:
        """Host and port, for a message."""
        return self._wire.host

    @property
    def renewals(self) -> int:
        """How often the token was replaced: a refusal is old news when this has grown since the call began."""
        return self._renewals

    def renew(self, token: Token) -> None:
        """From now on every call, also of transfers that run, carries this token.

        Raises TokenRefusedError for one that no header can carry.
        """
        self._wire.renew(token)
        self._renewals += 1

    def close(self) -> None:
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def current_user(self, *, control: Stop | None = None) -> User:
        """Who the token belongs to."""
        return read(self._wire, Call("GET", "/api/v1/auth/current", about="the token"), schemas.read_user, control)

    def current_organization(self, *, control: Stop | None = None) -> Organization:
        """Where models go: the context's organization, or the registry's choice without one (contract, fact 5)."""
        call = Call("GET", "/api/v1/current_org", about="to name the organization")
        return read(self._wire, call, schemas.read_organization, control)

    def organizations(self, *, control: Stop | None = None) -> tuple[Organization, ...]:
        """Those the user belongs to."""
        call = Call("GET", "/api/v1/orgs", about="to list organizations")
        return tuple(read_whole_list(self._wire, call, schemas.read_organization, control))

    def models(
        self, *, start: int = 0, count: int = PAGE_COUNT, search: str = "", query: str = "", control: Stop | None = None
    ) -> Page[RemoteModel]:
        """A page of all versions of all models, newest build first, whatever their upload status.

        `search` is a piece of a model's name, in its case; `query` is the language of query.py. Offsets shift when
        someone pushes meanwhile, and equal build times may repeat or skip rows (contract 2): fold rows by tag.
        """
        params = page_params(start, count, search=search, query=_checked(query))
        call = Call("GET", _MODELS, params, about="to list models")
        return read_page(self._wire, call, start, schemas.read_remote_model, control)

    def versions(
        self, name: str, *, start: int = 0, count: int = PAGE_COUNT, query: str = "", control: Stop | None = None
    ) -> Page[RemoteModel]:
        """A page of one model's versions, newest build first. Yatai ignores `query` here (contract 2)."""
        params = page_params(start, count, query=_checked(query))
        call = Call("GET", f"{repository_path(name)}/models", params, subject=name, about=f"to list {name}")
        return read_page(self._wire, call, start, lambda value: schemas.read_remote_model(value, name), control)

    def all_models(
        self, *, search: str = "", query: str = "", count: int = WHOLE_LIST_PAGE_COUNT, control: Stop | None = None
    ) -> Iterator[RemoteModel]:
        """Every version of every model, page by page, each tag once; also while the list changes."""

        def page_at(start: int, count: int) -> Page[RemoteModel]:
            return self.models(start=start, count=count, search=search, query=query, control=control)

        return each_once(page_at, count)

    def all_versions(
        self, name: str, *, query: str = "", count: int = WHOLE_LIST_PAGE_COUNT, control: Stop | None = None
    ) -> Iterator[RemoteModel]:
        """Every version of one model, page by page, each once; also while the list changes."""

        def page_at(start: int, count: int) -> Page[RemoteModel]:
            return self.versions(name, start=start, count=count, query=query, control=control)

        return each_once(page_at, count)

    def latest(self, name: str, query: str = "", *, control: Stop | None = None) -> RemoteModel | None:
        """The newest build whose upload succeeded and that the query means; None without one, or without such a model.

        The list holds failed and unfinished uploads too, which its first row may be (contract, fact 26). Where nothing
        succeeded but the name is a HuggingFace reference (whose status stays pending), the newest reference.
        """
        from modelsync.registry.query import Query

        wanted = Query.parse(query)
        reference: RemoteModel | None = None
        start: int | None = 0
        while start is not None:
            try:
                page = self.versions(name, start=start, count=LATEST_PAGE_COUNT, query=query, control=control)
            except NotFoundError:
                return None
            meant = [model for model in page.items if wanted.accepts(model)]
            whole = [model for model in meant if model.status is UploadStatus.SUCCESS]
            if whole:
                return max(whole, key=_built)
            reference = reference or next((model for model in meant if model.is_reference), None)
            start = page.next_start
        return reference

    def labels(self, *, control: Stop | None = None) -> Mapping[str, tuple[str, ...]]:
        """Every label key that models carry, with the values in use."""
        call = Call("GET", "/api/v1/labels", {"resource_type": "model"}, about="to list labels")
        return read(self._wire, call, schemas.read_label_values, control)

    def repository_exists(self, name: str, *, control: Stop | None = None) -> bool:
        """Whether the registry knows the model's name."""
        try:
            self._wire.ask(Call("GET", repository_path(name), subject=name, about=f"to look for {name}"), control)
        except NotFoundError:
            return False
        return True

    def create_repository(self, name: str, *, control: Stop | None = None) -> None:
        """Registers a model's name; that it is there already, also by a race, is fine (contract, fact 12)."""
        call = Call("POST", REPOSITORIES_PATH, body=bodies.repository(name), about=f"to register {name}")
        try:
            self._wire.ask(call, control)
        except RegistryRefusedError:
            if not self.repository_exists(name, control=control):
                raise

    def model(self, tag: Tag, *, control: Stop | None = None) -> RemoteModel | None:
        """The record of one version; None where there is none."""
        call = Call("GET", version_path(tag), subject=str(tag), about=f"to look for {tag}")
        try:
            return self._read_model(call, tag, control)
        except NotFoundError:
            return None

    def create_model(self, tag: Tag, info: ModelInfo, size_bytes: int, *, control: Stop | None = None) -> RemoteModel:
        """Registers a version of a registered name; `size_bytes` is the sum of its files.

        Refused because someone was faster (or our own lost request was): the record that is there now.
        """
        route = f"{repository_path(tag.name)}/models"
        body = bodies.model(info, size_bytes)
        call = Call("POST", route, body=body, subject=tag.name, about=f"to register {tag}")
        try:
            return self._read_model(call, tag, control)
        except RegistryRefusedError:
            there = self.model(tag, control=control)
            if there is None:
                raise
            return there

    def update_record(self, tag: Tag, info: ModelInfo, size_bytes: int, *, control: Stop | None = None) -> None:
        """Brings the record up to the local version; Yatai replaces the labels only, the rest stays old (fact 23)."""
        body = bodies.record(info, size_bytes)
        self._wire.ask(on_version("PATCH", tag, "", body=body, about="to update"), control)

    def bentos_using(self, tag: Tag, *, control: Stop | None = None) -> tuple[str, ...]:
        """Bentos in the registry that hold this version."""
        call = on_version("GET", tag, "/bentos", about="to list bentos of")
        return tuple(read_whole_list(self._wire, call, schemas.read_bento, control))

    def deployments_using(self, tag: Tag, *, control: Stop | None = None) -> tuple[str, ...]:
        """Deployments that serve this version."""
        call = on_version("GET", tag, "/deployments", about="to list deployments of")
        return tuple(read_whole_list(self._wire, call, schemas.read_name, control))

    def start_upload(self, tag: Tag, *, control: Stop | None = None) -> None:
        """Marks the version as uploading. Its reply holds the old status (contract 3.2) and is not read."""
        self._wire.ask(on_version("PATCH", tag, "/start_upload", about="to begin the upload of"), control)

    def finish_upload(self, tag: Tag, ok: bool, reason: str = "", *, control: Stop | None = None) -> None:
        """Marks the version as complete or failed. The server believes it unchecked (contract, fact 14)."""
        body = bodies.finish(ok, reason)
        call = on_version("PATCH", tag, "/finish_upload", body=body, about="to end the upload of")
        self._wire.ask(call, control)

    def presign_upload(self, tag: Tag, *, control: Stop | None = None) -> DataTarget | None:
        """An address for the whole archive in one PUT, good for an hour; None: use `proxy_upload`."""
        return self._presigned("/presign_upload_url", "presigned_upload_url", tag, control)

    def presign_download(self, tag: Tag, *, control: Stop | None = None) -> DataTarget | None:
        """An address to GET the archive from, ranges included, good for an hour; None: use `proxy_download`.

        It is given out without a look whether the object is there (contract, fact 17).
        """
        return self._presigned("/presign_download_url", "presigned_download_url", tag, control)

    def start_multipart(self, tag: Tag, *, control: Stop | None = None) -> UploadId:
        """Begins an upload in parts; the id is known to nobody else, and nothing can end it but completing."""
        call = on_storage(tag, "/start_multipart_upload", about="to begin an upload in parts of")
        upload_id = read(self._wire, call, lambda value: schemas.read_field(value, "upload_id"), control)
        if not upload_id:
            raise self._gave_nothing("no upload id", tag)
        return UploadId(upload_id)

    def presign_part(self, tag: Tag, upload_id: UploadId, number: int, *, control: Stop | None = None) -> DataTarget:
        """An address for one part, from 1 to 10,000, good for an hour."""
        body = bodies.part(upload_id, number)
        call = on_storage(tag, "/presign_multipart_upload_url", body=body, about=f"an address for part {number} of")
        target = self._target(call, "presigned_upload_url", control)
        if target is None:
            raise self._gave_nothing(f"no address for part {number}", tag)
        return target

    def complete_multipart(
        self, tag: Tag, upload_id: UploadId, parts: Sequence[CompletedPart], *, control: Stop | None = None
    ) -> None:
        """Makes the object out of all its parts, replacing the old one in one step. Only call it with every part.

        Not made again blindly: the second of two is refused though the first may have worked. Raises AnswerLostError
        when it cannot be known whether it worked, and UploadGoneError for an id that the store does not know, also
        because it was completed before; look for the object then (contract 3.2, "Completing twice"). Raises
        RegistryRefusedError, unsent, when the list of parts is more than a registry takes (256 KiB, some 3,900 parts).
        """
        ascending = sorted(parts, key=lambda part: part.number)
        if [part.number for part in ascending] != list(range(1, len(parts) + 1)) or not parts:
            raise ValueError("parts are numbered from 1, each once, without a gap")
        body = bodies.completion(upload_id, ascending)
        if len(bodies.encode(body)) > bodies.BODY_MAX_BYTES:
            raise RegistryRefusedError(
                f"{tag} was sent in {len(parts)} parts, more than {self.host} can be told of.",
                hint="Push it again: larger parts are fewer.",
            )
        about = "to complete the upload of"
        self._wire.ask(on_storage(tag, "/complete_multipart_upload", body=body, about=about, repeatable=False), control)

    def proxy_upload(self, tag: Tag) -> DataTarget:
        """The registry's own route for a PUT of the whole archive; always send Content-Length (contract 3.4, 27)."""
        return self._own_route(tag, "/upload")

    def proxy_download(self, tag: Tag) -> DataTarget:
        """The registry's own route for a GET of the archive: no length, no ranges, rubbish behind a cut (fact 21)."""
        return self._own_route(tag, "/download")

    def _own_route(self, tag: Tag, action: str) -> DataTarget:
        return DataTarget(f"{self._wire.endpoint}{version_path(tag)}{action}", dict(self._wire.headers))

    def _presigned(self, action: str, key: str, tag: Tag, control: Stop | None) -> DataTarget | None:
        return self._target(on_storage(tag, action, about="an address for"), key, control)

    def _target(self, call: Call, key: str, control: Stop | None) -> DataTarget | None:
        def target_of(value: Json) -> DataTarget | None:
            url = schemas.read_field(value, key)
            if not url:
                return None
            target = DataTarget.presigned_at(url)
            check_data_address(url, plain_http=self._context.plain_http)
            return target

        return read(self._wire, call, target_of, control)

    def _read_model(self, call: Call, tag: Tag, control: Stop | None) -> RemoteModel:
        return read(self._wire, call, lambda value: schemas.read_remote_model(value, tag.name), control)

    def _gave_nothing(self, what: str, tag: Tag) -> RegistryRefusedError:
        return RegistryRefusedError(
            f"{self.host} gave {what} for {tag}.", hint="It may be able to take whole archives only."
        )


def _built(model: RemoteModel) -> float:
    moment = model.build_at or model.created_at
    return moment.timestamp() if moment else 0.0


def _checked(query: str) -> str:
    """A search as the registry reads it; raises UsageError for what it cannot read."""
    if not query:
        return ""
    from modelsync.registry.query import Query  # only to search: moving models does without

    return str(Query.parse(query))
