"""What the sign-in screen asks for, and the way through core that answers it; every call blocks."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.errors import AuthenticationError, ModelsyncError, PermissionDeniedError, TokenRefusedError
from modelsync.model import Organization, User
from modelsync.transfer.control import Control

if TYPE_CHECKING:  # what it loads must not be waited for by the first frame
    from modelsync.browser_login import BrowserLogin
    from modelsync.credentials import Credentials, KeyringStatus
    from modelsync.credentials.yatai import YataiContext

KEYRING_LOOK_S = 5.0
"""So long a keyring may take to say that it is there; the screen counts the seconds."""
REPLY_WITHIN_S = 20.0
"""So long a registry may take for one answer, before a person is told."""


@dataclass(frozen=True, slots=True)
class SignInWish:
    """What a person filled in, beside the token."""

    endpoint: str
    context: str
    organization: str = ""
    """Empty: the one that the context had, else what the registry says."""
    read_only: bool | None = None
    """None: as the context was, or not."""


@dataclass(frozen=True, slots=True)
class SignInAnswer:
    """Who a token turned out to belong to; its account is not kept yet."""

    account: Account
    user: User
    organization: Organization
    may_push: bool = True
    """False: its scopes allow reading only."""


@dataclass(frozen=True, slots=True)
class OrganizationNeeded:
    """The token is good, and its person has to say for which organization."""

    names: tuple[str, ...]
    first: str
    """Where models go unless something else is said."""
    reason: str = ""
    """Why the one that was said cannot be; empty when none was."""


@dataclass(frozen=True, slots=True)
class BrowserPage:
    """A page that waits for a person to confirm there."""

    login: "BrowserLogin" = field(repr=False)
    opened: bool
    """False: a person must open it, on whatever machine they have a browser."""

    @property
    def url(self) -> str:
        return self.login.url

    @property
    def code(self) -> str:
        return self.login.code


class SignIn(Protocol):
    """The questions of the sign-in screen. Failures are ModelsyncErrors."""

    def kept(self, endpoint: str, context_name: str) -> Context:
        """What is known of this context, if anything is; reads one file. Raises UsageError for what cannot be."""
        ...

    def check(self, wish: SignInWish, token: str | Token) -> SignInAnswer | OrganizationNeeded:
        """Asks the registry at the typed address whose token it is; keeps nothing."""
        ...

    def keep(self, answer: SignInAnswer, where: TokenSource) -> Account:
        """Keeps the account there and makes it the current one."""
        ...

    def keyring_status(self) -> "KeyringStatus":
        """Whether the OS keyring can keep a token."""
        ...

    def begin_in_browser(self, wish: SignInWish, control: Control) -> BrowserPage:
        """Begins a sign-in that a person confirms in a browser, and opens its page where that is possible."""
        ...

    def wait_for_browser(self, page: BrowserPage, control: Control) -> Token:
        """Waits until it was confirmed; raises Cancelled when `control` says so."""
        ...

    def found(self) -> "tuple[YataiContext, ...]":
        """The contexts that BentoML itself kept on this machine."""
        ...


class AccountSignIn:
    """Signs in with the registry and keeps the account among this person's credentials."""

    def __init__(
        self,
        credentials: "Credentials",
        *,
        store: Path | None = None,
        ca_file: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """`store` is BENTOML_HOME, where BentoML keeps its own contexts; `environ` says whether there is a desktop."""
        self._credentials = credentials
        self._store = store
        self._ca_file = ca_file
        self._environ = environ if environ is not None else {}

    def kept(self, endpoint: str, context_name: str) -> Context:
        from modelsync.credentials import clean_context_name, clean_endpoint

        return self._credentials.context(clean_context_name(context_name), clean_endpoint(endpoint))

    def check(self, wish: SignInWish, token: str | Token) -> SignInAnswer | OrganizationNeeded:
        from modelsync.accounts import may_push, sign_in, signed_in
        from modelsync.credentials import clean_token

        context = self._context(wish)
        clean = token if isinstance(token, Token) else clean_token(token)
        try:
            user, organization = sign_in(context, clean, ca_file=self._ca_file, timeout_s=REPLY_WITHIN_S)
        except (PermissionDeniedError, TokenRefusedError) as error:
            if needed := self._another_organization(context, clean, error):
                return needed
            raise
        if context.organization is None:
            names = self._organizations(context, clean)
            if len(names) > 1:
                return OrganizationNeeded(names, organization.name)
        pushes = context.read_only or may_push(context, clean, ca_file=self._ca_file, timeout_s=REPLY_WITHIN_S)
        account = signed_in(context, clean, TokenSource.SESSION, user)
        return SignInAnswer(account, user, organization, may_push=pushes is not False)

    def keep(self, answer: SignInAnswer, where: TokenSource) -> Account:
        account = replace(answer.account, source=where)
        self._credentials.keep(account, where)
        return account

    def keyring_status(self) -> "KeyringStatus":
        return self._credentials.keyring_status(KEYRING_LOOK_S)

    def begin_in_browser(self, wish: SignInWish, control: Control) -> BrowserPage:
        from modelsync import browser_login

        login = browser_login.start(self._context(wish), ca_file=self._ca_file, control=control)
        return BrowserPage(login, browser_login.open_page(login.url, self._environ))

    def wait_for_browser(self, page: BrowserPage, control: Control) -> Token:
        from modelsync import browser_login

        return browser_login.wait(page.login, control=control)

    def found(self) -> "tuple[YataiContext, ...]":
        from modelsync.credentials.yatai import contexts_of

        return contexts_of(self._store) if self._store is not None else ()

    def _context(self, wish: SignInWish) -> Context:
        before = self.kept(wish.endpoint, wish.context)
        return replace(
            before,
            organization=wish.organization or before.organization,
            read_only=before.read_only if wish.read_only is None else wish.read_only,
        )

    def _organizations(self, context: Context, token: Token) -> tuple[str, ...]:
        """Those a person may choose from; none where the registry does not tell."""
        from modelsync.registry.client import Registry

        account = Account(context, token, TokenSource.SESSION)
        try:
            with Registry(account, ca_file=self._ca_file, timeout_s=REPLY_WITHIN_S) as registry:
                return tuple(sorted({organization.name for organization in registry.organizations()}))
        except ModelsyncError:
            return ()

    def _another_organization(
        self, context: Context, token: Token, error: AuthenticationError
    ) -> OrganizationNeeded | None:
        """What to choose from when the context's own organization is not one of this person's."""
        if context.organization is None:
            return None
        names = self._organizations(replace(context, organization=None), token)
        if not names or context.organization in names:
            return None
        return OrganizationNeeded(names, names[0], error.message)
