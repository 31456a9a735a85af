"""Sign-ins that began in a terminal and wait for a person in a browser: their codes, in memory only.

How it works: whoever begins gets a code that nobody can guess, opens the page with it and asks for the token until a
person has confirmed there. A code is good for one token and for ten minutes; a restart ends them all.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from modelsync_registry.errors import SignInCodeOverError, TooManySignInsError

CODE_LIFETIME: Final = timedelta(minutes=10)
CODES_MAX: Final = 1000  # anybody may begin one, so there must be an end
_CODE_BYTES: Final = 16


@dataclass(slots=True)
class _SignIn:
    expires_at: datetime
    token: str | None = field(default=None, repr=False)


class SignInCodes:
    """The open codes; usable from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, _SignIn] = {}

    def begin(self, now: datetime) -> str:
        """A new code. Raises TooManySignInsError when CODES_MAX are open."""
        with self._lock:
            self._open = {code: one for code, one in self._open.items() if one.expires_at > now}
            if len(self._open) >= CODES_MAX:
                raise TooManySignInsError("too many sign-ins have begun and not ended; try again in some minutes")
            code = secrets.token_urlsafe(_CODE_BYTES)
            self._open[code] = _SignIn(now + CODE_LIFETIME)
            return code

    def check(self, code: str, now: datetime) -> None:
        """Raises SignInCodeOverError unless the code waits to be confirmed."""
        with self._lock:
            if self._found(code, now).token is not None:
                raise SignInCodeOverError

    def confirm(self, code: str, token: str, now: datetime) -> None:
        """Whoever began gets this token. Raises SignInCodeOverError for a code that does not wait for one."""
        with self._lock:
            found = self._found(code, now)
            if found.token is not None:
                raise SignInCodeOverError
            found.token = token

    def take(self, code: str, now: datetime) -> str | None:
        """The token, once; `None` while nobody has confirmed. Raises SignInCodeOverError."""
        with self._lock:
            found = self._found(code, now)
            if found.token is not None:
                del self._open[code]
            return found.token

    def _found(self, code: str, now: datetime) -> _SignIn:
        found = self._open.get(code)
        if found is None or found.expires_at <= now:
            raise SignInCodeOverError
        return found
