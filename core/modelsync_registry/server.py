"""A registry that runs: in a thread of this process, behind uvicorn, until it is stopped."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Final

import uvicorn

from modelsync_registry.app import Registry
from modelsync_registry.config import RegistryConfig
from modelsync_registry.connections import LOOK_EVERY_TICKS, PatientProtocol
from modelsync_registry.tokens import TokenGrant

STOP_WITHIN_S: Final = 2  # running transfers are cut after this
KEEP_ALIVE_S: Final = 75
BACKLOG: Final = 256


class RunningRegistry:
    """A registry that answers from the end of the constructor until `stop`, or the end of a `with` block.

    `config.faults` may be changed while it runs. Raises OSError when the address cannot be bound, and what `Registry`
    raises.
    """

    def __init__(self, config: RegistryConfig) -> None:
        self.config = config
        self._socket = _bind(config.host, config.port)
        try:
            self._registry = Registry(config)
        except BaseException:
            self._socket.close()
            raise
        host = f"[{config.host}]" if ":" in config.host else config.host
        self.url: Final = f"http://{host}:{self._socket.getsockname()[1]}"
        settings = uvicorn.Config(
            self._registry.app,
            http=PatientProtocol,
            loop="asyncio",
            lifespan="off",
            access_log=False,  # addresses of objects are secrets
            log_config=None,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=STOP_WITHIN_S,
        )
        self._server = _Server(settings, patience_s=config.patience_s)
        self._thread = threading.Thread(target=self._serve, name="modelsync-registry", daemon=True)
        self._thread.start()
        self._server.answering.wait()

    def set_tokens(self, tokens: tuple[TokenGrant, ...]) -> None:
        """From now on these are all the tokens there are; running requests of others end as they began."""
        self._registry.accounts.configure(self.config.organizations, tokens)

    def stop(self) -> None:
        """Ends it: nothing new is taken, what runs has STOP_WITHIN_S. Does nothing the second time."""
        if self._thread.is_alive():
            self._server.should_exit = True
            self._thread.join()
            self._registry.close()
            self._socket.close()

    def _serve(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._server.answering.set()  # also when it could not start: nobody may wait for ever

    def __enter__(self) -> RunningRegistry:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(uvicorn.Server):
    """Says when it answers, and ends connections whose clients have gone silent."""

    def __init__(self, config: uvicorn.Config, *, patience_s: float) -> None:
        super().__init__(config)
        self.answering = threading.Event()
        self._patience_s = patience_s

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answering.set()

    async def on_tick(self, counter: int) -> bool:
        if counter % LOOK_EVERY_TICKS == 0:
            for connection in self.server_state.connections:
                if isinstance(connection, PatientProtocol):
                    connection.end_if_overdue(self._patience_s)
        return await super().on_tick(counter)


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
