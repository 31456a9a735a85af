"""The plan of a push or pull before it goes: what will be sent, what is skipped and why."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, assert_never

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Button

from modelsync.comparison import Direction, Plan, PlanItem, Verdict
from modelsync_tui import text
from modelsync_tui.dialogs.card import Card, choice, sentence
from modelsync_tui.glyphs import Glyphs
from modelsync_tui.sorted_plan import SortedPlan
from modelsync_tui.widgets.lines import Lines, Piece, Tone

_SIZE_CELLS = 8


class PlanDialog(Card[bool]):
    """Says what will happen; Enter goes, Esc does not.

    True: go, also where nothing goes (the transfers then tell what was skipped). False: changed their mind.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_items(-1)", show=False, id="plan.up", tooltip="scroll up"),
        Binding("down,j", "scroll_items(1)", show=False, id="plan.down", tooltip="scroll down"),
        Binding("pageup", "scroll_items(-10)", show=False, id="plan.page_up", tooltip="a page up"),
        Binding("pagedown", "scroll_items(10)", show=False, id="plan.page_down", tooltip="a page down"),
        Binding("q", "quit_from_here", show=False, id="plan.quit", tooltip="close it and quit"),
    ]

    def __init__(self, plan: Plan, *, target: str = "", free_bytes: int | None = None) -> None:
        """`target`: where it goes, in words; `free_bytes`: room where a pull is put, None when not known."""
        super().__init__(_title(plan))
        self._plan = SortedPlan.of(plan)
        self._target = target
        self._free_bytes = free_bytes

    def body(self) -> Iterable[Widget]:
        yield sentence(summary(self._plan, self._target), id="summary")
        if self._plan.items:
            yield PlanLines(self._plan, self.glyphs, id="items")
        if words := skipped_words(self._plan):
            yield sentence(words, id="skipped", kind="-muted")
        if words := self._room():
            yield sentence(words, id="room", kind="-warn" if self._short_of_room else "-muted")

    def choices(self) -> Iterable[Widget]:
        if going := self._plan.going:
            verb = self._plan.direction.capitalize()
            yield choice(f"{verb} {going:,}", "Enter" if self.plain else "↵", id="go")
            yield choice("Cancel", "Esc", id="cancel")
        else:
            yield choice("Close", "Enter" if self.plain else "↵", id="go")

    def on_mount(self) -> None:
        self.set_focus(self.query_one("#go", Button))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "go")

    def action_decline(self) -> None:
        self.dismiss(False)

    def action_scroll_items(self, by: int) -> None:
        for items in self.query(PlanLines):
            items.move_cursor(by)

    @property
    def _short_of_room(self) -> bool:
        return self._free_bytes is not None and self._free_bytes < self._plan.bytes_going

    def _room(self) -> str:
        if self._free_bytes is None or not self._plan.going:
            return ""
        free = text.size_text(self._free_bytes)
        if self._short_of_room:
            return f"Only {free} are free there: make room first, or fewer will arrive."
        return f"{free} are free there."


class PlanLines(Lines, can_focus=False):
    """One line a version: those that go first, then those that cannot, then those that need not."""

    def __init__(self, plan: SortedPlan, glyphs: Glyphs, *, id: str) -> None:
        super().__init__(id=id)
        self._plan = plan
        self._glyphs = glyphs

    def line_count(self) -> int:
        return len(self._plan.items)

    def line(self, index: int, width: int) -> Sequence[Piece]:
        item = self._plan.items[index]
        mark, tone = self._mark(item)
        room = max(0, width - _SIZE_CELLS - 6)
        reason_width = min(self._plan.reason_cells, max(room - self._plan.tag_cells, room * 55 // 100))
        tag_width = room - reason_width
        tag = text.literal(item.tag_text)
        shown = Tone.PLAIN if item.decision.goes else Tone.MUTED
        ellipsis = self._glyphs.ellipsis
        return (
            (f"{mark} ", tone),
            (text.left(text.cut_middle(tag, tag_width, ellipsis), tag_width), shown),
            (f"  {text.right(text.size_text(item.size_bytes), _SIZE_CELLS)}  ", shown),
            (text.left(text.literal(item.decision.reason), reason_width, ellipsis), tone),
        )

    def _mark(self, item: PlanItem) -> tuple[str, Tone]:
        match item.decision.verdict:
            case Verdict.GO:
                return self._glyphs.direction(self._plan.direction), Tone.ACCENT
            case Verdict.SKIP_SAME:
                return self._glyphs.skipped, Tone.MUTED
            case Verdict.SKIP_DIFFERS:
                return self._glyphs.differs, Tone.WARN
            case Verdict.REFUSE:
                return self._glyphs.failed, Tone.BAD
            case _:
                assert_never(item.decision.verdict)


def summary(plan: SortedPlan, target: str = "") -> str:
    """The plan in one sentence."""
    verb, sent = ("Sends", "sent") if plan.direction is Direction.PUSH else ("Fetches", "fetched")
    if plan.going:
        where = f" {'to' if plan.direction is Direction.PUSH else 'from'} {text.literal(target)}" if target else ""
        return f"{verb} {text.count_text(plan.going, 'version')}, {text.size_text(plan.bytes_going)}{where}."
    if plan.items and plan.counts[Verdict.SKIP_SAME] == len(plan.items):
        there = "It is" if len(plan.items) == 1 else f"All {len(plan.items):,} are"
        return f"{there} already there, skipped: nothing is {sent}."
    return f"Nothing to {plan.direction}."


def skipped_words(plan: SortedPlan) -> str:
    """How many are skipped and refused, and what to do about it; empty when all go."""
    words = []
    if (same := plan.counts[Verdict.SKIP_SAME]) and plan.going:
        words.append(f"Skips {same:,} already there.")
    if differing := plan.counts[Verdict.SKIP_DIFFERS]:
        them = "it" if differing == 1 else "them"
        words.append(f"Skips {differing:,} that {'differs' if differing == 1 else 'differ'}: F overwrites {them}.")
    if refused := plan.counts[Verdict.REFUSE]:
        words.append(f"{refused:,} cannot be {'sent' if plan.direction is Direction.PUSH else 'fetched'}.")
    return " ".join(words)


def _title(plan: Plan) -> str:
    count = len(plan.items)
    subject = text.literal(plan.items[0].tag_text) if count == 1 else text.count_text(count, "version")
    return f"{plan.direction.capitalize()}  {subject}"
