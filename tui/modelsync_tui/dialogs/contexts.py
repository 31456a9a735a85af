"""The kept contexts: which is in use, and switching, signing in to another and signing out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button

from modelsync.account import TokenSource
from modelsync_tui import text
from modelsync_tui.dialogs.card import Card, choice, sentence
from modelsync_tui.glyphs import Glyphs
from modelsync_tui.widgets.context_tone import context_tone
from modelsync_tui.widgets.lines import Lines, Piece, Tone

if TYPE_CHECKING:
    from modelsync.account import Context
    from modelsync_tui.session import Kept, Online

_NAME_CELLS_MAX = 20
_HOST_CELLS_MIN = 18
_ORGANIZATION_CELLS = 12
_USER_CELLS_MIN = 10
"""Both with the two blanks before them; for less it is not worth to show any of it."""
_READ_ONLY = "read-only"
_SOURCES = {
    TokenSource.KEYRING: "Its token is removed from the system keyring.",
    TokenSource.FILE: "Its token is removed from the file.",
    TokenSource.SESSION: "Its token is forgotten.",
    TokenSource.ENVIRONMENT: "",
}


@dataclass(frozen=True, slots=True)
class Use:
    """Switch to a context."""

    name: str


@dataclass(frozen=True, slots=True)
class SignInTo:
    """Sign in."""

    name: str | None
    """With a new token to a kept context; None: to another one."""


@dataclass(frozen=True, slots=True)
class SignOutOf:
    """Forget a context and its token."""

    kept: "Kept"


Answer = Use | SignInTo | SignOutOf


class ContextsDialog(Card[Answer]):
    """Lists the contexts, the cursor on the one in use; what a person wants done is the answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False, id="contexts.up", tooltip="one line up"),
        Binding("down,j", "move(1)", show=False, id="contexts.down", tooltip="one line down"),
        Binding("enter", "use", show=False, id="contexts.use", tooltip="use the context under the cursor"),
        Binding("n", "another", show=False, id="contexts.another", tooltip="sign in to another context"),
        Binding("t", "again", show=False, id="contexts.again", tooltip="give the context a new token"),
        Binding("x,delete", "sign_out", show=False, id="contexts.sign_out", tooltip="sign out of the context"),
    ]

    def __init__(self, kept: "Sequence[Kept]", online: "Online | None", *, environment_wins: bool) -> None:
        """`online`: who is connected now."""
        super().__init__("Contexts")
        self._kept = tuple(replace(one, is_chosen=one.is_chosen and not environment_wins) for one in kept)
        self._online = online
        self._environment_wins = environment_wins

    def body(self) -> Iterable[Widget]:
        if self._environment_wins:
            host = f" ({text.literal(self._online.host)})" if self._online is not None else ""
            yield sentence(
                f"BENTO_CLOUD_API_KEY is set: its account{host} wins over every kept context, so nothing can be "
                "switched. Unset it and start again to use one of them.",
                id="environment",
                kind="-warn",
            )
        if self._kept:
            online = None if self._environment_wins else self._online
            lines = ContextLines(self._kept, online, self.glyphs, id="contexts")
            lines.disabled = self._environment_wins
            lines.show_cursor = not self._environment_wins
            yield lines
        if not self._environment_wins:
            yield sentence("The command modelsync uses the same one.", id="shared", kind="-muted")

    def choices(self) -> Iterable[Widget]:
        if self._environment_wins:
            yield choice("Close", "Esc", id="close")
            return
        yield choice("Use", "Enter" if self.plain else self.glyphs.enter, id="use")
        yield choice("Add another", "n", id="another")
        yield choice("New token", "t", id="again")
        yield choice("Sign out", "x", id="sign-out", kind="-danger")

    def lower_title(self) -> str:
        return "" if self._environment_wins else "Esc closes"

    def on_mount(self) -> None:
        if self._environment_wins:
            self.set_focus(self.query_one("#close", Button))
            return
        lines = self.query_one(ContextLines)
        lines.cursor = next((index for index, kept in enumerate(self._kept) if kept.is_chosen), 0)
        self.set_focus(lines)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        match event.button.id:
            case "use":
                self.action_use()
            case "another":
                self.action_another()
            case "again":
                self.action_again()
            case "sign-out":
                self.action_sign_out()
            case _:
                self.dismiss(None)

    def on_context_lines_picked(self) -> None:
        self.action_use()

    def action_move(self, by: int) -> None:
        for lines in self.query(ContextLines):
            lines.move_cursor(by)

    def action_use(self) -> None:
        if kept := self._under_cursor:
            self.dismiss(Use(kept.context.name))

    def action_another(self) -> None:
        if not self._environment_wins:
            self.dismiss(SignInTo(None))

    def action_again(self) -> None:
        if kept := self._under_cursor:
            self.dismiss(SignInTo(kept.context.name))

    def action_sign_out(self) -> None:
        if kept := self._under_cursor:
            self.dismiss(SignOutOf(kept))

    @property
    def _under_cursor(self) -> "Kept | None":
        if self._environment_wins or not self._kept:
            return None
        return self._kept[self.query_one(ContextLines).cursor]


