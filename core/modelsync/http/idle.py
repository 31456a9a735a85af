"""Connections that wait to be used again, by where they lead to."""

import select
import threading
import time
from collections import defaultdict
from collections.abc import Callable

from modelsync.http.connection import Connection

IDLE_PER_HOST_MAX = 64
IDLE_MAX_S = 50.0
"""Servers, and what stands before them, keep a silent connection for a minute or so, and may forget it untold."""

Origin = tuple[str, str, int]
"""Scheme, host and port."""


class IdleConnections:
    """Usable from many threads."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """`clock` is one that goes on while the machine sleeps: after an hour of it no connection is alive."""
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: dict[Origin, list[tuple[float, Connection]]] = defaultdict(list)

    def take(self, origin: Origin) -> Connection | None:
        """The one that was used last, if it is good still; closes what is not."""
        while True:
            with self._lock:
                if not self._idle[origin]:
                    return None
                since, connection = self._idle[origin].pop()
            if 0 <= self._clock() - since <= IDLE_MAX_S and not _says_something(connection):
                return connection
            connection.close()

    def give(self, origin: Origin, connection: Connection) -> None:
        """Keeps one whose last answer was read to its end; closes it where there are enough."""
        with self._lock:
            if len(self._idle[origin]) < IDLE_PER_HOST_MAX:
                self._idle[origin].append((self._clock(), connection))
                return
        connection.close()

    def close(self) -> None:
        """Closes all of them."""
        with self._lock:
            idle, self._idle = self._idle, defaultdict(list)
        for connections in idle.values():
            for _, connection in connections:
                connection.close()


def _says_something(connection: Connection) -> bool:
    """Readable while nothing was asked: the server hung up, or talks out of turn."""
    if connection.sock is None:
        return True
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))
