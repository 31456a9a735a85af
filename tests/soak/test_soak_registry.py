"""A registry alone, with clients that begin and never end, come at once, are cut off, and talk rubbish."""

import hashlib
import logging
import random
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import pytest

from support.registry_server import (
    PART_SIZE_MIN,
    RegistryFactory,
    RegistryServer,
    client,
    complete,
    model_path,
    presign_get,
    presign_part,
    register_model,
    start_multipart,
)
from support.soaking import rounds

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]

CLIENTS = 6
STEPS = 120
MODELS = [("bert", f"v{number}") for number in range(4)]
HOUR_S = 3600.0
OF_STOPPING = "timeout graceful shutdown exceeded"
"""What is logged of requests that a stop did not wait for."""
ENDED = (httpx.TransportError, OSError, AssertionError)
"""A call that met a registry that was just stopped, or a refusal that is right."""


@dataclass(slots=True)
class World:
    """The registry, and every content that may be anywhere in it."""

    server: RegistryServer
    contents: dict[str, set[str]] = field(default_factory=lambda: {model_path(*model): set() for model in MODELS})
    """By path of the model: digests of what somebody asked to be its object."""
    open_uploads: list[tuple[str, str, list[tuple[int, str]], bytes]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    wrong: list[str] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)
    answers: threading.Event = field(default_factory=threading.Event)
    """Set while the registry runs."""

    def may_become(self, model: str, data: bytes) -> None:
        with self.lock:
            self.contents[model].add(hashlib.sha256(data).hexdigest())

    def count(self, what: str) -> None:
        with self.lock:
            self.done[what] = self.done.get(what, 0) + 1


def parts_of(luck: random.Random) -> list[bytes]:
    count = luck.choice((1, 1, 2, 5))
    sizes = [PART_SIZE_MIN + luck.randrange(200_000) for _ in range(count - 1)] + [luck.choice((0, 1, 70_000, 900_000))]
    return [luck.randbytes(size) for size in sizes]


def begin(world: World, api: httpx.Client, luck: random.Random) -> None:
    """An upload whose parts are all there; somebody may complete it, or nobody."""
    model = model_path(*luck.choice(MODELS))
    assert api.patch(f"{model}/start_upload").status_code == 200
    upload_id = start_multipart(api, model)
    etags = []
    parts = parts_of(luck)
    for number, part in enumerate(parts, 1):
        for content in [luck.randbytes(100), part] if luck.random() < 0.2 else [part]:
            answer = httpx.put(presign_part(api, model, upload_id, number), content=content, trust_env=False)
            assert answer.status_code == 200
        etags.append((number, answer.headers["ETag"]))
    with world.lock:
        world.open_uploads.append((model, upload_id, etags, b"".join(parts)))
    world.count("begun")


def end(world: World, api: httpx.Client, luck: random.Random) -> None:
    """Completes an upload, which another client may be completing as well or sending parts of."""
    with world.lock:
        if not world.open_uploads:
            return
        at = luck.randrange(len(world.open_uploads))
        model, upload_id, etags, data = world.open_uploads[at]
        if luck.random() < 0.7:
            del world.open_uploads[at]
    world.may_become(model, data)
    if luck.random() < 0.2:
        with suppress(httpx.TransportError):
            httpx.put(presign_part(api, model, upload_id, 1), content=b"late", trust_env=False)
    answer = complete(api, model, upload_id, etags)
    world.count(f"complete {answer.status_code}")
    if answer.status_code == 200:
        assert api.patch(f"{model}/finish_upload", json={"status": "success", "reason": ""}).status_code == 200


def through_the_registry(world: World, api: httpx.Client, luck: random.Random) -> None:
    """PUT .../upload, whole or cut."""
    model = model_path(*luck.choice(MODELS))
    data = luck.randbytes(luck.choice((0, 10, 3_000_000)))
    if luck.random() < 0.6:
        world.may_become(model, data)
        answer = api.put(f"{model}/upload", content=data)
        world.count(f"upload {answer.status_code}")
        return
    put_half(world, f"{model}/upload", data, luck)


def cut_part(world: World, api: httpx.Client, luck: random.Random) -> None:
    """A part whose connection ends before it does."""
    model = model_path(*luck.choice(MODELS))
    url = httpx.URL(presign_part(api, model, start_multipart(api, model), 1))
    put_half(world, url.raw_path.decode(), luck.randbytes(2_000_000), luck)


def put_half(world: World, target: str, data: bytes, luck: random.Random) -> None:
    address = httpx.URL(world.server.url)
    with socket.create_connection((address.host, address.port or 80), timeout=30) as sock:
        head = f"PUT {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data) + 1}\r\n"
        token = "" if "/objects/" in target else "X-YATAI-API-TOKEN: tok-mia-0123456789\r\n"
        sock.sendall(f"{head}{token}\r\n".encode() + data[: luck.randrange(len(data) + 1)])
    world.count("cut")


