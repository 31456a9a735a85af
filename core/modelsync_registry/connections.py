"""How long the registry waits for a client: for the rest of a request's head, and for the next bytes of its body.

How it works: the HTTP server below ends connections that are idle between two requests, and no others. So each
connection notes when it last heard what it waits for, and all are looked at every few seconds. Otherwise a laptop that
is shut in the middle of a part, or a client that sends a byte a minute, would keep a connection, a file and the bytes
so far for as long as the registry runs.
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.h11_impl import H11Protocol

LOOK_EVERY_TICKS: Final = 10
"""Ticks of the server, which has ten a second."""


class PatientProtocol(H11Protocol):
    """One connection that knows since when it waits for its client."""

    _waits_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._waits_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        if self._is_served():  # so these are bytes of a body; those of a head gain no time
            self._waits_since = self.loop.time()
        super().data_received(data)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._waits_since = self.loop.time()

    def end_if_overdue(self, patience_s: float) -> None:
        """Cuts the connection when its client owes something for longer than this."""
        if self._is_served() and (self.flow.read_paused or not self.cycle.more_body):  # it waits for us
            self._waits_since = self.loop.time()
        elif self.loop.time() - self._waits_since > patience_s:
            self.transport.abort()

    def _is_served(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete
