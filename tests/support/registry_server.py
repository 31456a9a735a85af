"""A registry of our own, running in the test's process on a free port, and the calls that tests make on it by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from modelsync_registry.config import RegistryConfig
from modelsync_registry.faults import Faults
from modelsync_registry.jsontypes import Json, JsonObject
from modelsync_registry.server import RunningRegistry
from modelsync_registry.tokens import TokenGrant

TOKEN = "tok-mia-0123456789"
TOM_TOKEN = "tok-tom-0123456789"
READ_TOKEN = "tok-read-0123456789"
EXPIRED_TOKEN = "tok-expired-0123456789"

TOKENS = (
    TokenGrant(token=TOKEN, user="mia", email="mia@acme.io"),
    TokenGrant(token=TOM_TOKEN, user="tom", email="tom@acme.io"),
    TokenGrant(token=READ_TOKEN, user="ria", email="ria@acme.io", scopes=frozenset({"read_organization"})),
    TokenGrant(token=EXPIRED_TOKEN, user="old", email="old@acme.io", expires_at=datetime(2020, 1, 1, tzinfo=UTC)),
)

PART_SIZE_MIN = 64 * 1024  # bytes; so that tests need no parts of 5 MiB


@dataclass(slots=True)
class MovableClock:
    """The time, and a way to let it pass without waiting."""

    offset: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def advance(self, seconds: float) -> None:
        self.offset += timedelta(seconds=seconds)


class RegistryServer:
    """One registry for one test, in a directory of its own; it can be stopped and started again on the same port."""

    def __init__(self, config: RegistryConfig, clock: MovableClock) -> None:
        self.config = config
        self.clock = clock
        self._running = RunningRegistry(config)
        self.url = self._running.url
        self.api = client(self.url)

    @property
    def faults(self) -> Faults:
        return self.config.faults

    @property
    def data(self) -> Path:
        return self.config.data

    def set_tokens(self, *tokens: TokenGrant) -> None:
        """From now on these are all the tokens there are."""
        self._running.set_tokens(tokens)

    def stop(self) -> None:
        """Running transfers are cut, then nobody answers at the address."""
        self._running.stop()

    def start(self) -> None:
        """Serves the same data at the same address again."""
        self._running = RunningRegistry(replace(self.config, port=int(httpx.URL(self.url).port or 0)))

    def close(self) -> None:
        self.api.close()
        self.stop()


RegistryFactory = Callable[..., RegistryServer]


@pytest.fixture(scope="session")
def close_later() -> Iterator[Callable[[RegistryServer], None]]:
    """Ends registries beside the tests: uvicorn takes a fifth of a second to stop, which no test needs to wait for."""
    closing: list[Future[None]] = []
    with ThreadPoolExecutor(4, thread_name_prefix="closing-registries") as threads:
        yield lambda server: closing.append(threads.submit(server.close))
    for future in closing:
        future.result()


@pytest.fixture
def make_registry(
    tmp_path_factory: pytest.TempPathFactory, close_later: Callable[[RegistryServer], None]
) -> Iterator[RegistryFactory]:
    """Starts registries; keyword arguments are fields of `RegistryConfig`. They end with the test."""
    started: list[RegistryServer] = []

    def make(**settings: object) -> RegistryServer:
        clock = MovableClock()
        defaults: dict[str, object] = {
            "data": tmp_path_factory.mktemp("registry"),
            "tokens": TOKENS,
            "part_size_min": PART_SIZE_MIN,
            "sync": False,
            "clock": clock,
        }
        server = RegistryServer(RegistryConfig(**(defaults | settings)), clock)  # type: ignore[arg-type]
        started.append(server)
        return server

    yield make
    for server in started:
        close_later(server)


@pytest.fixture
def registry_server(make_registry: RegistryFactory) -> RegistryServer:
    """A registry with the default settings: strategy presigned_url, small parts allowed, TOKENS known."""
    return make_registry()


def client(url: str, token: str | None = TOKEN, version: str | None = "1.4.39") -> httpx.Client:
    """A plain HTTP client that sends what the real `bentoml` sends."""
    headers = {}
    if token is not None:
        headers["X-YATAI-API-TOKEN"] = token
    if version is not None:
        headers["X-Bentoml-Version"] = version
    return httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30)


def json_of(response: httpx.Response) -> JsonObject:
    """The answer's object; fails with the answer's text unless the status is 200."""
    assert response.status_code == 200, f"{response.status_code}: {response.text}"
    body: Json = response.json()
    assert isinstance(body, dict)
    return body


def text_of(body: JsonObject, key: str) -> str:
    value = body[key]
    assert isinstance(value, str)
    return value


def items_of(response: httpx.Response) -> list[JsonObject]:
    """The rows of a list."""
    items = json_of(response)["items"]
    assert isinstance(items, list)
    return [item for item in items if isinstance(item, dict)]


def repository_path(name: str) -> str:
    return f"/api/v1/model_repositories/{name}"


def model_path(name: str, version: str) -> str:
    return f"{repository_path(name)}/models/{version}"


def register_model(
    api: httpx.Client,
    name: str,
    version: str,
    *,
    build_at: str = "2026-11-22 07:35:54.512873",
    labels: dict[str, str] | None = None,
    module: str = "",
    size_bytes: int = 0,
) -> str:
    """Registers a version, with its repository when that is missing; the model's path."""
    if api.get(repository_path(name)).status_code == 404:
        json_of(api.post("/api/v1/model_repositories", json={"name": name, "description": ""}))
    body = {
        "version": version,
        "description": "",
        "manifest": {
            "module": module,
            "api_version": "v1",
            "bentoml_version": "1.4.39",
            "size_bytes": size_bytes,
            "metadata": {},
            "context": {"framework_name": "", "framework_versions": {}, "python_version": "3.11.7"},
            "options": {},
        },
        "build_at": build_at,
        "labels": [{"key": key, "value": value} for key, value in (labels or {}).items()],
    }
    json_of(api.post(f"{repository_path(name)}/models", json=body))
    return model_path(name, version)


