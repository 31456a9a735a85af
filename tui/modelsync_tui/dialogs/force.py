"""The question before a version is overwritten: both sides, what changes, and a confirm that cannot slip."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from modelsync.comparison import Direction, Plan, PlanItem
from modelsync.tag import Tag
from modelsync.transfer.control import Control
from modelsync_tui import text, work
from modelsync_tui.dialogs.card import Card, bracketed, choice, sentence
from modelsync_tui.dialogs.sides import Fact, SidesTable
from modelsync_tui.glyphs import Glyphs
from modelsync_tui.widgets.columnline import ColumnLine
from modelsync_tui.widgets.lines import Lines, Piece, Tone
from modelsync_tui.widgets.words import about_text, moment_text

Look = Callable[[PlanItem, Control], Sequence[Fact]]
"""Asks both sides about one version; blocks, and ends early when the control is cancelled."""
LOOKED_FOR = ("files", "used by")
_WIDE_CELLS = 80
"""From this width on a line of the list has room for whole dates and addresses."""
_NAMED_MAX = 3
"""So many of the versions that are left alone are named."""
_SHORT_BELOW_ROWS = 30
"""A lower screen has no room for a list of full height."""
_LOW_BELOW_ROWS = 20
"""A lower one has none for blank lines."""
_PROMPT_BESIDE_CELLS = 36
"""A longer prompt stands above its field: beside it, there would be no room to type."""
_TYPED_ROOM_CELLS = 22
"""The card's frame, and what a field needs beside its prompt."""


