"""The sign-in screen: where, who, and where the token will be kept; it opens no connection of its own."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Center, Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Button, Input, Static

from modelsync.account import Account, TokenSource
from modelsync.credentials import DEFAULT_ENDPOINT, KeyringStatus
from modelsync.errors import ModelsyncError
from modelsync.model import Organization, User
from modelsync_tui import glyphs, text
from modelsync_tui.dialogs.card import bracketed, choice
from modelsync_tui.sign_in import KEYRING_LOOK_S, SignIn, SignInAnswer
from modelsync_tui.widgets.pick import Option, Pick
from modelsync_tui.widgets.token_input import TokenInput
from modelsync_tui.work import run as work_in_thread

T = TypeVar("T")
V = TypeVar("V")
_TICK_S = 0.25


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The token was accepted and its account is kept."""

    account: Account
    user: User
    organization: Organization


@dataclass(frozen=True, slots=True)
class Offline:
    """A person goes on with the local store only."""


class LoginScreen(Screen[SignedIn | Offline]):
    """A card that signs in; nothing is sent before its button is pressed."""

    CSS_PATH = "login.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "local store only", id="login.offline", tooltip="go on without a registry"),
    ]

    def __init__(
        self,
        sign_in: SignIn,
        *,
        endpoint: str = DEFAULT_ENDPOINT,
        context: str = "default",
        credentials_file: str = "",
        message: str = "",
    ) -> None:
        """`message`: why a person is asked, such as a token that is no longer accepted."""
        super().__init__()
        self._sign_in = sign_in
        self._first_endpoint = endpoint
        self._first_context = context
        self._credentials_file = credentials_file
        self._first_message = message
        self._keyring: KeyringStatus | None = None
        self._asking = 0
        """Counts the questions asked; an answer to an older one is not heard."""
        self._waiting_for = ""
        self._waiting_since = 0.0
        self._looking_since = 0.0
        self._ticker: Timer | None = None

    def compose(self) -> ComposeResult:
        enter = "Enter" if glyphs.of(self.app) is glyphs.ASCII else "↵"
        yield Static(Content(" modelsync  Sign in"), id="head", markup=False)
        with Center(id="middle"), Vertical(id="card") as card:
            card.border_title = Content("Sign in to BentoCloud or another registry")
            with Horizontal(classes="field"):
                yield Static("Context", markup=False)
                yield from bracketed(Input(self._first_context, id="context", compact=True, select_on_focus=False))
            with Horizontal(classes="field"):
                yield Static("Endpoint", markup=False)
                yield from bracketed(Input(self._first_endpoint, id="endpoint", compact=True, select_on_focus=False))
            with Horizontal(classes="field"):
                yield Static("API token", markup=False)
                yield from bracketed(TokenInput(id="token"))
            with Horizontal(id="where-row"):
                yield Static("Save to", markup=False)
                yield Pick(self._places(), TokenSource.SESSION, id="where")
            with Horizontal(id="choices"):
                yield choice("Sign in", enter, id="sign-in")
                yield choice("Offline", "Esc", id="offline")
            yield Static(id="message", markup=False)
        yield Static(
            Content("  Nothing is sent until you press Sign in. The token is never shown or logged."),
            id="promise",
            markup=False,
        )
        keys = f" {enter} sign in  Tab next  Esc browse the local store only  ^q quit"
        yield Static(Content(keys), id="keys", markup=False)

    def on_mount(self) -> None:
        self.set_class(glyphs.of(self.app) is glyphs.ASCII, "-ascii")
        if self._first_message:
            self._say(self._first_message, kind="-warn")
        self.set_focus(self.query_one(TokenInput))
        self._looking_since = time.monotonic()
        self._ticker = self.set_interval(_TICK_S, self._tick)
        self._run(self._sign_in.keyring_status, self._keyring_seen, self._keyring_failed, "looking for the keyring")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._submit()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "sign-in":
            self._submit()
        else:
            self.dismiss(Offline())

    def action_leave(self) -> None:
        """Stops waiting for an answer; where none is waited for, goes on without a registry."""
        if self._waiting_for:
            self._asking += 1
            self._wait_for("")
            self._say("Stopped. Nothing was kept.", kind="-warn")
        else:
            self.dismiss(Offline())

    def _submit(self) -> None:
        if self._waiting_for:
            return
        token = self.query_one(TokenInput)
        if not token.value.strip():
            self._say("Paste the API token first.", kind="-warn")
            token.focus()
            return
        endpoint, context = self.query_one("#endpoint", Input).value, self.query_one("#context", Input).value
        self._ask(
            lambda: self._sign_in.check(endpoint, token.value, context),
            self._checked,
            f"Asking {text.literal(endpoint.strip())}",
        )

    def _checked(self, answer: SignInAnswer) -> None:
        where = self._where.chosen
        told = {TokenSource.KEYRING: "the keyring", TokenSource.FILE: "the file"}.get(where, "memory")
        self._ask(
            lambda: self._sign_in.keep(answer, where),
            lambda account: self._kept(account, answer),
            f"Keeping the token in {told}",
        )

    def _kept(self, account: Account, answer: SignInAnswer) -> None:
        self.query_one(TokenInput).value = ""
        self.dismiss(SignedIn(account, answer.user, answer.organization))

    def _refused(self, error: ModelsyncError) -> None:
        self._say(f"{glyphs.of(self.app).failed} {text.literal(error.sentence)}", kind="-bad")
        self.query_one(TokenInput).focus()

    def _ask(self, work: Callable[[], T], done: Callable[[T], None], told: str) -> None:
        """Runs a blocking question and counts its seconds in the card."""
        self._asking += 1
        asked = self._asking
        self._wait_for(told)

        def answered(value: T) -> None:
            if asked == self._asking:
                self._wait_for("")
                done(value)

        def failed(error: ModelsyncError) -> None:
            if asked == self._asking:
                self._wait_for("")
                self._refused(error)

        self._run(work, answered, failed, told)

    def _run(
        self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[ModelsyncError], None], told: str
    ) -> None:
        """Runs it as a worker of the application: a screen that goes would wait for its own."""

        def heard(answered: Callable[[V], None], value: V) -> None:
            if self.is_attached:
                answered(value)

        work_in_thread(
            self.app,
            work,
            partial(heard, done),
            partial(heard, failed),
            group="sign-in",
            description=told,
        )

    def _wait_for(self, told: str) -> None:
        self._waiting_for = told
        self._waiting_since = time.monotonic()
        if told:
            self._tick()
        else:
            self._say("")

    def _tick(self) -> None:
        if self._waiting_for:
            seconds = time.monotonic() - self._waiting_since
            counted = f"  {seconds:.0f} s, Esc stops waiting" if seconds >= 1 else ""
            self._say(f"{self._waiting_for}{glyphs.of(self.app).ellipsis}{counted}", kind="-muted")
        if self._keyring is None:
            self._show_places(self._where.chosen)

    def _keyring_seen(self, status: KeyringStatus) -> None:
        self._keyring = status
        take = status.usable and not self._where.touched
        self._show_places(TokenSource.KEYRING if take else self._where.chosen)

    def _keyring_failed(self, error: ModelsyncError) -> None:
        self._keyring_seen(KeyringStatus(usable=False, name="", reason=error.message))

    @property
    def _where(self) -> Pick[TokenSource]:
        return self.query_one("#where", Pick)

    def _show_places(self, chosen: TokenSource) -> None:
        self._where.set_options(self._places(), chosen)

    def _places(self) -> tuple[Option[TokenSource], ...]:
        status = self._keyring
        if status is None:
            seconds = time.monotonic() - self._looking_since if self._looking_since else 0.0
            words = f"looking, {min(seconds, KEYRING_LOOK_S):.0f} of at most {KEYRING_LOOK_S:.0f} s"
        else:
            words = status.name if status.usable else status.reason
        file = f"  {self._credentials_file}" if self._credentials_file else ""
        return (
            Option(TokenSource.KEYRING, "System keyring", words, enabled=status is not None and status.usable),
            Option(TokenSource.SESSION, "Only this session", "forgotten when you quit"),
            Option(TokenSource.FILE, "File, plain text", f"0600{file}"),
        )

    def _say(self, words: str, *, kind: str = "") -> None:
        message = self.query_one("#message", Static)
        message.set_classes(kind)
        message.update(Content(words))
