"""The application: themes, screens in their order, and an end that leaves the terminal clean."""

import asyncio
import logging
import signal
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import BindingType
from textual.driver import Driver
from textual.filter import LineFilter
from textual.widgets import Input

from modelsync_tui import glyphs, keys, themes, work
from modelsync_tui.commands import ActionCommands, Palette
from modelsync_tui.loading import FirstScan
from modelsync_tui.lost_terminal import outlives_its_terminal
from modelsync_tui.pace import start_collector
from modelsync_tui.remembered import Remembered
from modelsync_tui.screens.main import MainScreen
from modelsync_tui.session import Session
from modelsync_tui.terminal import TerminalVoice
from modelsync_tui.threads import DaemonThreads
from modelsync_tui.typed import TypedInOrder

if TYPE_CHECKING:
    from modelsync_tui.dialogs.quit import QuitChoice

log = logging.getLogger("modelsync.tui")
QUIT_WAITS_S = 5.0
"""How long the end waits for transfers to stop, and to tell the registry so."""


class ModelsyncApp(TypedInOrder, inherit_bindings=False):
    """One run; its answer is the exit code."""

    CSS_PATH = Path(__file__).with_name("app.tcss")
    TITLE = "modelsync"
    COMMANDS = {ActionCommands}  # noqa: RUF012 - Textual reads it from the class
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Where.APP)]
    NOTIFICATION_TIMEOUT = 8

    def __init__(self, session: Session, scan: FirstScan | None = None, *, plain: bool = False) -> None:
        """`scan`: a reading of the store that is under way; `plain`: draw with ASCII only.

        Raises SettingsError for a theme that does not exist.
        """
        super().__init__()
        self.session = session
        self.glyphs = glyphs.ASCII if plain or session.settings.ascii else glyphs.UNICODE
        self.set_class(self.glyphs is glyphs.ASCII, "-ascii", update=False)
        settings = session.settings
        self.no_color = not settings.color
        self.voice = TerminalVoice(self._tell_terminal, session.environ, title=settings.title, notify=settings.notify)
        self.main = MainScreen(session, scan, self.voice)
        self.failure: BaseException | None = None
        """A defect that ended the run."""
        for theme in themes.THEMES:
            self.register_theme(theme)
        self._without_colours = themes.WithoutColours()
        self._remembered = Remembered(session.paths.screen_file)
        known = self._remembered.theme if self._remembered.theme in self.available_themes else None
        name = settings.theme or known or themes.DARK
        themes.check(name, self.available_themes, settings.origins.get("theme", ""))
        themes.begin_with(self, name)

    def get_driver_class(self) -> type[Driver]:
        """The platform's, which must not wait for a terminal that is gone."""
        return outlives_its_terminal(super().get_driver_class())

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What the drawn lines go through; without colours, as the last."""
        filters = super().get_line_filters()
        return [*filters, self._without_colours] if self.no_color else filters

    def get_default_screen(self) -> MainScreen:
        """The main screen is the first: an empty one below it would cost the start its time."""
        return self.main

    def on_load(self) -> None:
        asyncio.get_running_loop().set_default_executor(DaemonThreads())

    def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        self.set_keymap(keys.textual_keymap(self.session.settings.keys))
        self.app_suspend_signal.subscribe(self, lambda _: self.voice.title(""))
        for ending in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(ending, self._ended_by, ending)
        self.call_after_refresh(self._first_frame_drawn)

    def _first_frame_drawn(self) -> None:
        start_collector()
        self.main.connect()

    def action_accounts(self) -> None:
        """Contexts: which is in use, switch, sign in, sign out."""
        if isinstance(self.screen, keys.HasPlace):
            self.main.accounts.open()

    @property
    def own_keys(self) -> Mapping[str, str]:
        """The keys that a person gave actions in the settings."""
        return self.session.settings.keys

    def action_command_palette(self) -> None:
        """Commands by their words."""
        if not Palette.is_open(self):
            self.push_screen(Palette())

    def action_help(self) -> None:
        """Help for the pane that has the focus."""
        from modelsync_tui.dialogs.help import HelpScreen

        if isinstance(self.screen, keys.HasPlace):
            self.push_screen(HelpScreen(self.screen.place, self.session.settings.keys))

    def action_pick_theme(self) -> None:
        """Asks for a theme, which is used from then on and by the next start, unless a setting names one."""
        themes.pick(self, self._keep_theme)

    def _keep_theme(self, name: str) -> None:
        done = lambda _: None  # noqa: E731 - whether it could be kept is told to the log
        keep = partial(self._remembered.keep_theme, name)
        work.run(self, keep, done, done, group="remember", description="remember the theme")
        if self.session.settings.theme is not None:
            self.main.say("The next start uses the theme of your settings again.")

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Nothing blinks, whoever made the field."""
        if isinstance(event.widget, Input):
            event.widget.cursor_blink = False

    def on_app_focus(self) -> None:
        self.voice.focused = True
        if self.main.is_mounted:
            self.main.loader.store.glance()

    def on_app_blur(self) -> None:
        self.voice.focused = False

    def on_unmount(self) -> None:
        self.voice.title("")

    def _tell_terminal(self, sequence: str) -> None:
        if self._driver is not None:
            self._driver.write(sequence)

    def action_ask_quit(self) -> None:
        """Ends the run; asks when transfers are running."""
        if not self.main.queueing.busy:
            self.exit(0)
            return
        from modelsync_tui.dialogs.quit import QuitDialog

        if not isinstance(self.screen, QuitDialog):
            self.push_screen(QuitDialog(self.main.queueing.snapshot()), self._quit_as)

    def _quit_as(self, choice: "QuitChoice | None") -> None:
        from modelsync_tui.dialogs.quit import QuitChoice

        match choice:
            case QuitChoice.PAUSE_AND_QUIT:
                self.main.queueing.tell(lambda transfers: transfers.pause_all())
            case QuitChoice.CANCEL_AND_QUIT:
                self.main.queueing.tell(lambda transfers: transfers.cancel_all())
            case _:
                return
        self._exit_when_still(0)

    def _ended_by(self, ending: signal.Signals) -> None:
        """SIGTERM or SIGHUP: what is finished is kept, the terminal is given back."""
        self.main.queueing.tell(lambda transfers: transfers.pause_all())
        self._exit_when_still(128 + ending)

    def _exit_when_still(self, code: int) -> None:
        end = lambda *_: self.exit(code)  # noqa: E731 - both outcomes end the same way
        self.main.say("Stopping what runs ...")
        work.run(
            self,
            partial(self.main.queueing.wait, QUIT_WAITS_S),
            end,
            end,
            group="quit",
            description="wait for transfers to stop",
        )

    def action_interrupt(self) -> None:
        """^c is no way out by accident."""
        self.notify("q quits.", markup=False)

    def _fatal_error(self) -> None:
        """A defect: the log gets its traceback, the terminal one sentence after it is restored."""
        self.failure = self._exception
        log.error("the application ended by a defect", exc_info=self.failure)
        self._close_messages_no_wait()