def read(world: World, api: httpx.Client, luck: random.Random) -> None:
    """A download, whole or some ranges of one version, while it may be replaced: always one content."""
    model = model_path(*luck.choice(MODELS))
    url = presign_get(api, model)
    with httpx.stream("GET", url, trust_env=False) as answer:
        if answer.status_code == 404:
            return
        assert answer.status_code == 200
        etag = answer.headers["ETag"]
        pieces = []
        for piece in answer.iter_raw(65_536):
            pieces.append(piece)
            if luck.random() < 0.05:
                world.count("read and left")
                return
    data = b"".join(pieces)
    if hashlib.sha256(data).hexdigest() not in world.contents[model]:
        world.wrong.append(f"{model}: {len(data)} bytes that nobody sent, {etag}")
    if data:
        first = luck.randrange(len(data))
        headers = {"Range": f"bytes={first}-", "If-Match": etag}
        rest = httpx.get(url, headers=headers, trust_env=False)
        assert rest.status_code in (206, 412), rest.status_code
        if rest.status_code == 206 and rest.content != data[first:]:
            world.wrong.append(f"{model}: a range that is of another content than its ETag")
    world.count("read")


def rubbish(world: World, api: httpx.Client, luck: random.Random) -> None:
    """Requests that nobody would make, by HTTP and below it."""
    words = [
        "api",
        "v1",
        "models",
        "model_repositories",
        "bert",
        "v1",
        "upload",
        "objects",
        "..",
        "%00",
        "%ff",
        "",
        "x" * 3000,
    ]
    path = "/" + "/".join(luck.choices(words, k=luck.randrange(7)))
    body = luck.choice(
        (b"", b"{", b"[]", b"null", b'{"parts":[{"part_number":-1}]}', b'{"a":' * 20_000, luck.randbytes(50))
    )
    if luck.random() < 0.5:
        verb = luck.choice(("GET", "PUT", "PATCH", "POST", "DELETE", "HEAD", "BREW"))
        headers = {"Range": luck.choice(("bytes=9-1", "bytes=-", "x", "bytes=0-0,5-9", "bytes=99999999999999999999-"))}
        answer = api.request(verb, path, content=body, headers=headers)
        if answer.status_code >= 500 and not path.endswith(("upload", "download")):
            world.wrong.append(f"{verb} {path} {body[:50]!r}: {answer.status_code} {answer.text[:200]}")
    else:
        address = httpx.URL(world.server.url)
        with socket.create_connection((address.host, address.port or 80), timeout=30) as sock:
            sock.sendall(
                luck.choice(
                    (
                        luck.randbytes(300),
                        b"GET / HTTP/9.9\r\n\r\n",
                        b"PUT /objects/ HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                    )
                )
            )
            sock.shutdown(socket.SHUT_WR)
            sock.settimeout(30)
            with suppress(OSError):
                while sock.recv(65536):
                    pass
    world.count("rubbish")


ACTS: tuple[Callable[[World, httpx.Client, random.Random], None], ...] = (
    begin,
    begin,
    begin,
    end,
    end,
    through_the_registry,
    cut_part,
    read,
    read,
    read,
    rubbish,
)


def live(world: World, seed: int) -> None:
    """One client."""
    luck = random.Random(seed)
    with client(world.server.url) as api:
        for _ in range(STEPS):
            act = luck.choice(ACTS)
            try:
                act(world, api, luck)
            except ENDED as exc:
                world.count(f"{act.__name__}: {type(exc).__name__} {str(exc)[:90]}")
                world.answers.wait(60)


def check_agreement(world: World) -> None:
    """After a start the directory has nothing that nothing names; what the database calls uploaded is there, whole."""
    server = world.server
    server.stop()
    server.start()
    for name, version in MODELS:
        model = model_path(name, version)
        record = server.api.get(model).json()
        answer = httpx.get(presign_get(server.api, model), trust_env=False)
        if record["upload_status"] == "success":
            assert answer.status_code == 200, record
        if answer.status_code == 200:
            assert hashlib.sha256(answer.content).hexdigest() in world.contents[model], record
    server.stop()
    records = [path.read_text() for path in server.data.rglob("*.json")]
    named = "\n".join(records)
    blobs = server.data / "blobs"
    assert [path.name for path in blobs.iterdir() if path.name not in named] == []
    assert list(server.data.rglob("*.new")) == []
    assert set(open_blobs(server.data)) == set()
    server.start()


def open_blobs(data: Path) -> list[str]:
    """Of this process, in which the registry ran."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            target = str(entry.readlink())
            found += [target] if target.startswith(str(data)) else []
    return found


def test_whatever_clients_do_the_registry_keeps_what_it_acknowledged_and_nothing_else(
    make_registry: RegistryFactory, caplog: pytest.LogCaptureFixture
) -> None:
    server = make_registry()
    world = World(server)
    for name, version in MODELS:
        register_model(server.api, name, version)
    for luck in rounds(1):
        caplog.clear()
        world.answers.set()
        work = [threading.Thread(target=partial(live, world, luck.getrandbits(32))) for _ in range(CLIENTS)]
        for thread in work:
            thread.start()
        while any(map(threading.Thread.is_alive, work)):
            server.clock.advance(HOUR_S * luck.choice((0, 0, 0, 0, 0, 0, 1, 12)))  # addresses live an hour
            if luck.random() < 0.02:
                world.answers.clear()
                server.stop()
                server.start()
                world.answers.set()
            for thread in [thread for thread in work if thread.is_alive()][:1]:
                thread.join(0.3)
        assert world.wrong == []
        check_agreement(world)
        errors = [
            record.getMessage() + str(record.exc_info)
            for record in caplog.records
            if record.levelno >= logging.ERROR and OF_STOPPING not in record.getMessage() + str(record.exc_info)
        ]
        assert errors == []
        print(dict(sorted(world.done.items())))  # noqa: T201 - for whoever looks at it
