"""The sign-in screen: asks whose a token is and keeps it; it opens no connection of its own."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Center
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Button, Input, Static

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.credentials import DEFAULT_ENDPOINT
from modelsync.errors import ModelsyncError
from modelsync.model import Organization, User
from modelsync_tui import glyphs, sign_in_words, text, work
from modelsync_tui.asking import Asking
from modelsync_tui.closing import ClosesOnce
from modelsync_tui.sign_in import BrowserPage, OrganizationNeeded, SignIn, SignInAnswer, SignInWish
from modelsync_tui.widgets.sign_in_form import SignInForm

if TYPE_CHECKING:
    from modelsync.credentials.yatai import YataiContext

_TICK_S = 0.25
_ROOMY_ROWS = 28
_LOW_ROWS = 24
"""The card scrolls below so many; its sentence then stays in sight."""
_KEPT_IN = {TokenSource.KEYRING: "the keyring", TokenSource.FILE: "the file"}


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The token was accepted and its account is kept."""

    account: Account
    user: User
    organization: Organization


@dataclass(frozen=True, slots=True)
class Offline:
    """A person goes on without signing in."""


class LoginScreen(ClosesOnce[SignedIn | Offline]):
    """A card that signs in; nothing is sent before a person says so."""

    CSS_PATH = "login.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "go on without", id="login.offline", tooltip="stop waiting, or go on without"),
        Binding("enter", "submit", show=False, id="login.submit", tooltip="sign in"),
        Binding("ctrl+b", "browser", show=False, id="login.browser", tooltip="make a token in a browser"),
        Binding("f2", "import", show=False, id="login.import", tooltip="take over a context that BentoML kept"),
    ]

    def __init__(
        self,
        sign_in: SignIn,
        *,
        endpoint: str = DEFAULT_ENDPOINT,
        context: str = "default",
        credentials_file: str = "",
        yatai_file: str = "",
        message: str = "",
        back: bool = False,
    ) -> None:
        """`message`: why a person is asked, such as a token that is no longer accepted; `back`: they are online."""
        super().__init__()
        self._sign_in = sign_in
        self._first = SignInWish(endpoint, context)
        self._credentials_file = credentials_file
        self._yatai_file = yatai_file
        self._first_message = message
        self._leave = "Back" if back else "Offline"
        self._found: tuple[YataiContext, ...] = ()
        self._taken: tuple[str, Token] | None = None
        """A token that was not typed, and the endpoint that it is for."""
        self._page: BrowserPage | None = None
        self._read_only_told = False
        self._ticker: Timer | None = None

    def compose(self) -> ComposeResult:
        self._form = SignInForm(
            self._first,
            credentials_file=self._credentials_file,
            yatai_file=self._yatai_file,
            leave=self._leave,
            enter=self._enter,
        )
        yield Static(Content(" modelsync  Sign in"), id="head", markup=False)
        with Center(id="middle"):
            yield self._form
        yield Static(id="promise", markup=False)
        yield Static(id="keys", markup=False)

    def on_mount(self) -> None:
        self.set_class(glyphs.of(self.app) is glyphs.ASCII, "-ascii")
        self._asking = Asking(self.app, self._refused, group="sign-in")
        if self._first_message:
            self._form.say(self._first_message, kind="-warn")
        self._form.ask_token()
        self._ticker = self.set_interval(_TICK_S, self._tick)
        ask = partial(work.run, self.app, group="sign-in")
        form = self._form
        ask(self._sign_in.keyring_status, form.keyring_seen, form.keyring_failed, description="look for the keyring")
        ask(self._sign_in.found, self._show_found, _ignored, description="look for BentoML's contexts")
        self._look_up()

    def on_unmount(self) -> None:
        self._asking.give_up()

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        self.set_class(height >= _ROOMY_ROWS, "-roomy")
        self.set_class(height < _LOW_ROWS, "-low")
        self._form.fit(width)
        self.query_one("#promise", Static).update(Content(sign_in_words.promise(width)))
        self.query_one("#keys", Static).update(Content(sign_in_words.keys(self._enter, self._leave, width)))

    @property
    def _enter(self) -> str:
        """What stands for the Enter key."""
        return glyphs.of(self.app).enter if glyphs.of(self.app) is not glyphs.ASCII else "Enter"

    # What a person does

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_submit()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        match event.button.id:
            case "sign-in":
                self.action_submit()
            case "browser":
                self.action_browser()
            case "import":
                self.action_import()
            case _:
                self.dismiss(Offline())

    def action_leave(self) -> None:
        """Stops waiting for an answer; where none is waited for, goes on without signing in."""
        if self._asking.waits:
            self._asking.give_up()
            self._show_page(None)
            self._form.say("Stopped. Nothing was kept.", kind="-warn")
        else:
            self.dismiss(Offline())

    def action_submit(self) -> None:
        """Asks the registry whose token it is, and keeps it."""
        if self._asking.waits:
            return
        token, wish = self._token(), self._form.wish
        if not token:
            self._form.say("Paste the API token first.", kind="-warn")
            self._form.ask_token()
            return
        self._asking.ask(
            lambda _: self._sign_in.check(wish, token),
            self._checked,
            f"Asking {text.literal(wish.endpoint)}",
        )
        self._tick()

    def action_browser(self) -> None:
        """Lets a person make a token in a browser, on this machine or any other."""
        if self._asking.waits:
            return
        wish = self._form.wish
        self._asking.ask(
            lambda control: self._sign_in.begin_in_browser(wish, control),
            partial(self._page_there, wish),
            f"Asking {text.literal(wish.endpoint)} for a page to sign in on",
        )
        self._tick()

    def action_import(self) -> None:
        """Signs in with a context of BentoML's own file, which is only read."""
        from modelsync_tui.dialogs.menu import Choice, Menu

        if self._asking.waits or not self._found:
            return
        if len(self._found) == 1:
            self._import(self._found[0])
            return
        by_key = dict(zip(sign_in_words.MENU_KEYS, self._found, strict=False))
        choices = [Choice(key, sign_in_words.found_line(one)) for key, one in by_key.items()]
        at = next((key for key, one in by_key.items() if one.is_current), "")
        menu = Menu(f"Import from {self._yatai_file}", choices, at=at)
        self.app.push_screen(menu, lambda key: self._import(by_key[key]) if key else None)

    def _import(self, found: "YataiContext") -> None:
        self._use(found.name, found.endpoint, found.token)

    def _use(self, context: str, endpoint: str, token: Token) -> None:
        """Signs in with a token that nobody typed."""
        self._form.fill(context, endpoint)
        self._taken = self._form.wish.endpoint, token
        self.action_submit()

    def _token(self) -> str | Token:
        """What was typed, else what came in another way for this very endpoint; empty for none."""
        typed = self._form.typed_token
        if typed or self._taken is None or self._taken[0] != self._form.wish.endpoint:
            return typed
        return self._taken[1]

    # What comes back

    def _page_there(self, wish: SignInWish, page: BrowserPage) -> None:
        self._show_page(page)
        self._asking.ask(
            lambda control: self._sign_in.wait_for_browser(page, control), partial(self._confirmed, wish), "Waiting"
        )
        self._tick()

    def _confirmed(self, wish: SignInWish, token: Token) -> None:
        self._show_page(None)
        self._use(wish.context, wish.endpoint, token)

    def _checked(self, answer: SignInAnswer | OrganizationNeeded) -> None:
        match answer:
            case OrganizationNeeded():
                self._form.ask_organization(answer)
                self._form.mark(sign_in_words.choose_organization(answer), bad=False)
            case SignInAnswer() if not answer.may_push and not self._read_only_told:
                self._read_only_told = True
                self._form.make_read_only()
                self._form.mark(sign_in_words.MAY_NOT_PUSH, bad=False)
            case SignInAnswer():
                self._keep(answer)

    def _keep(self, answer: SignInAnswer) -> None:
        where = self._form.kept_in
        self._asking.ask(
            lambda _: self._sign_in.keep(answer, where),
            lambda account: self._kept(account, answer),
            f"Signed in as {text.literal(answer.user.label)}; keeping the token in {_KEPT_IN.get(where, 'memory')}",
        )
        self._tick()

    def _kept(self, account: Account, answer: SignInAnswer) -> None:
        self._form.forget_token()
        self._taken = None
        self.dismiss(SignedIn(account, answer.user, answer.organization))

    def _refused(self, error: ModelsyncError) -> None:
        self._show_page(None)
        self._form.mark(text.literal(error.sentence), bad=True)
        self._form.ask_token()

    # What is shown

    def show_notice(self, words: str) -> None:
        """Says why an answer takes long; for the keyring, which may be asking its person."""
        if self._asking.waits:
            self._asking.told = words.rstrip(" .")

    def _tick(self) -> None:
        ellipsis = glyphs.of(self.app).ellipsis
        if self._page is not None and self._asking.waits:
            self._form.say(sign_in_words.page(self._page, self._asking.seconds, ellipsis))
        elif self._asking.waits:
            self._form.say(sign_in_words.waiting(self._asking.told, self._asking.seconds, ellipsis), kind="-muted")
        self._form.tick()

    def _show_page(self, page: BrowserPage | None) -> None:
        self._page = page
        self._form.make_room(page is not None)

    @on(SignInForm.Changed)
    def _changed(self) -> None:
        self._read_only_told = False

    @on(SignInForm.PlaceNamed)
    def _look_up(self) -> None:
        wish = self._form.wish
        look = partial(self._sign_in.kept, wish.endpoint, wish.context)
        work.run(
            self.app, look, self._known, _ignored, group="sign-in", description="look what is known of the context"
        )

    def _known(self, context: Context) -> None:
        if self.is_attached:
            self._form.suggest_read_only(context.read_only)

    def _show_found(self, found: "tuple[YataiContext, ...]") -> None:
        self._found = found[: len(sign_in_words.MENU_KEYS)]
        if found and self.is_attached:
            self._form.offer_import(found)


def _ignored(_: ModelsyncError) -> None:
    """What cannot be looked up now is told when it is asked for."""
