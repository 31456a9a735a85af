"""What a person does about accounts: signs in, switches the context in place, signs out, signs in again."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from textual.app import App
from textual.notifications import SeverityLevel
from textual.timer import Timer
from textual.widgets import Input

from modelsync.errors import AuthenticationError, KeyringError, ModelsyncError, TokenRefusedError
from modelsync.queue import QueueSnapshot, TransferStatus, is_refused
from modelsync_tui import work
from modelsync_tui.keys import HasPlace
from modelsync_tui.notices import short_path
from modelsync_tui.session import Kept, Session, SignInPlace
from modelsync_tui.text import count_text, literal
from modelsync_tui.widgets.messageline import Kind

if TYPE_CHECKING:
    from modelsync_tui.dialogs.contexts import Answer
    from modelsync_tui.screens.login import Offline, SignedIn
    from modelsync_tui.screens.main import MainScreen

T = TypeVar("T")
_ENVIRONMENT_WINS = "It is BENTO_CLOUD_API_KEY's: give that another one, or unset it, and start again."
TRIED_EVERY_S = 0.25
"""How often it is looked whether a person is free to be asked."""


class Accounts:
    """Belongs to the main screen; asks for an account only while nobody types or answers another question."""

    def __init__(self, app: App[object], session: Session, main: "MainScreen") -> None:
        self._app = app
        self._session = session
        self._main = main
        self._pending: str | None = None
        """Why a person is to be asked to sign in, as soon as they are free; None: they are not."""
        self._timer: Timer | None = None
        self._is_asked = False
        """Whether the sign-in screen is open, or about to be."""
        self._refused: frozenset[str] = frozenset()
        """Contexts whose transfers wait for a new sign-in, as far as that was told; empty is the one in use."""
        session.notice = lambda words: app.call_later(self._notice, words)

    def open(self) -> None:
        """Shows the contexts; where none is kept, asks to sign in."""
        self._run(self._session.kept, self._show_contexts, "read the kept contexts")

    def offline(self, error: ModelsyncError) -> None:
        """No connection came about: a person without an account, or with a refused one, is asked to sign in."""
        if not isinstance(error, AuthenticationError) or isinstance(error, KeyringError):
            return
        refused = isinstance(error, TokenRefusedError)
        if not self._session.environment_wins:
            self._ask_when_free(literal(error.sentence) if refused else "")
        elif refused:
            self._say(f"{literal(error.message)} {_ENVIRONMENT_WINS}", Kind.BAD)

    def watch(self, queue: QueueSnapshot) -> None:
        """Looks whether transfers wait for a new sign-in."""
        waiting = [row for row in queue.rows if row.status is TransferStatus.PAUSED and is_refused(row.error)]
        refused = frozenset(row.context for row in waiting)
        for name in refused - self._refused:
            mine = [row for row in waiting if row.context == name]
            error = mine[0].error
            self._tell_refused(name, len(mine), literal(error.message) if error else "")
        self._refused = refused

    def _tell_refused(self, context: str, count: int, message: str) -> None:
        wait = f"{count_text(count, 'transfer')} {'waits' if count == 1 else 'wait'} for a new sign-in"
        if context:
            words = f"{literal(context)}: {message} {wait}: a, then Enter on it."
        elif self._session.environment_wins:
            words = f"{message} {wait}. {_ENVIRONMENT_WINS}"
        else:
            words = f"{message} {wait}."
            self._ask_when_free(words)
        self._main.say(words, Kind.BAD)
        self._app.notify(words, severity="warning", markup=False)

    @property
    def _is_free(self) -> bool:
        """Whether a person is at work on the main screen or in the details, with no question open."""
        return isinstance(self._app.screen, HasPlace)

    def _say(self, words: str, kind: Kind = Kind.PLAIN) -> None:
        """On the main screen; where something else covers that, over it too."""
        self._main.say(words, kind)
        if self._app.screen is not self._main:
            severity: SeverityLevel = "warning" if kind is Kind.BAD else "information"
            self._app.notify(words, severity=severity, markup=False)

    # Signing in

    def _ask_when_free(self, why: str) -> None:
        if self._is_asked:
            return
        self._pending = why
        self._try_to_ask()
        if self._pending is not None and self._timer is None:
            self._timer = self._app.set_interval(TRIED_EVERY_S, self._try_to_ask)

    def _try_to_ask(self) -> None:
        if self._pending is None or not self._is_free or isinstance(self._app.screen.focused, Input):
            return
        why, self._pending = self._pending, None
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._ask(why)

    def _ask(self, why: str = "", *, name: str | None = None, another: bool = False) -> None:
        self._is_asked = True
        self._run(
            lambda: self._session.sign_in_place(name, another=another),
            lambda place: self._show_sign_in(place, why),
            "look where to sign in",
        )

    def _show_sign_in(self, place: SignInPlace, why: str) -> None:
        from modelsync.credentials.yatai import YATAI_FILE_NAME
        from modelsync_tui.screens.login import LoginScreen
        from modelsync_tui.sign_in import AccountSignIn

        if not self._is_free:
            self._is_asked = False
            self._ask_when_free(why)
            return
        session = self._session
        screen = LoginScreen(
            AccountSignIn(
                session.credentials,
                store=session.settings.store,
                ca_file=session.settings.ca_file,
                environ=session.environ,
            ),
            endpoint=place.endpoint,
            context=place.context,
            credentials_file=short_path(session.paths.credentials_file),
            yatai_file=short_path(session.settings.store / YATAI_FILE_NAME),
            message=why,
            back=session.online is not None,
        )
        self._app.push_screen(screen, self._signed_in)

    def _signed_in(self, answer: "SignedIn | Offline | None") -> None:
        from modelsync_tui.screens.login import SignedIn

        self._is_asked = False
        if isinstance(answer, SignedIn):
            self._use(answer.account.context.name)

    # Contexts

    def _show_contexts(self, kept: tuple[Kept, ...]) -> None:
        from modelsync_tui.dialogs.contexts import ContextsDialog

        if not self._is_free:
            return
        wins = self._session.environment_wins
        if not kept and not wins:
            self._ask()
            return
        online = self._session.online
        self._app.push_screen(ContextsDialog(kept, online, environment_wins=wins), self._chosen)

    def _chosen(self, answer: "Answer | None") -> None:
        from modelsync_tui.dialogs.contexts import SignInTo, SignOutOf, Use

        match answer:
            case Use(name):
                self._switch(name)
            case SignInTo(name):
                self._ask(name=name, another=name is None)
            case SignOutOf(kept):
                self._ask_to_sign_out(kept)

    def _switch(self, name: str) -> None:
        online = self._session.online
        if online is not None and online.context.name == name and self._main.is_online:
            self._say(f"{literal(name)} is in use already.")
            return
        self._run(lambda: self._session.credentials.use(name), lambda _: self._use(name), "remember the context")

    def _use(self, name: str) -> None:
        self._session.choose(name)
        self._main.connect_anew()
        if self._app.screen is not self._main:  # whose header says it
            self._app.notify(f"Now with {literal(name)}.", markup=False)

    def _ask_to_sign_out(self, kept: Kept) -> None:
        from modelsync_tui.dialogs.contexts import SignOutDialog

        def answered(go: bool | None) -> None:
            if go:
                self._sign_out(kept.context.name)

        self._app.push_screen(SignOutDialog(kept), answered)

    def _sign_out(self, name: str) -> None:
        def done(_: None) -> None:
            online = self._session.online
            if online is not None and online.context.name == name:
                self._session.choose(None)
                self._main.disconnect()
            self._say(f"Signed out of {literal(name)}. a chooses another context, or signs in.", Kind.GOOD)

        self._run(lambda: self._session.credentials.forget(name), done, "sign out")

    def _notice(self, words: str) -> None:
        from modelsync_tui.screens.login import LoginScreen

        if isinstance(self._app.screen, LoginScreen):
            self._app.screen.show_notice(words)
        else:
            self._say(words)

    def _run(self, blocking: Callable[[], T], done: Callable[[T], object], description: str) -> None:
        def failed(error: ModelsyncError) -> None:
            self._is_asked = False
            self._say(literal(error.sentence), Kind.BAD)

        work.run(self._app, blocking, done, failed, group="accounts", description=description)
