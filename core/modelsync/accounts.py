"""Signing in: a token is checked with its registry before anything is kept."""

from dataclasses import replace
from pathlib import Path

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.errors import ModelsyncError, PermissionDeniedError
from modelsync.model import Organization, User
from modelsync.registry.retry import Waiting


def sign_in(
    context: Context,
    token: Token,
    *,
    source: TokenSource = TokenSource.SESSION,
    ca_file: Path | None = None,
    timeout_s: float = 60.0,
    waiting: Waiting | None = None,
) -> tuple[User, Organization]:
    """Asks the registry who the token belongs to and where its models go; keeps nothing.

    `waiting` is told in a sentence when the registry is asked again after trouble. `source` is where the token came
    from: what helps when it is refused depends on it.

    Raises TokenRefusedError, PermissionDeniedError, NotARegistryError, TlsError, UnreachableError, or UsageError for
    an endpoint that may not be used.
    """
    from modelsync.registry.client import Registry  # here, so that the module can be read without loading HTTP

    account = Account(context, token, source)
    with Registry(account, ca_file=ca_file, timeout_s=timeout_s, waiting=waiting) as registry:
        return registry.current_user(), registry.current_organization()


def signed_in(context: Context, token: Token, source: TokenSource, user: User) -> Account:
    """The account to keep after `sign_in`: the context now knows who its token belongs to."""
    return Account(replace(context, user=user.label), token, source)


def may_push(context: Context, token: Token, *, ca_file: Path | None = None, timeout_s: float = 60.0) -> bool | None:
    """Whether the token's scopes allow pushing; None when that cannot be told, as for a registry without models.

    Changes nothing; for after `sign_in`; never raises.
    """
    from modelsync.registry.client import Registry
    from modelsync.registry.rights import ask_to_push

    try:
        with Registry(Account(context, token, TokenSource.SESSION), ca_file=ca_file, timeout_s=timeout_s) as registry:
            return ask_to_push(registry) or None
    except PermissionDeniedError:
        return False
    except ModelsyncError:
        return None