def presign_part(api: httpx.Client, model: str, upload_id: str, number: int) -> str:
    answer = json_of(
        api.patch(f"{model}/presign_multipart_upload_url", json={"upload_id": upload_id, "part_number": number})
    )
    return text_of(answer, "presigned_upload_url")


def presign_get(api: httpx.Client, model: str) -> str:
    return text_of(json_of(api.patch(f"{model}/presign_download_url")), "presigned_download_url")


def start_multipart(api: httpx.Client, model: str) -> str:
    return text_of(json_of(api.patch(f"{model}/start_multipart_upload")), "upload_id")


def complete(api: httpx.Client, model: str, upload_id: str, etags: Sequence[tuple[int, str]]) -> httpx.Response:
    parts = [{"part_number": number, "etag": etag} for number, etag in etags]
    return api.patch(f"{model}/complete_multipart_upload", json={"upload_id": upload_id, "parts": parts})


def put_object(api: httpx.Client, model: str, parts: Sequence[bytes]) -> None:
    """Uploads a model's object in these parts, and finishes the upload."""
    json_of(api.patch(f"{model}/start_upload"))
    upload_id = start_multipart(api, model)
    etags: list[tuple[int, str]] = []
    for number, part in enumerate(parts, start=1):
        answer = httpx.put(presign_part(api, model, upload_id, number), content=part, trust_env=False)
        assert answer.status_code == 200, answer.text
        etags.append((number, answer.headers["ETag"]))
    json_of(complete(api, model, upload_id, etags))
    json_of(api.patch(f"{model}/finish_upload", json={"status": "success", "reason": ""}))


def md5_etag(data: bytes) -> str:
    """The ETag of a part, in its quotes."""
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
