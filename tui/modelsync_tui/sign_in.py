"""What the sign-in screen asks for, and the way through core that answers it; every call blocks."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from modelsync.account import Account, Context, TokenSource
from modelsync.model import Organization, User

if TYPE_CHECKING:  # what it loads must not be waited for by the first frame
    from modelsync.credentials import Credentials, KeyringStatus

KEYRING_LOOK_S = 5.0
"""So long a keyring may take to say that it is there; the screen counts the seconds."""


@dataclass(frozen=True, slots=True)
class SignInAnswer:
    """Who a token turned out to belong to; its account is not kept yet."""

    account: Account
    user: User
    organization: Organization


class SignIn(Protocol):
    """The questions of the sign-in screen. Failures are ModelsyncErrors."""

    def check(self, endpoint: str, token_text: str, context_name: str) -> SignInAnswer:
        """Asks the registry at the typed address whose token it is; keeps nothing."""
        ...

    def keep(self, answer: SignInAnswer, where: TokenSource) -> Account:
        """Keeps the account there and makes it the current one."""
        ...

    def keyring_status(self) -> "KeyringStatus":
        """Whether the OS keyring can keep a token."""
        ...


class AccountSignIn:
    """Signs in with the registry and keeps the account among this person's credentials."""

    def __init__(self, credentials: "Credentials", *, ca_file: Path | None = None) -> None:
        self._credentials = credentials
        self._ca_file = ca_file

    def check(self, endpoint: str, token_text: str, context_name: str) -> SignInAnswer:
        from modelsync.accounts import sign_in, signed_in
        from modelsync.credentials import clean_context_name, clean_endpoint, clean_token

        context = Context(clean_context_name(context_name), clean_endpoint(endpoint))
        token = clean_token(token_text)
        user, organization = sign_in(context, token, ca_file=self._ca_file)
        return SignInAnswer(signed_in(context, token, TokenSource.SESSION, user), user, organization)

    def keep(self, answer: SignInAnswer, where: TokenSource) -> Account:
        account = replace(answer.account, source=where)
        self._credentials.keep(account, where)
        return account

    def keyring_status(self) -> "KeyringStatus":
        return self._credentials.keyring_status(KEYRING_LOOK_S)
