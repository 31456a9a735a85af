"""The servers that the clients are measured against, each a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from benchmarks.measuring import cpu_seconds
from benchmarks.models import Model

TOKEN = "benchmark-token"  # opens nothing but the registries started here
KEYS = {
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "benchmark-secret",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""What opens the S3 stores started here; a sink and nginx do not look."""
START_WITHIN_S = 20.0
ROOT = Path(__file__).resolve().parent.parent
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class Server:
    """One server process, with its address; stopped at the end of the `with` block."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        address: str | None = None,
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._log: IO[bytes] = log.open("ab")
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=_environment() | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=self._log if address else subprocess.PIPE,
            stderr=self._log,
            text=address is None,
            start_new_session=True,
        )
        self.address = address or self._first_line()

    def cpu_s(self) -> float:
        """CPU seconds used so far, its workers' included."""
        return cpu_seconds(self._process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()

    def _first_line(self) -> str:
        assert self._process.stdout is not None
        line: str = self._process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"a server did not start: see {self._log.name}")
        return line


def sink(work: Path, *, md5: bool = False, tls: Path | None = None) -> Server:
    """Reads and discards; see benchmarks/sink.py."""
    flags = [*(["--md5"] if md5 else []), *(["--tls", str(tls)] if tls else [])]
    return Server([sys.executable, "-m", "benchmarks.sink", *flags], log=work / "sink.log")


def slow_link(work: Path, server: Server) -> Server:
    """The way to a server, each connection held to a rate; see benchmarks/slow_link.py."""
    port = server.address.rpartition(":")[2]
    return Server([sys.executable, "-m", "benchmarks.slow_link", "--to", port], log=work / "link.log")


def certificate(work: Path) -> Path:
    """A file of a fresh certificate for 127.0.0.1, its own authority, and its key."""
    key, pem = work / "key.pem", work / "certificate.pem"
    subject = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command = [*made, "-days", "2", *subject, "-keyout", str(key), "-out", str(pem)]
    subprocess.run(command, check=True, capture_output=True)
    pem.write_text(pem.read_text() + key.read_text())
    key.unlink()
    return pem


def nginx(work: Path, root: Path, tls: Path | None = None) -> Server:
    """Serves the files of `root`, on every processor, by sendfile; with `tls`, a file of `certificate`, encrypted."""
    if NGINX is None:
        raise SystemExit("nginx is needed to pull from: apt install nginx-light")
    port = _free_port()
    listening = f" ssl; ssl_certificate {tls}; ssl_certificate_key {tls}" if tls else ""
    config = work / "nginx.conf"
    config.write_text(f"""
daemon off;
worker_processes auto;
pid {work}/nginx.pid;
error_log {work}/nginx-error.log warn;
user {"root" if os.geteuid() == 0 else "nobody"};
events {{ worker_connections 256; }}
http {{
    access_log off;
    default_type application/octet-stream;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000;
    client_body_temp_path {work}/nginx-body;
    proxy_temp_path {work}/nginx-proxy;
    fastcgi_temp_path {work}/nginx-fastcgi;
    uwsgi_temp_path {work}/nginx-uwsgi;
    scgi_temp_path {work}/nginx-scgi;
    server {{ listen 127.0.0.1:{port}{listening}; root {root}; }}
}}
""")
    server = Server(
        [NGINX, "-c", str(config), "-p", str(work), "-e", str(work / "nginx-error.log")],
        address=f"{'https' if tls else 'http'}://127.0.0.1:{port}",
        log=work / "nginx.log",
    )
    _wait_for(port)
    return server


def bed_registry(work: Path, data: Path, store: str) -> Server:
    """Our registry, its objects at another address."""
    command = [sys.executable, "-m", "benchmarks.bed_registry", "--data", str(data), "--store", store]
    return Server(command, log=work / "registry.log")


def own_registry(work: Path, data: Path) -> Server:
    """Our registry as anybody starts it, its objects in its own directory."""
    command = [sys.executable, "-m", "modelsync_registry", "serve", "--data", str(data)]
    return Server(command, log=work / "registry.log")


def s3_registry(work: Path, data: Path, store: Server, bucket: str) -> Server:
    """Our registry, its objects in a bucket of an S3 store; the keys are in its environment."""
    options = ["--data", str(data), "--objects", f"s3://{bucket}", "--s3-endpoint", store.address]
    command = [sys.executable, "-m", "modelsync_registry", "serve", *options]
    return Server(command, log=work / "registry.log", environment=KEYS)


def register(registry: Server, model: Model, version: str) -> None:
    """Makes a registry list a version as uploaded, whose object somebody else has put in place."""
    api = f"{registry.address}/api/v1/model_repositories"
    try:
        _call("POST", api, {"name": model.name, "description": ""})
    except urllib.error.HTTPError as error:
        if error.code != 400:  # it is there already
            raise
    manifest = {
        "module": "",
        "api_version": "v1",
        "bentoml_version": "1.4.39",
        "size_bytes": model.size_bytes,
        "metadata": {},
        "context": {
            "framework_name": "",
            "framework_versions": {},
            "bentoml_version": "1.4.39",
            "python_version": "3.11.7",
        },
        "options": {},
    }
    models = f"{api}/{model.name}/models"
    record = {"version": version, "description": "", "manifest": manifest, "build_at": "2026-03-01 12:00:00.000000"}
    _call("POST", models, record | {"labels": []})
    _call("PATCH", f"{models}/{version}/start_upload", None)
    _call("PATCH", f"{models}/{version}/finish_upload", {"status": "success", "reason": ""})


def object_path(root: Path, model: Model) -> Path:
    """Where under a store's root the registry looks for a version (registry contract 4.1)."""
    return root / "models" / "default" / model.name / f"{model.version}.tar.gz"


def _call(method: str, url: str, body: Mapping[str, object] | None) -> None:
    data = None if body is None else json.dumps(body).encode()
    headers = {"X-YATAI-API-TOKEN": TOKEN, "X-Bentoml-Version": "1.4.39", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)) as answer:
        answer.read()


def _environment() -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "MODELSYNC_REGISTRY_TOKEN": TOKEN,
        "PYTHONUNBUFFERED": "1",
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    until = time.monotonic() + START_WITHIN_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return
