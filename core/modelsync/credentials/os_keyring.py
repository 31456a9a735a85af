"""The OS keyring: one entry per context, every call with a time limit, every failure a sentence.

How it works: a keyring may open a window and wait for a person for ever, or start a program that never answers. So each
call, the import of the library included, runs on a daemon thread and is given up after a while; the thread may then
linger, but nothing waits for it. Only backends that the keyring library itself brings are used: others choose
themselves by being installed, and some ask on the terminal, under a full-screen program.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from modelsync import logs
from modelsync.account import Context, Token
from modelsync.errors import KeyringError, ModelsyncError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "modelsync"
KEYRING_TIMEOUT_S = 30.0
"""Long enough for a person to type the keyring's password into its window."""
WINDOWS_ENTRY_MAX_BYTES = 2560
"""CRED_MAX_CREDENTIAL_BLOB_SIZE; the token is stored there as UTF-16."""
NOTICE_AFTER_S = 1.0
"""A keyring that takes longer is probably asking its person, who should know that it is waited for."""
_WAY_ON = "Unlock it and try again, or keep the token for this session only or in a file."
_WAY_ON_READING = "Unlock it and try again, or sign in again and keep the token for the session only or in a file."
_WAY_ON_REMOVING = "Unlock it and try again; or sign in again, keep the token in a file, and sign out then."
_WAY_ON_ALLOWED = (
    "Start without --no-keyring and `keyring = false`, or keep the token for the session only or in a file."
)

_OWN_BACKENDS = "keyring.backends."
_NOT_KEEPING = ("fail", "null", "chainer")
_NAMES = {
    "SecretService": "Secret Service",
    "libsecret": "Secret Service",
    "macOS": "macOS Keychain",
    "Windows": "Windows Credential Manager",
    "kwallet": "KWallet",
}
_T = TypeVar("_T")
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeyringStatus:
    """Whether the OS keyring can keep a token, in words for a person."""

    usable: bool
    name: str
    """In the platform's words; empty when there is none."""
    reason: str
    """Why it cannot be used; empty when it can."""


class OsKeyring:
    """The keyring of the person who runs this."""

    def __init__(
        self,
        timeout_s: float = KEYRING_TIMEOUT_S,
        notice: Callable[[str], object] = lambda _text: None,
        *,
        allowed: bool = True,
    ) -> None:
        """`notice` is told, on the caller's thread, of a wait that has become long, and of its limit.

        One that is not `allowed` is never asked: every call says that it is switched off.
        """
        self._timeout_s = timeout_s
        self._notice = notice
        self._allowed = allowed

    def status(self, timeout_s: float = 5.0) -> KeyringStatus:
        """Looks whether it is there and unlocked (which may ask the person to unlock it); never raises."""

        def look() -> KeyringStatus:
            backend = _backend()
            try:
                backend.get_password(SERVICE, "probe")
            except Exception as exc:  # noqa: BLE001 - backends raise whatever their library raises
                return KeyringStatus(False, _name(backend), _translated(exc).message)
            return KeyringStatus(True, _name(backend), "")

        try:
            return self._limited(look, timeout_s, _WAY_ON)
        except KeyringError as exc:
            return KeyringStatus(False, "", exc.message)

    def get(self, context: Context) -> Token | None:
        """The token of a context, None where there is no entry; raises KeyringError."""
        secret = self._limited(
            lambda: _backend().get_password(SERVICE, _user_name(context)), self._timeout_s, _WAY_ON_READING
        )
        return Token(secret) if secret else None

    def set(self, context: Context, token: Token) -> None:
        """Keeps a token, in place of the context's older one; raises KeyringError."""
        logs.hide(token.reveal())

        def keep() -> None:
            backend = _backend()
            if _module(backend) == "Windows" and len(token.reveal().encode("utf-16-le")) > WINDOWS_ENTRY_MAX_BYTES:
                raise KeyringError(
                    "The token is too long for the Windows Credential Manager.",
                    hint="Keep it for this session only or in a file.",
                )
            backend.set_password(SERVICE, _user_name(context), token.reveal())

        self._limited(keep, self._timeout_s, _WAY_ON)

    def delete(self, context: Context) -> None:
        """Removes a context's entry, if there is one; raises KeyringError."""

        def delete() -> None:
            backend = _backend()
            if backend.get_password(SERVICE, _user_name(context)) is not None:
                backend.delete_password(SERVICE, _user_name(context))

        self._limited(delete, self._timeout_s, _WAY_ON_REMOVING)

    def _limited(self, work: Callable[[], _T], timeout_s: float, way_on: str) -> _T:
        if not self._allowed:
            raise KeyringError("The OS keyring is switched off.", hint=_WAY_ON_ALLOWED)
        answers: list[_T] = []
        errors: list[Exception] = []
        done = threading.Event()

        def run() -> None:
            try:
                answers.append(work())
            except Exception as exc:  # noqa: BLE001 - backends raise whatever their library raises
                errors.append(exc)
            done.set()

        threading.Thread(target=run, name="keyring", daemon=True).start()
        if not done.wait(min(NOTICE_AFTER_S, timeout_s)) and timeout_s > NOTICE_AFTER_S:
            self._notice(
                f"Waiting for the OS keyring, at most {timeout_s:.0f} s; it may be asking for its password ..."
            )
            done.wait(timeout_s - NOTICE_AFTER_S)
        if not done.is_set():
            raise KeyringError(f"The OS keyring did not answer within {timeout_s:.0f} s.", hint=way_on)
        for error in errors:
            if isinstance(error, ModelsyncError):
                raise error
            raise _translated(error, way_on) from error
        return answers[0]


def _user_name(context: Context) -> str:
    return f"{context.endpoint} {context.name}"


def _backend() -> "KeyringBackend":
    import keyring  # on the thread with the time limit: importing finds backends, and they may fail to import

    chosen = keyring.get_keyring()
    chained: Iterable[KeyringBackend] = getattr(chosen, "backends", ())  # of keyring's ChainerBackend
    for backend in (chosen, *chained):
        if type(backend).__module__.startswith(_OWN_BACKENDS) and _module(backend) not in _NOT_KEEPING:
            return backend
    raise KeyringError(
        "This machine has no OS keyring that a program can reach.",
        hint="Keep the token for this session only or in a file.",
    )


def _module(backend: "KeyringBackend") -> str:
    return type(backend).__module__.rpartition(".")[2]


def _name(backend: "KeyringBackend") -> str:
    return _NAMES.get(_module(backend), _module(backend))


def _translated(error: BaseException, way_on: str = _WAY_ON) -> KeyringError:
    _logger.warning("the keyring failed: %s: %s", type(error).__name__, error)
    if type(error).__name__ in ("KeyringLocked", "LockedException", "PromptDismissedException"):
        return KeyringError("The OS keyring is locked.", hint=way_on)
    detail = " ".join(logs.masked(f"{type(error).__name__}: {error}").split())[:200].rstrip(".")
    return KeyringError(f"The OS keyring failed ({detail}).", hint=way_on)
