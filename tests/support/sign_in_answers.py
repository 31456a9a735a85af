"""The sign-in screen's questions, answered as a test wants them."""

import threading

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.browser_login import BrowserLogin
from modelsync.credentials import KeyringStatus
from modelsync.credentials.yatai import YataiContext
from modelsync.errors import AuthenticationError, KeyringError, ModelsyncError
from modelsync.model import Organization, User
from modelsync.transfer.control import Control
from modelsync_tui.sign_in import BrowserPage, OrganizationNeeded, SignInAnswer, SignInWish

HERE = KeyringStatus(usable=True, name="Secret Service", reason="")
NOT_HERE = KeyringStatus(usable=False, name="", reason="No keyring answers here.")
PAGE_TOKEN = "tok-from-the-page"


class ChosenAnswers:
    """Answers as told: the seam of the screen, for what a real registry does not do on demand."""

    def __init__(
        self,
        *,
        keyring: KeyringStatus = HERE,
        refuses: ModelsyncError | None = None,
        keeps: bool = True,
        may_push: bool = True,
        organizations: tuple[str, ...] = (),
        found: tuple[YataiContext, ...] = (),
        kept: Context | None = None,
        has_browser: bool = True,
    ) -> None:
        self.keyring = keyring
        self.refuses = refuses
        self.keeps = keeps
        self.may_push = may_push
        self.organizations = organizations
        self.contexts_found = found
        self.context_kept = kept
        self.has_browser = has_browser
        self.wishes: list[SignInWish] = []
        self.tokens: list[str] = []
        self.kept_as: list[tuple[Account, TokenSource]] = []
        self.go_on, self.keyring_answers, self.confirmed = threading.Event(), threading.Event(), threading.Event()
        self.go_on.set()
        self.keyring_answers.set()

    @property
    def places(self) -> list[TokenSource]:
        return [where for _, where in self.kept_as]

    def kept(self, endpoint: str, context_name: str) -> Context:
        before = self.context_kept
        return before if before is not None and before.name == context_name else Context(context_name, endpoint)

    def check(self, wish: SignInWish, token: str | Token) -> SignInAnswer | OrganizationNeeded:
        clean = token if isinstance(token, Token) else Token(token)
        self.wishes.append(wish)
        self.tokens.append(clean.reveal())
        self.go_on.wait(20)
        if self.refuses is not None:
            raise self.refuses
        if self.organizations and not wish.organization:
            return OrganizationNeeded(self.organizations, self.organizations[0])
        read_only = self.kept(wish.endpoint, wish.context).read_only if wish.read_only is None else wish.read_only
        context = Context(wish.context, wish.endpoint, organization=wish.organization or None, read_only=read_only)
        account = Account(context, clean, TokenSource.SESSION)
        user, organization = User("mia", "mia@acme.io"), Organization(wish.organization or "acme")
        return SignInAnswer(account, user, organization, may_push=self.may_push or read_only)

    def keep(self, answer: SignInAnswer, where: TokenSource) -> Account:
        if not self.keeps:
            raise KeyringError("The keyring is locked.", hint="Unlock it, or keep the token for this session.")
        self.kept_as.append((answer.account, where))
        return answer.account

    def keyring_status(self) -> KeyringStatus:
        self.keyring_answers.wait(20)
        return self.keyring

    def begin_in_browser(self, wish: SignInWish, control: Control) -> BrowserPage:
        if not self.has_browser:
            raise AuthenticationError("models.acme.io has no sign-in by browser.", hint="Make a token there.")
        context = Context(wish.context, wish.endpoint)
        url = f"{wish.endpoint}/api_tokens?code=c0de-4711"
        return BrowserPage(BrowserLogin(context, "c0de-4711", url), opened=False)

    def wait_for_browser(self, page: BrowserPage, control: Control) -> Token:
        while not self.confirmed.wait(0.01):
            control.check()
        return Token(PAGE_TOKEN)

    def found(self) -> tuple[YataiContext, ...]:
        return self.contexts_found