class ForceDialog(Card[tuple[Tag, ...] | None]):
    """Asks before the plan's versions replace the other side's; answers with the tags to go on with, None for no.

    A version in the registry is replaced only after its name was typed (for several: their number); a local one
    after its button was pressed, because the old copy stays until the new one is whole.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False, id="force.up", tooltip="one line up"),
        Binding("down,j", "move(1)", show=False, id="force.down", tooltip="one line down"),
        Binding("space", "drop", show=False, id="force.drop", tooltip="leave this one out, or take it in again"),
        Binding("enter", "confirm", show=False, id="force.confirm", tooltip="go, once it was confirmed"),
    ]

    def __init__(self, plan: Plan, *, bytes_per_s: float = 0.0, look: Look | None = None) -> None:
        """`bytes_per_s`: the speed to reckon the time with; 0 says no time. `look` is asked about a single version."""
        self._items = tuple(item for item in plan.going if item.tag is not None)
        super().__init__(_title(plan, self._items))
        self._plan = plan
        self._push = plan.direction is Direction.PUSH
        self._bytes_per_s = bytes_per_s
        self._look = look
        self._control = Control()
        self._dropped: set[int] = set()
        self._typed = ""

    @property
    def kept(self) -> tuple[PlanItem, ...]:
        """The versions that are not dropped."""
        return tuple(item for index, item in enumerate(self._items) if index not in self._dropped)

    @property
    def _verb(self) -> str:
        return str(self._plan.direction)

    @property
    def _replaces(self) -> bool:
        """Whether the side it goes to has any of them."""
        return any((item.remote if self._push else item.local) is not None for item in self._items)

    @property
    def asked_for(self) -> str:
        """What must be typed; empty where a button is enough."""
        kept = self.kept
        if not self._push or not any(item.remote is not None for item in kept):
            return ""
        return kept[0].remote.version if len(self._items) == 1 and kept[0].remote else str(len(kept))

    def body(self) -> Iterable[Widget]:
        yield sentence(self._warning(), id="warning", kind="-warn")
        if len(self._items) == 1:
            coming = LOOKED_FOR if self._look is not None else ()
            yield SidesTable(self._items[0], self._plan.direction, self.glyphs, coming=coming, id="sides")
        elif self._items:
            lines = ForceLines(self._items, self._dropped, self.glyphs, id="items")
            yield ColumnLine(lines.heading)
            yield lines
        yield sentence(self._consequence(), id="consequence", kind="-muted")
        if left_alone := self._left_alone():
            yield sentence(left_alone, id="left-alone", kind="-muted")
        if self.asked_for:
            yield sentence("", id="wrong", kind="-bad")
            room = min(_PROMPT_BESIDE_CELLS, self.app.size.width - _TYPED_ROOM_CELLS)
            beside = cell_len(self._prompt()) <= room
            if not beside:
                yield sentence(self._prompt(), id="prompt", kind="-above")
            with Horizontal(id="typed-row"):
                if beside:
                    yield sentence(self._prompt(), id="prompt")
                yield from bracketed(Input(id="typed", compact=True, select_on_focus=False))

    def choices(self) -> Iterable[Widget]:
        yield choice("Cancel", "Esc", id="cancel")
        if self._items:
            verb = (
                ("Overwrite remote" if self._push else "Replace local") if self._replaces else self._verb.capitalize()
            )
            enter = "Enter" if self.plain else "↵"
            yield choice(verb, enter, id="go", kind="-danger", disabled=bool(self.asked_for))

    def on_mount(self) -> None:
        if lists := self.query(ForceLines):
            self.set_focus(lists.first())
        elif inputs := self.query(Input):
            self.set_focus(inputs.first())
        else:
            self.set_focus(self.query_one("#cancel", Button))

        if self._look is not None and len(self._items) == 1:
            look = partial(self._look, self._items[0], self._control)
            work.run(
                self.app, look, self._show_look, lambda _: self._show_look(()), group="force", description="compare"
            )

    def on_resize(self) -> None:
        self.set_class(self.size.height < _SHORT_BELOW_ROWS, "-short")
        self.set_class(self.size.height < _LOW_BELOW_ROWS, "-low")

    def on_unmount(self) -> None:
        self._control.cancel()

    def lower_title(self) -> str:
        return "Space leaves one out, or takes it in" if len(self._items) > 1 else ""

    def _show_look(self, found: Sequence[Fact]) -> None:
        for table in self.query(SidesTable):
            table.add(found)

    def on_key(self, event: events.Key) -> None:
        """A digit begins what is asked for, also while the list has the focus: the question is already read."""
        if event.character is None or not event.character.isdigit() or isinstance(self.focused, Input):
            return
        for field in self.query(Input):
            event.stop()
            self.set_focus(field)
            field.insert_text_at_cursor(event.character)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._typed = event.value.strip()
        self._show_wish()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_confirm()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "go" and self._confirmed:
            self._go()
        else:
            self.dismiss(None)

    def action_move(self, by: int) -> None:
        for lines in self.query(Lines):
            lines.move_cursor(by)

    def action_drop(self) -> None:
        """Leaves the version under the cursor out, or takes it in again."""
        for lines in self.query(ForceLines):
            self._dropped ^= {lines.cursor}
            lines.lines_changed()
            lines.move_cursor(1)
            self._show_wish()

    def action_confirm(self) -> None:
        """Goes if what was asked for was typed; else says what is to be typed, with the cursor where it goes."""
        if self._confirmed and self.asked_for:
            self._go()
            return
        for field in self.query(Input):
            self.set_focus(field)
            if self._typed and self.kept:
                self._say_wrong(f"{self.glyphs.failed} That is something else: type {text.literal(self.asked_for)}.")
                self.app.bell()
            return
        self.set_focus(self.query_one("#cancel", Button))

    @property
    def _confirmed(self) -> bool:
        return bool(self.kept) and (not self.asked_for or self._typed == self.asked_for)

    def _go(self) -> None:
        self.dismiss(tuple(item.tag for item in self.kept if item.tag is not None))

    def _show_wish(self) -> None:
        for button in self.query("#go").results(Button):
            button.disabled = not self._confirmed
        for prompt in self.query("#prompt").results(Static):
            prompt.update(Content(self._prompt()))
        self._say_wrong("")
        for consequence in self.query("#consequence").results(Static):
            consequence.update(Content(self._consequence()))

    def _say_wrong(self, words: str) -> None:
        for wrong in self.query("#wrong").results(Static):
            wrong.update(Content(words))
            wrong.display = bool(words)

    def _prompt(self) -> str:
        if not self.kept:
            return "All are left out; Esc closes."
        if len(self._items) == 1:
            return f"Type {text.literal(self.asked_for)} to confirm:"
        return f"Type {self.asked_for} to overwrite {text.count_text(len(self.kept), 'version')}:"

    def _warning(self) -> str:
        if not self._items:
            return f"Nothing here can be {'pushed' if self._push else 'pulled'} by force."
        one = len(self._items) == 1
        if not self._replaces:
            return f"Nothing is {'there' if self._push else 'here'} to be replaced: this is a plain {self._verb}."
        if not self._push:
            stays = "It stays until the new one is whole." if one else "Each stays until its new one is whole."
            return f"Replace your local {'copy' if one else 'copies'}? {stays}"
        return f"This replaces {'a version' if one else 'versions'} others may be using."

    def _consequence(self) -> str:
        size = sum(item.size_bytes for item in self.kept)
        moves = f"{'Sends' if self._push else 'Fetches'} {text.size_text(size)}"
        if self._bytes_per_s > 0 and size:
            moves += f", about {about_text(size / self._bytes_per_s)}"
        if not self.asked_for:
            return f"{moves}."
        stops = "the remote version is" if len(self._items) == 1 else "that remote version is"
        return f"If the upload stops, {stops} marked failed until you push it again. {moves}."

    def _left_alone(self) -> str:
        others = [item for item in self._plan.items if item not in self._items]
        if not others:
            return ""
        shown = "; ".join(
            f"{text.literal(item.tag_text)} ({text.literal(item.decision.reason)})" for item in others[:_NAMED_MAX]
        )
        more = f"; and {len(others) - _NAMED_MAX} more" if len(others) > _NAMED_MAX else ""
        return f"Left alone: {shown}{more}."


class ForceLines(Lines):
    """One line a version: what is here, what is there, who put it there; Space drops one."""

    def __init__(self, items: Sequence[PlanItem], dropped: set[int], glyphs: Glyphs, *, id: str) -> None:
        super().__init__(id=id, show_cursor=True)
        self._items = items
        self._dropped = dropped
        self._glyphs = glyphs

    def line_count(self) -> int:
        return len(self._items)

    def heading(self, width: int) -> Sequence[Piece]:
        """The titles of the columns."""
        built_width, who_width, tag_width = _widths(width)
        words = "  " + text.left("Version", tag_width) + f" {'Local':>11} {'Remote':>11}  "
        return ((words + text.left("Built", built_width) + "  " + text.left("By", who_width), Tone.MUTED),)

    def line(self, index: int, width: int) -> Sequence[Piece]:
        item = self._items[index]
        dropped = index in self._dropped
        here, there = text.size_pair(
            item.local.size_bytes if item.local else None, item.remote.size_bytes if item.remote else None
        )
        remote = item.remote
        who = text.literal(remote.creator_email or remote.creator_name) if remote else "new"
        when = remote.build_at if remote else None
        built = moment_text(when) if width >= _WIDE_CELLS else text.when_text(when)
        built_width, who_width, tag_width = _widths(width)
        tone = Tone.MUTED if dropped else Tone.PLAIN
        mark = " " if dropped else self._glyphs.marked
        ellipsis = self._glyphs.ellipsis
        return (
            (f"{mark} ", Tone.ACCENT),
            (text.left(text.cut_middle(text.literal(item.tag_text), tag_width, ellipsis), tag_width), tone),
            (f" {text.right(here, 11, ellipsis)} {text.right(there, 11, ellipsis)}  ", tone),
            (text.left(built, built_width) + "  ", Tone.MUTED),
            (text.left(who, who_width, ellipsis), Tone.MUTED),
        )


def _widths(width: int) -> tuple[int, int, int]:
    """Of the columns for the remote build, who pushed it, and the tag."""
    built, who = (16, 16) if width >= _WIDE_CELLS else (7, 11)
    return built, who, max(8, width - built - who - 31)


def _title(plan: Plan, items: Sequence[PlanItem]) -> str:
    subject = text.literal(items[0].tag_text) if len(items) == 1 else text.count_text(len(items), "version")
    return f"Force {plan.direction}  {subject}"
