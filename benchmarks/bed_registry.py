"""Our registry with its objects elsewhere: it signs addresses of a sink or of nginx and never sees a byte.

Usage: python -m benchmarks.bed_registry --data DIR --store URL; the first line on stdout is its address. The token is
MODELSYNC_REGISTRY_TOKEN.
"""

from __future__ import annotations

import argparse
import gc
import os
import secrets
import socket
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import uvicorn
from starlette.applications import Starlette

from modelsync_registry.accounts import Accounts
from modelsync_registry.app import CALL_THREADS
from modelsync_registry.calls import Services
from modelsync_registry.config import RegistryConfig
from modelsync_registry.database import Database
from modelsync_registry.errors import ObjectError
from modelsync_registry.objects import CompletedPart, ETag, ObjectReader, ObjectWriter, UploadId
from modelsync_registry.rehearsal import rehearse
from modelsync_registry.remembered import Remembered
from modelsync_registry.routes import routes
from modelsync_registry.tokens import TokenGrant


class ElsewhereStore:
    """Signs addresses under one base; who is there needs no signature, so it is as long as S3's and means nothing."""

    signs_at_once = True

    def __init__(self, base: str) -> None:
        self._base = base

    def presign_get(self, key: str) -> str:
        return f"{self._base}/{quote(key)}?{_signature()}"

    def presign_put(self, key: str) -> str:
        return f"{self._base}/{quote(key)}?{_signature()}"

    def presign_part(self, key: str, upload_id: UploadId, part_number: int) -> str:
        return f"{self._base}/{quote(key)}?partNumber={part_number}&uploadId={upload_id}&{_signature()}"

    def create_multipart(self, key: str) -> UploadId:  # noqa: ARG002 - any key
        return UploadId(secrets.token_hex(16))

    def complete_multipart(self, key: str, upload_id: UploadId, parts: Sequence[CompletedPart]) -> ETag:  # noqa: ARG002
        return ETag(f"{secrets.token_hex(16)}-{len(parts)}")

    def open(self, key: str) -> ObjectReader:
        raise ObjectError("NoSuchKey", f"no bytes pass here: {key}", HTTPStatus.NOT_FOUND)

    def writer(self, key: str) -> ObjectWriter:
        raise ObjectError("NoSuchKey", f"no bytes pass here: {key}", HTTPStatus.NOT_FOUND)

    def close(self) -> None:
        """Nothing is held."""


def _signature() -> str:
    return f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=3600&X-Amz-Signature={secrets.token_hex(32)}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Our registry with its objects elsewhere.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--store", required=True, help="the address where objects are")
    options = parser.parse_args()
    config = RegistryConfig(data=options.data, tokens=(TokenGrant(token=os.environ["MODELSYNC_REGISTRY_TOKEN"]),))
    config.data.mkdir(parents=True, exist_ok=True)
    database = Database(config.data / "registry.sqlite3")
    accounts = Accounts(database, secret=secrets.token_bytes(32), clock=config.clock)
    accounts.configure(config.organizations, config.tokens)
    rehearse(database, accounts, config.clock())
    bytes_in, callers = ThreadPoolExecutor(1), ThreadPoolExecutor(CALL_THREADS)
    store, remembered = ElsewhereStore(options.store), Remembered(database)
    services = Services(config, database, accounts, store, bytes_in, callers, remembered)
    settings = uvicorn.Config(
        Starlette(routes=routes(services)),
        http="h11",
        loop="asyncio",
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_keep_alive=75,
    )
    # With its protocol named, or asyncio leaves Nagle's algorithm on and every answer comes 40 ms late.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        _Server(settings).run(sockets=[listener])
    return 0


class _Server(uvicorn.Server):
    """Says its address when it answers, as our registry does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.freeze()  # as our registry does
        for listener in sockets or ():
            print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
