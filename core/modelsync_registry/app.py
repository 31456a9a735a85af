"""The registry as one ASGI application: the API, the objects, and what is answered at every other path."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from modelsync_registry.accounts import Accounts
from modelsync_registry.calls import Services
from modelsync_registry.config import RegistryConfig, S3Location
from modelsync_registry.database import Database
from modelsync_registry.directory import DirectoryStore
from modelsync_registry.object_http import ObjectApp
from modelsync_registry.objects import ObjectStore, StoreUnusableError
from modelsync_registry.rehearsal import rehearse
from modelsync_registry.remembered import Remembered
from modelsync_registry.routes import routes
from modelsync_registry.signing import OBJECTS_PATH, UrlSigner, load_secret

BYTE_THREADS: Final = 16  # as many connections as a client of ours opens
CALL_THREADS: Final = 40  # each has one of the database's connections at most
_PAGE: Final = (
    "<!doctype html><html><head><title>modelsync registry</title></head>"
    "<body><p>This is a model registry. Its API is under /api/v1/.</p></body></html>"
)


class DataInUseError(RuntimeError):
    """Another process serves this data directory."""


class DataUnusableError(RuntimeError):
    """The data directory holds something that is not ours, or is broken."""


class Registry:
    """The application with the things it holds open: the data directory's lock, the database, the threads."""

    def __init__(self, config: RegistryConfig) -> None:
        """Opens the data directory, and makes it when missing.

        Raises DataInUseError, DataUnusableError, StoreUnusableError and OSError.
        """
        config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _lock(config.data / "lock")
        try:
            self._open(config)
        except BaseException as error:
            os.close(self._lock)
            if isinstance(error, DBAPIError):
                raise DataUnusableError(
                    f"the database in {config.data} cannot be used ({error.orig}): {_advice(error)}"
                ) from error
            raise

    def _open(self, config: RegistryConfig) -> None:
        secret = load_secret(config.data / "secret")
        self._database = Database(config.data / "registry.sqlite3")
        self.accounts = accounts = Accounts(self._database, secret=secret, clock=config.clock)
        accounts.configure(config.organizations, config.tokens)
        rehearse(self._database, accounts, config.clock())
        signer = UrlSigner(secret, clock=config.clock, lifetime_s=lambda: _url_lifetime_s(config))
        self._threads = ThreadPoolExecutor(BYTE_THREADS, thread_name_prefix="registry-bytes")
        self._callers = ThreadPoolExecutor(CALL_THREADS, thread_name_prefix="registry-call")
        self._store: ObjectStore
        objects: ObjectApp | None = None
        if config.objects is not None:
            self._store = _s3_store(config, config.objects)
        else:
            self._store = directory = DirectoryStore(
                config.data, signer=signer, clock=config.clock, part_size_min=config.part_size_min, sync=config.sync
            )
            objects = ObjectApp(directory, signer=signer, faults=config.faults, threads=self._threads)
        remembered = Remembered(self._database)
        services = Services(config, self._database, accounts, self._store, self._threads, self._callers, remembered)
        unknown = _unknown_path(config)
        api = Starlette(routes=routes(services), exception_handlers={404: unknown, 405: unknown})
        api.router.redirect_slashes = False
        self.app: ASGIApp = api if objects is None else _split(api, objects)

    def close(self) -> None:
        self._callers.shutdown()
        self._threads.shutdown()
        self._store.close()
        self._database.close()
        os.close(self._lock)


def _advice(error: DBAPIError) -> str:
    damage = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
    damaged = isinstance(error.orig, sqlite3.Error) and error.orig.sqlite_errorcode in damage
    return "restore it from a copy" if damaged else "mend that and start again"


def _s3_store(config: RegistryConfig, location: S3Location) -> ObjectStore:
    try:
        from modelsync_registry.s3_store import S3Store  # it costs a registry with a directory half its start
    except ModuleNotFoundError as error:
        raise StoreUnusableError("the library for S3 is missing: pip install 'modelsync-tui[s3]'") from error
    return S3Store(location, lifetime_s=lambda: _url_lifetime_s(config))


def _split(api: ASGIApp, objects: ASGIApp) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(OBJECTS_PATH):
            await objects(scope, receive, send)
        else:
            await api(scope, receive, send)

    return app


def _unknown_path(config: RegistryConfig) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if request.url.path.startswith("/api/"):
            return JSONResponse({"message": f"not found this router with method {request.method}"}, 404)
        if config.faults.html_at_unknown_paths:
            return HTMLResponse(_PAGE)
        return JSONResponse({"message": "not found"}, 404)

    return answer


def _url_lifetime_s(config: RegistryConfig) -> float:
    if config.faults.take_expired_url():
        return -1.0
    lifetime = config.faults.url_lifetime_s
    return config.url_lifetime_s if lifetime is None else lifetime


def _lock(path: Path) -> int:
    import fcntl  # Windows has none, and a person there must get as far as the sentence that says so

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise DataInUseError(f"{path.parent} is served by another process already") from None
    return descriptor
