"""What the registry keeps when it is stopped, killed or replaced by another process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from modelsync_registry.app import DataInUseError
from modelsync_registry.server import RunningRegistry
from support.registry_server import (
    TOKEN,
    RegistryFactory,
    RegistryServer,
    client,
    complete,
    json_of,
    presign_get,
    presign_part,
    put_object,
    register_model,
    start_multipart,
)

MIB = 1024 * 1024
DEADLINE_S = 10.0


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline


def test_models_and_objects_are_there_after_a_restart(registry_server: RegistryServer) -> None:
    model = register_model(registry_server.api, "bert", "v1", labels={"a": "1"})
    put_object(registry_server.api, model, [b"content"])
    url = presign_get(registry_server.api, model)
    before = json_of(registry_server.api.get(model))
    registry_server.stop()
    registry_server.start()
    assert json_of(registry_server.api.get(model)) == before
    assert httpx.get(url).content == b"content"


def test_an_upload_goes_on_after_a_restart(registry_server: RegistryServer) -> None:
    api = registry_server.api
    model = register_model(api, "bert", "v1")
    upload_id = start_multipart(api, model)
    parts = [os.urandom(MIB), os.urandom(MIB)]
    urls = [presign_part(api, model, upload_id, number) for number in (1, 2)]
    first = httpx.put(urls[0], content=parts[0]).headers["etag"]
    registry_server.stop()
    registry_server.start()
    second = httpx.put(urls[1], content=parts[1]).headers["etag"]
    json_of(complete(api, model, upload_id, [(1, first), (2, second)]))
    assert httpx.get(presign_get(api, model)).content == b"".join(parts)


def test_the_rest_of_a_completed_upload_is_swept_and_its_object_stays(registry_server: RegistryServer) -> None:
    api = registry_server.api
    model = register_model(api, "bert", "v1")
    upload_id = start_multipart(api, model)
    etag = httpx.put(presign_part(api, model, upload_id, 1), content=b"whole").headers["etag"]
    upload = registry_server.data / "uploads" / upload_id
    record = (upload / "1.json").read_bytes()
    json_of(complete(api, model, upload_id, [(1, etag)]))
    registry_server.stop()
    upload.mkdir()  # as when it was killed before the sweeper came
    (upload / "1.json").write_bytes(record)
    registry_server.start()
    assert not upload.exists()
    assert httpx.get(presign_get(api, model)).content == b"whole"


def test_an_upload_that_nobody_went_on_with_for_a_week_is_swept(registry_server: RegistryServer) -> None:
    api = registry_server.api
    model = register_model(api, "bert", "v1")
    old = start_multipart(api, model)
    httpx.put(presign_part(api, model, old, 1), content=b"old")
    registry_server.clock.offset += timedelta(days=6)
    young = start_multipart(api, model)
    httpx.put(presign_part(api, model, young, 1), content=b"young")
    registry_server.clock.offset += timedelta(days=2)
    registry_server.stop()
    registry_server.start()
    assert [path.name for path in (registry_server.data / "uploads").iterdir()] == [young]
    assert [path.read_bytes() for path in (registry_server.data / "blobs").iterdir()] == [b"young"]


def test_two_registries_never_serve_one_directory(registry_server: RegistryServer) -> None:
    with pytest.raises(DataInUseError, match="another process"):
        RunningRegistry(replace(registry_server.config, port=0))


def test_stopping_does_not_wait_for_a_client_that_never_ends(registry_server: RegistryServer) -> None:
    address = httpx.URL(registry_server.url)
    model = register_model(registry_server.api, "bert", "v1")
    url = httpx.URL(presign_part(registry_server.api, model, start_multipart(registry_server.api, model), 1))
    with socket.create_connection((address.host, address.port or 0)) as slow:
        slow.sendall(b"PUT " + url.raw_path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
        wait_until(lambda: any((registry_server.data / "blobs").iterdir()))
        before = time.monotonic()
        registry_server.stop()
        assert time.monotonic() - before < DEADLINE_S
    assert list((registry_server.data / "blobs").iterdir()) == []


def test_an_upload_cut_in_the_middle_of_a_part_leaves_nothing(registry_server: RegistryServer) -> None:
    address = httpx.URL(registry_server.url)
    model = register_model(registry_server.api, "bert", "v1")
    url = httpx.URL(presign_part(registry_server.api, model, start_multipart(registry_server.api, model), 1))
    blobs = registry_server.data / "blobs"
    with socket.create_connection((address.host, address.port or 0)) as cut:
        head = b"PUT " + url.raw_path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (4 * MIB)
        cut.sendall(head + b"x" * 3 * MIB)
        wait_until(lambda: any(path.stat().st_size >= MIB for path in blobs.iterdir()))
    wait_until(lambda: not any(blobs.iterdir()))


class Served:
    """`modelsync-registry serve` in a process of its own."""

    def __init__(self, data: Path, tokens: Path, port: int = 0, file_size_max: int | None = None) -> None:
        # The shell's limit is in blocks of 512 bytes; writing beyond it fails as on a full disk.
        limit = [] if file_size_max is None else ["sh", "-c", f'ulimit -f {file_size_max // 512}; exec "$@"', "sh"]
        self.process = subprocess.Popen(
            [*limit, sys.executable, "-m", "modelsync_registry", "serve", f"--data={data}", f"--port={port}",
             f"--token-file={tokens}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def end(self, number: signal.Signals) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, out, err


ServedFactory = Callable[..., Served]


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    path.touch(0o600)
    path.write_text(f"{TOKEN} user=mia email=mia@acme.io\n")
    return path


@pytest.fixture
def serve(tmp_path: Path, token_file: Path) -> Iterator[ServedFactory]:
    started: list[Served] = []

    def start(port: int = 0, file_size_max: int | None = None) -> Served:
        started.append(Served(tmp_path / "data", token_file, port, file_size_max))
        return started[-1]

    yield start
    for served in started:
        if served.process.poll() is None:
            served.process.kill()
        served.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_prints_its_address_serves_and_stops_cleanly(serve: ServedFactory, number: signal.Signals) -> None:
    served = serve()
    assert served.url.startswith("http://127.0.0.1:")
    with client(served.url) as api:
        assert json_of(api.get("/api/v1/auth/current"))["email"] == "mia@acme.io"
        assert served.end(number) == (0, "", "")


def test_a_killed_registry_has_everything_it_acknowledged(serve: ServedFactory) -> None:
    served = serve()
    parts = [os.urandom(6 * MIB), os.urandom(MIB)]
    with client(served.url) as api:
        model = register_model(api, "bert", "v1")
        put_object(api, model, [b"first content"])
        json_of(api.patch(f"{model}/start_upload"))
        upload_id = start_multipart(api, model)
        first = httpx.put(presign_part(api, model, upload_id, 1), content=parts[0]).headers["etag"]
    served.end(signal.SIGKILL)
    again = serve(port=httpx.URL(served.url).port or 0)
    assert again.url == served.url
    with client(again.url) as api:
        assert json_of(api.get(model))["upload_status"] == "uploading"
        assert httpx.get(presign_get(api, model)).content == b"first content"
        second = httpx.put(presign_part(api, model, upload_id, 2), content=parts[1]).headers["etag"]
        json_of(complete(api, model, upload_id, [(1, first), (2, second)]))
        assert httpx.get(presign_get(api, model)).content == b"".join(parts)


def test_a_full_disk_refuses_the_part_and_keeps_what_was_there(serve: ServedFactory) -> None:
    served = serve(file_size_max=2 * MIB)
    with client(served.url) as api:
        model = register_model(api, "bert", "v1")
        put_object(api, model, [b"content"])
        url = presign_part(api, model, start_multipart(api, model), 1)
        full = httpx.put(url, content=b"x" * 3 * MIB)
        assert full.status_code == 500
        assert "<Code>InternalError</Code>" in full.text
        proxy = api.put(f"{model}/upload", content=b"x" * 3 * MIB)
        assert proxy.status_code == 500
        assert "storage:" in proxy.json()["error"]
        assert json_of(api.get(model))["upload_status"] == "failed"
        assert httpx.get(presign_get(api, model)).content == b"content"
        assert httpx.put(url, content=b"x" * MIB).status_code == 200


def test_a_record_emptied_by_power_loss_costs_that_object_only(registry_server: RegistryServer) -> None:
    api = registry_server.api
    models = [register_model(api, "bert", version) for version in ("v1", "v2")]
    for model in models:
        put_object(api, model, [model.encode()])
    registry_server.stop()
    (record,) = (path for path in (registry_server.data / "objects").rglob("*.json") if "bert/v1" in path.read_text())
    record.write_text("")
    registry_server.start()
    answers = [httpx.get(presign_get(api, model)) for model in models]
    assert [answer.status_code for answer in answers] == [404, 200]
    put_object(api, models[0], [b"again"])
    assert httpx.get(presign_get(api, models[0])).content == b"again"


def run(*arguments: str, token: str = "") -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "modelsync_registry", *arguments],
        env=os.environ | {"MODELSYNC_REGISTRY_TOKEN": token},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_the_command_says_what_is_missing_or_wrong(tmp_path: Path, registry_server: RegistryServer) -> None:
    data = f"--data={tmp_path / 'data'}"
    code, said = run("serve", data)
    assert code == 2
    assert "MODELSYNC_REGISTRY_TOKEN" in said
    code, said = run("serve", data, f"--token-file={tmp_path / 'none'}")
    assert code == 2
    assert "No such file" in said
    odd = tmp_path / "tokens"
    odd.write_text("secret-token scopes=all\n")
    code, said = run("serve", data, f"--token-file={odd}")
    assert code == 2
    assert "line 1: no such scope: all" in said
    assert "chmod 600" in said
    assert "secret-token" not in said
    code, said = run("serve", f"--data={registry_server.data}", token="t")
    assert code == 1
    assert "another process" in said
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "registry.sqlite3").write_bytes(b"not a database" * 100)
    code, said = run("serve", f"--data={broken}", token="t")
    assert code == 1
    assert "cannot be used" in said
    taken = httpx.URL(registry_server.url).port
    code, said = run("serve", data, f"--port={taken}", token="t")
    assert code == 1
    assert "in use" in said


def test_the_only_token_may_come_from_the_environment(
    make_registry: RegistryFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELSYNC_REGISTRY_TOKEN", "tok-env")
    process = subprocess.Popen(
        [sys.executable, "-m", "modelsync_registry", "serve", f"--data={tmp_path / 'data'}"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    with client(url, "tok-env") as api:
        assert api.get("/api/v1/auth/current").status_code == 200
    process.terminate()
    process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
