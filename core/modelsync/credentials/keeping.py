"""Which account a run uses, and keeping one for the next run."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import assert_never

from modelsync import logs
from modelsync.account import Account, Context, Token, TokenSource
from modelsync.credentials.checks import DEFAULT_ENDPOINT, clean_context_name, clean_endpoint, clean_token
from modelsync.credentials.context_file import ContextFile, KeptContext, KeptContexts
from modelsync.credentials.os_keyring import KEYRING_TIMEOUT_S, KeyringStatus, OsKeyring
from modelsync.credentials.token_file import TokenFile
from modelsync.errors import AuthenticationError, NotSignedInError, UsageError
from modelsync.paths import Paths

TOKEN_VARIABLE = "BENTO_CLOUD_API_KEY"
ENDPOINT_VARIABLE = "BENTO_CLOUD_API_ENDPOINT"
ENVIRONMENT_CONTEXT = "environment"
"""The name that the account of the environment goes by."""
_SIGN_IN = "Sign in with `modelsync login`."

_logger = logging.getLogger(__name__)


class Credentials:
    """The accounts of one person on this machine."""

    def __init__(
        self,
        paths: Paths,
        environ: Mapping[str, str] = os.environ,
        *,
        keyring_timeout_s: float = KEYRING_TIMEOUT_S,
        notice: Callable[[str], object] = lambda _text: None,
        keyring: bool = True,
    ) -> None:
        """`notice` is told, on the caller's thread, when the keyring lets one wait, and for how long at most.

        Without `keyring` the OS keyring is never asked.
        """
        self._environ = environ
        self._file = ContextFile(paths.contexts_file)
        self._tokens = TokenFile(paths.credentials_file)
        self._keyring = OsKeyring(keyring_timeout_s, notice, allowed=keyring)
        self._session: dict[str, Token] = {}

    def account(self, context: str | None = None, *, default: str | None = None) -> Account:
        """The account to use: the environment's where it has one, else of the named or the current context.

        `default` is the context of the settings: it stands for the current one, and the environment wins over it.
        Raises UsageError for a context named beside BENTO_CLOUD_API_KEY (the real client would silently drop one of
        them, registry contract 6), NotSignedInError when there is no account, and KeyringError when the keyring holds
        it and does not give it. May wait for a person to unlock the keyring.
        """
        self.check_named(context)
        if self.environment_wins:
            account = self._of_environment()
        else:
            kept = self._chosen(self._file.read(), context if context is not None else default)
            account = Account(kept.context, self._token(kept), kept.source)
        logs.hide(account.token.reveal())
        return account

    def check_named(self, context: str | None) -> None:
        """Raises UsageError for a context that a person named beside BENTO_CLOUD_API_KEY; None was not named."""
        if context is not None and self.environment_wins:
            raise UsageError(
                f"{TOKEN_VARIABLE} is set and wins over every context, also over {context!r}.",
                hint=f"Unset {TOKEN_VARIABLE}, or leave the context out.",
            )

    @property
    def environment_wins(self) -> bool:
        """Whether BENTO_CLOUD_API_KEY is set, so that no kept context is used."""
        return bool(self._environ.get(TOKEN_VARIABLE, "").strip())

    def contexts(self) -> tuple[Context, ...]:
        """The kept contexts, oldest first; raises AuthenticationError when their file cannot be understood."""
        return tuple(kept.context for kept in self._file.read().by_name.values())

    def context(self, name: str, endpoint: str) -> Context:
        """What to sign in to: the context kept by that name if it is of the same registry, else a new one.

        So a new token ends neither a context's read-only mode nor its organization.
        """
        kept = self._file.read().by_name.get(name)
        return kept.context if kept is not None and kept.context.endpoint == endpoint else Context(name, endpoint)

    def source(self, name: str) -> TokenSource:
        """Where the token of a kept context is; raises NotSignedInError."""
        return self._chosen(self._file.read(), name).source

    def current(self) -> str | None:
        """The name of the context that is used when none is named."""
        return self._file.read().current

    def use(self, name: str) -> None:
        """Makes a kept context the current one; raises NotSignedInError when there is none of that name."""
        contexts = self._file.read()
        self._file.write(contexts.using(self._chosen(contexts, name).context.name))

    def keep(self, account: Account, where: TokenSource) -> None:
        """Keeps an account and makes it the current one; other copies of the context's token are removed.

        KEYRING and FILE (mode 0600, plain text) outlast this process; SESSION keeps the token in memory, and on disk
        only who and where. Raises UsageError for ENVIRONMENT, KeyringError, AuthenticationError.
        """
        context = account.context
        clean_context_name(context.name)
        logs.hide(account.token.reveal())
        contexts = self._file.read()
        match where:
            case TokenSource.KEYRING:
                self._keyring.set(context, account.token)
            case TokenSource.FILE:
                self._tokens.set(context, account.token)
            case TokenSource.SESSION:
                self._session[context.name] = account.token
            case TokenSource.ENVIRONMENT:
                raise UsageError("The environment keeps its token itself.", hint="Keep it in the keyring or a file.")
            case _:
                assert_never(where)
        kept = KeptContext(context, where)
        self._file.write(contexts.with_(kept))
        self._drop_older(contexts.by_name.get(context.name), kept)

    def forget(self, name: str) -> None:
        """Removes a context and its token; raises NotSignedInError, or KeyringError with nothing removed."""
        contexts = self._file.read()
        self._drop(self._chosen(contexts, name))
        self._file.write(contexts.without(name))

    def keyring_status(self, timeout_s: float = 5.0) -> KeyringStatus:
        """Whether the OS keyring can keep a token; may wait for the person, never raises."""
        return self._keyring.status(timeout_s)

    def _of_environment(self) -> Account:
        with _of_variable(TOKEN_VARIABLE):
            token = clean_token(self._environ[TOKEN_VARIABLE])
        with _of_variable(ENDPOINT_VARIABLE):
            endpoint = clean_endpoint(self._environ.get(ENDPOINT_VARIABLE) or DEFAULT_ENDPOINT)
        return Account(Context(ENVIRONMENT_CONTEXT, endpoint), token, TokenSource.ENVIRONMENT)

    def _chosen(self, contexts: KeptContexts, name: str | None) -> KeptContext:
        wanted = name if name is not None else contexts.current
        if wanted is not None and wanted in contexts.by_name:
            return contexts.by_name[wanted]
        known = ", ".join(contexts.by_name)
        if name is not None:
            hint = f"Kept are: {known}." if known else _SIGN_IN
            raise NotSignedInError(f"No context {name!r} is kept.", hint=hint)
        if known:
            raise NotSignedInError("No context is the current one.", hint=f"Choose with `modelsync use`: {known}.")
        raise NotSignedInError(
            "You are not signed in to a registry.", hint=f"{_SIGN_IN[:-1]}, or set {TOKEN_VARIABLE}."
        )

    def _token(self, kept: KeptContext) -> Token:
        name = kept.context.name
        match kept.source:
            case TokenSource.KEYRING:
                token = self._keyring.get(kept.context)
            case TokenSource.FILE:
                token = self._tokens.get(kept.context)
            case TokenSource.SESSION | TokenSource.ENVIRONMENT:
                token = self._session.get(name)
            case _:
                assert_never(kept.source)
        if token is None:
            where = "was kept for another session only" if kept.source is TokenSource.SESSION else "is gone"
            raise NotSignedInError(
                f"The token of context {name!r} {where}.",
                hint=f"Sign in again with `modelsync login --context {name}`.",
            )
        return token

    def _drop_older(self, older: KeptContext | None, kept: KeptContext) -> None:
        if older is None:
            return
        if (older.source, older.context.endpoint) == (kept.source, kept.context.endpoint):
            return
        if older.source is kept.source is TokenSource.SESSION:
            return  # the memory goes by the context's name: the new token took the old one's place
        try:
            self._drop(older)
        except AuthenticationError as exc:
            _logger.warning("the older token of context %s stays where it was: %s", older.context.name, exc)

    def _drop(self, kept: KeptContext) -> None:
        match kept.source:
            case TokenSource.KEYRING:
                self._keyring.delete(kept.context)
            case TokenSource.FILE:
                self._tokens.delete(kept.context)
            case TokenSource.SESSION | TokenSource.ENVIRONMENT:
                self._session.pop(kept.context.name, None)
            case _:
                assert_never(kept.source)


@contextmanager
def _of_variable(name: str) -> Iterator[None]:
    """Says of what is refused that it stands in the environment, which a person may have forgotten."""
    try:
        yield
    except UsageError as exc:
        raise UsageError(f"{name}: {exc.message}", hint=exc.hint) from exc