class ContextLines(Lines):
    """One line a context: whether it is in use, its name in its colour, where, who, and what it refuses."""

    class Picked(Message):
        """A line was clicked twice."""

    def __init__(self, kept: "Sequence[Kept]", online: "Online | None", glyphs: Glyphs, *, id: str) -> None:
        super().__init__(id=id, show_cursor=True)
        self._kept = tuple(kept)
        self._online = online
        self._glyphs = glyphs
        self._refuses = any(one.context.read_only for one in kept)

    def line_count(self) -> int:
        return len(self._kept)

    def line(self, index: int, width: int) -> Sequence[Piece]:
        kept = self._kept[index]
        context, ellipsis = kept.context, self._glyphs.ellipsis
        mark = self._glyphs.marked if kept.is_chosen else " "
        read_only_cells = len(_READ_ONLY) + 2 if self._refuses else 0
        name_cells, host_cells, organization_cells, user_cells = self._widths(width - read_only_cells - 5)
        name = text.cut_middle(text.literal(context.name), name_cells, ellipsis)
        host = text.cut_middle(_host(context), host_cells, ellipsis)
        return (
            (f"{mark} ", Tone.ACCENT),
            (f" {name} ", context_tone(context)),
            (" " * (name_cells - cell_len(name) + 1), Tone.PLAIN),
            (text.left(host, host_cells), Tone.PLAIN),
            (_column(self._organization(kept), organization_cells, ellipsis), Tone.MUTED),
            (_column(text.literal(context.user), user_cells, ellipsis), Tone.MUTED),
            (f"  {_READ_ONLY}" if context.read_only else "", Tone.WARN),
        )

    def _widths(self, room: int) -> tuple[int, int, int, int]:
        """Cells for name, host, organization and user: the first two as far as they can be told apart by them."""
        names = max((cell_len(text.literal(one.context.name)) for one in self._kept), default=0)
        hosts = max((cell_len(_host(one.context)) for one in self._kept), default=0)
        name = min(names, _NAME_CELLS_MAX, max(8, room // 3))
        host = min(hosts, room - name, max(_HOST_CELLS_MIN, (room - name) * 45 // 100))
        rest = room - name - host
        users = max((cell_len(text.literal(one.context.user)) for one in self._kept), default=0) + 2
        organization = _ORGANIZATION_CELLS if rest >= _ORGANIZATION_CELLS + min(users, _USER_CELLS_MIN) else 0
        user = min(users, rest - organization) if rest - organization >= _USER_CELLS_MIN else 0
        return name, host, organization, user

    def _organization(self, kept: "Kept") -> str:
        named = kept.context.organization or ""
        if not named and kept.is_chosen and self._online is not None:
            named = self._online.organization.name
        return text.literal(named)

    def on_click(self, event: events.Click) -> None:
        """The mouse picks; a second click uses."""
        index = event.y + self.scroll_offset.y
        if self.show_cursor and index < self.line_count():
            self.cursor = index
            if event.chain == 2:
                self.post_message(self.Picked())


def _host(context: "Context") -> str:
    return text.literal(urlsplit(context.endpoint).netloc or context.endpoint)


def _column(words: str, width: int, ellipsis: str) -> str:
    """Two blanks and the words; nothing where the column is not shown."""
    return f"  {text.left(words, width - 2, ellipsis)}" if width else ""


class SignOutDialog(Card[bool]):
    """Asks before a context and its token are forgotten."""

    def __init__(self, kept: "Kept") -> None:
        super().__init__("Sign out")
        self._kept = kept

    def body(self) -> Iterable[Widget]:
        context = self._kept.context
        host = urlsplit(context.endpoint).netloc
        who = f" as {text.literal(context.user)}" if context.user else ""
        yield sentence(f"Sign out of {text.literal(context.name)} ({text.literal(host)}{who})?", id="question")
        yield sentence(
            f"{_SOURCES[self._kept.source]} The registry still accepts it until it is withdrawn there. "
            "Transfers that were begun go on with it.",
            id="consequence",
            kind="-muted",
        )

    def choices(self) -> Iterable[Widget]:
        yield choice("Cancel", "Esc", id="cancel")
        yield choice("Sign out", "", id="go", kind="-danger")

    def on_mount(self) -> None:
        self.set_focus(self.query_one("#cancel", Button))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "go")

    def action_decline(self) -> None:
        self.dismiss(False)
