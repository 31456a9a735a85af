"""A registry's own process that can be killed, behind proxies that misbehave by chance; its objects here or in S3."""

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from modelsync.model import Json
from support.bad_proxy import BadProxy, Exchange, Fault, Request, bad_proxy
from support.harm import (
    cut_answer,
    cut_head,
    cut_request,
    flip_request,
    hang_up,
    lose_answer,
    other_etag,
    other_range,
    promise,
    reset,
    says,
    stall_answer,
    stall_before_answer,
    stall_request,
    whole_object,
)
from support.registry_server import TOKEN, client
from support.waiting import wait_for

if TYPE_CHECKING:
    from support.seaweed import SeaweedFS

MiB = 1 << 20
UNHARMED_AGENTS = ("python-httpx", "python-requests")
"""The real bentoml checks no digest and tries nothing again; and a test that looks must see what is there."""
STARTS_WITHIN_S = 60.0

Harm = Callable[[random.Random], Fault]


def slow(exchange: Exchange) -> None:
    """The answer trickles."""

    def wait(_at: int, piece: bytes) -> bytes:
        exchange._proxy.closing.wait(0.03)
        return piece

    with exchange.ask() as answer:
        exchange.keep = exchange.pass_on(answer, edit=wait)


UP: tuple[Harm, ...] = (
    lambda luck: cut_request(luck.randrange(9 * MiB)),
    lambda luck: flip_request(luck.randrange(MiB)),
    lambda luck: says(luck.choice((400, 403, 408, 429, 500, 502, 504)), unread=luck.random() < 0.5),
    lambda luck: says(503, "SlowDown", unread=luck.random() < 0.5),
    lambda _luck: says(403, "AccessDenied"),
    lambda luck: luck.choice((reset, hang_up, lose_answer, other_etag, slow, cut_head(luck.randrange(200)))),
    lambda luck: luck.choice((reset, stall_before_answer, stall_request(luck.randrange(2 * MiB)))),
)
DOWN: tuple[Harm, ...] = (
    lambda luck: cut_answer(luck.randrange(9 * MiB), politely=luck.random() < 0.5),
    lambda luck: promise(luck.choice((-MiB, -1, 1, MiB))),
    lambda luck: other_range(luck.choice((1, 512, MiB))),
    lambda luck: says(luck.choice((400, 403, 404, 408, 429, 500, 502, 503, 504))),
    lambda luck: luck.choice((reset, hang_up, whole_object, other_etag, slow, cut_head(60))),
    lambda luck: luck.choice((reset, stall_before_answer, stall_answer(luck.randrange(2 * MiB)))),
)
CALLS: tuple[Harm, ...] = (
    lambda luck: luck.choice((reset, hang_up, lose_answer, lose_answer, slow, cut_head(luck.randrange(200)))),
    lambda luck: cut_answer(luck.randrange(300), politely=luck.random() < 0.5),
    lambda luck: says(luck.choice((400, 429, 500, 502, 503, 504))),
)


