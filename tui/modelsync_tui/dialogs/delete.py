"""The question before local versions are deleted: which, what that frees, and what stops working without them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from modelsync.pruning import DeleteItem, DeletePlan, keep_last
from modelsync_tui import text
from modelsync_tui.deleting import Chosen
from modelsync_tui.dialogs.card import Card, bracketed, choice, sentence
from modelsync_tui.glyphs import Glyphs
from modelsync_tui.widgets.lines import Lines, Piece, Tone
from modelsync_tui.widgets.tick import Tick

_SIZE_CELLS = 9
_KEEP_MAX = 9_999


class DeleteDialog(Card[DeletePlan]):
    """Lists what goes; answers with the plan to go on with, None for no. What a bento uses goes only if told twice."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False, id="delete.up", tooltip="one line up"),
        Binding("down,j", "move(1)", show=False, id="delete.down", tooltip="one line down"),
        Binding("u", "turn_used", show=False, id="delete.used", tooltip="delete what bentos use too, or not"),
    ]

    def __init__(self, plan: DeletePlan, chosen: Chosen, *, keep: int | None = None) -> None:
        """`keep`: how many of the newest versions of each name stay; None spares none."""
        subject = text.literal(str(plan.items[0].tag)) if len(plan.items) == 1 else "local versions"
        super().__init__("Clean up" if keep is not None else f"Delete  {subject}")
        self._whole = plan
        self._chosen = chosen
        self._keep = keep
        self._is_clean_up = keep is not None
        self.plan = plan
        """What goes as it is asked for now."""
        self._narrow()

    def body(self) -> Iterable[Widget]:
        yield sentence(self._summary(), id="summary")
        yield DeleteLines(self._chosen.only_here, self.glyphs, id="items")
        if len(self._chosen.models) > 1:
            with Horizontal(id="keep-row"):
                yield sentence("Keep the newest", id="prompt")
                yield from bracketed(
                    Input("" if self._keep is None else str(self._keep), id="keep", compact=True, restrict="[0-9]*")
                )
                yield sentence("of each name", id="of-each")
        if any(item.used_by for item in self._whole.items):
            yield Tick("delete what bentos use too", "u: they break", id="used")

    def choices(self) -> Iterable[Widget]:
        yield choice("Cancel", "Esc", id="cancel")
        yield choice(self._verb(), "", id="go", kind="-danger", disabled=not self.plan.going)

    def on_mount(self) -> None:
        self.query_one(DeleteLines).show(self.plan)
        typed = self.query("#keep").results(Input)
        self.set_focus(next(typed, None) if self._is_clean_up else self.query_one("#cancel", Button))

    @on(Input.Changed, "#keep")
    def _keep_typed(self, event: Input.Changed) -> None:
        event.stop()
        number = int(event.value or 0)
        self._keep = min(number, _KEEP_MAX) or None
        self._show()

    @on(Input.Submitted, "#keep")
    def _keep_entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.set_focus(self.query_one("#cancel", Button))

    @on(Tick.Turned)
    def _used_turned(self) -> None:
        self._show()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(self.plan if event.button.id == "go" and self.plan.going else None)

    def action_move(self, by: int) -> None:
        for lines in self.query(DeleteLines):
            lines.move_cursor(by)

    def action_turn_used(self) -> None:
        """Says it a second time: also what bentos use."""
        for tick in self.query(Tick):
            tick.action_turn()

    def _narrow(self) -> None:
        """Leaves out what stays because it is among the newest."""
        items: Sequence[DeleteItem] = self._whole.items
        if self._keep is not None:
            going = {model.tag for model in keep_last(self._chosen.siblings, self._keep)}
            whole = {model.tag for model in self._chosen.models}
            items = [item for item in items if item.tag in going or item.tag not in whole]
        elif self._is_clean_up:
            items = ()  # nobody cleans up by losing everything
        told_twice = any(tick.on for tick in self.query(Tick)) if self.is_mounted else False
        self.plan = replace(self._whole, items=tuple(items), force_used=told_twice)

    def _show(self) -> None:
        self._narrow()
        self.query_one("#summary", Static).update(Content(self._summary()))
        self.query_one(DeleteLines).show(self.plan)
        button = self.query_one("#go", Button)
        button.label = Content(f"[ {self._verb()} ]")
        button.refresh(layout=True)  # other words may need more room
        button.disabled = not self.plan.going

    def _verb(self) -> str:
        return f"Delete {text.count_text(len(self.plan.going), 'version')}" if self.plan.going else "Delete"

    def _summary(self) -> str:
        plan = self.plan
        count = text.count_text(len(plan.going), "version")
        if not plan.items and self._keep is None:
            return "Nothing goes: type how many stay."
        if not plan.items:
            return "Nothing goes: all of them are among the newest."
        if not plan.going:
            words = "Nothing goes."
        else:
            words = f"Deletes {count} from this machine and frees {text.size_text(plan.bytes_freed)}."
        nowhere_else = sum(str(item.tag) in self._chosen.only_here for item in plan.going)
        if nowhere_else:
            them = "It is" if len(plan.going) == 1 else f"{nowhere_else} of them {'is' if nowhere_else == 1 else 'are'}"
            words += f"\n{them} not in the registry."
        if plan.refused:
            one = len(plan.refused) == 1
            words += f"\n{len(plan.refused)} {'stays' if one else 'stay'}: local bentos use {'it' if one else 'them'}."
        return words


class DeleteLines(Lines, can_focus=True):
    """One line a version: whether it goes, its size, and why it had better stay."""

    def __init__(self, only_here: frozenset[str], glyphs: Glyphs, *, id: str) -> None:
        super().__init__(id=id)
        self._only_here = only_here
        self._glyphs = glyphs
        self._items: tuple[DeleteItem, ...] = ()
        self._force_used = False
        self._tag_cells = 0

    def show(self, plan: DeletePlan) -> None:
        """Shows another plan."""
        self._items, self._force_used = plan.items, plan.force_used
        self._tag_cells = max((cell_len(text.literal(str(item.tag))) for item in plan.items), default=0)
        self.lines_changed()

    def line_count(self) -> int:
        return len(self._items)

    def line(self, index: int, width: int) -> Sequence[Piece]:
        item = self._items[index]
        goes = self._force_used or not item.used_by
        mark, tone = (self._glyphs.cancelled, Tone.BAD) if goes else (" ", Tone.MUTED)
        tag_cells = min(self._tag_cells, max(12, (width - _SIZE_CELLS - 6) * 6 // 10))
        tag = text.cut_middle(text.literal(str(item.tag)), tag_cells, self._glyphs.ellipsis)
        words, words_tone = self._words(item)
        return (
            (f"{mark} ", tone),
            (text.left(tag, tag_cells), Tone.PLAIN if goes else Tone.MUTED),
            (f"  {text.right(text.size_text(item.size_bytes), _SIZE_CELLS)}  ", Tone.PLAIN if goes else Tone.MUTED),
            (text.left(words, max(0, width - tag_cells - _SIZE_CELLS - 6), self._glyphs.ellipsis), words_tone),
        )

    def _words(self, item: DeleteItem) -> Piece:
        if item.used_by:
            more = f" and {len(item.used_by) - 1} more" if len(item.used_by) > 1 else ""
            stays = "" if self._force_used else "stays: "
            return f"{stays}used by {text.literal(item.used_by[0])}{more}", Tone.WARN
        if str(item.tag) in self._only_here:
            return "not in the registry", Tone.WARN
        return ("the latest" if item.is_latest else ""), Tone.MUTED