@dataclass(slots=True)
class Bed:
    """What a team works against."""

    folder: Path
    port: int
    proxy: BadProxy
    """Before the registry."""
    s3_proxy: BadProxy | None
    seaweed: "SeaweedFS | None"
    strategy: str
    process: "subprocess.Popen[str] | None" = None

    @property
    def errors(self) -> str:
        """What the registry wrote on stderr, all starts together."""
        path = self.folder / "registry.err"
        return path.read_text() if path.exists() else ""

    def start(self) -> None:
        """Returns when it answers."""
        wait_for(self._started, within_s=STARTS_WITHIN_S, what=f"the registry at work; it says {self.errors[-2000:]}")

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Ends it, by default as a power cut does, and waits for its end."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(60)
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    def behave(self) -> None:
        for proxy in self._proxies():
            proxy.behave()

    def misbehave(self, luck: random.Random) -> None:
        """Other harm than before, to some of the requests that come."""
        for proxy in self._proxies():
            proxy.behave()
            proxy.requests.clear()
            for _ in range(luck.randrange(7)):
                self._add_harm(proxy, luck)

    def status_of(self, tag: str) -> str | None:
        """What the registry says of a version; None for one that it has not."""
        name, _, version = tag.partition(":")
        answer = self._ask("GET", f"/api/v1/model_repositories/{name}/models/{version}")
        if answer.status_code == 404:
            return None
        assert answer.status_code == 200, answer.text
        return str(answer.json()["upload_status"])

    def listed(self) -> dict[str, str]:
        """The status of every version."""
        answer = self._ask("GET", "/api/v1/models?count=1000")
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Json]] = answer.json()["items"]
        found: dict[str, str] = {}
        for row in rows:
            repository = row["repository"]
            assert isinstance(repository, dict)
            found[f"{repository['name']}:{row['name']}"] = str(row["upload_status"])
        return found

    def archive(self, tag: str) -> bytes:
        """The object of a version."""
        name, _, version = tag.partition(":")
        path = f"/api/v1/model_repositories/{name}/models/{version}"
        if self.strategy == "proxy":
            answer = self._ask("GET", f"{path}/download")
        else:
            signed = self._ask("PATCH", f"{path}/presign_download_url")
            assert signed.status_code == 200, signed.text
            answer = httpx.get(signed.json()["presigned_download_url"], trust_env=False, timeout=60)
        assert answer.status_code == 200, f"{tag}: {answer.status_code} {answer.text[:300]}"
        return answer.content

    def _ask(self, method: str, path: str) -> httpx.Response:
        """Unharmed, at the address that clients use."""
        with client(self.proxy.url) as api:
            return api.request(method, path)

    def _started(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            self.process = self._launch()
        with suppress(httpx.TransportError), client(f"http://127.0.0.1:{self.port}") as api:
            return api.get("/api/v1/auth/current").status_code == 200
        return False

    def _launch(self) -> "subprocess.Popen[str]":
        arguments = ["serve", "--data", str(self.folder / "data"), "--port", str(self.port), "--no-sync"]
        arguments += ["--public-url", self.proxy.url, "--strategy", self.strategy]
        environ = {**os.environ, "MODELSYNC_REGISTRY_TOKEN": TOKEN}
        if self.s3_proxy is not None:
            from support.seaweed import ACCESS_KEY, REGION, SECRET_KEY

            arguments += ["--objects", "s3://team", "--s3-endpoint", self.s3_proxy.url, "--s3-region", REGION]
            environ |= {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
        with (self.folder / "registry.err").open("a") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", "modelsync_registry", *arguments],
                env=environ,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def _proxies(self) -> list[BadProxy]:
        return [self.proxy] if self.s3_proxy is None else [self.proxy, self.s3_proxy]

    def _add_harm(self, proxy: BadProxy, luck: random.Random) -> None:
        to_calls = proxy is self.proxy and luck.random() < 0.5
        method = None if to_calls else luck.choice(("PUT", "GET"))
        harms = CALLS if to_calls else UP if method == "PUT" else DOWN
        chance, times = luck.choice((0.05, 0.2, 1.0)), luck.choice((1, 1, 2, 8))
        fault = luck.choice(harms)(luck)
        where = partial(self._is_met, proxy, to_calls=to_calls, method=method, luck=luck, chance=chance)
        proxy.misbehave(fault, where=where, times=times)

    def _is_met(
        self,
        proxy: BadProxy,
        request: Request,
        *,
        to_calls: bool,
        method: str | None,
        luck: random.Random,
        chance: float,
    ) -> bool:
        if request.headers.get("user-agent", "").startswith(UNHARMED_AGENTS) or luck.random() > chance:
            return False
        is_call = proxy is self.proxy and not request.target.startswith("/objects/")
        if to_calls or is_call:
            return to_calls and is_call
        return request.method == method and (method == "PUT" or request.range is not None)


@contextmanager
def team_bed(folder: Path, strategy: str, seaweed: "SeaweedFS | None") -> Iterator[Bed]:
    """A registry that runs; with `seaweed` its objects are there."""
    with ExitStack() as opened:
        proxy = opened.enter_context(bad_proxy())
        s3_proxy = None
        if seaweed is not None:
            s3_proxy = opened.enter_context(bad_proxy())
            s3_proxy.upstream = seaweed.url.removeprefix("http://")
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        proxy.upstream = f"127.0.0.1:{port}"
        bed = Bed(folder, port, proxy, s3_proxy, seaweed, strategy)
        opened.callback(bed.kill)
        bed.start()
        yield bed
