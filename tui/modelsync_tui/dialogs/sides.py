"""Two sides of one version beside each other, and which of their facts differ."""

from collections.abc import Sequence
from dataclasses import dataclass

from modelsync.comparison import Direction, PlanItem
from modelsync.model import LocalModel, RemoteModel, UploadStatus
from modelsync_tui import text
from modelsync_tui.glyphs import Glyphs
from modelsync_tui.widgets.lines import Lines, Piece, Tone
from modelsync_tui.widgets.words import moment_text

_NAME_CELLS = 11
LABELS_SHOWN_MAX = 6


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of both sides, in words."""

    name: str
    local: str
    remote: str
    differs: bool


def facts(item: PlanItem) -> tuple[Fact, ...]:
    """What a person compares before one side replaces the other; labels that differ come first."""
    local, remote = item.local, item.remote
    local_size, remote_size = text.size_pair(local.size_bytes if local else None, remote.size_bytes if remote else None)
    local_built = local.info.creation_time if local else None
    remote_built = remote.build_at if remote else None
    rows = [
        Fact("size", local_size, remote_size, local_size != remote_size),
        Fact("created", moment_text(local_built), moment_text(remote_built), local_built != remote_built),
        Fact("by", "you" if local else "-", _creator(remote), False),
    ]
    if remote is not None and remote.status is not UploadStatus.SUCCESS:
        rows.append(Fact("upload", "", text.literal(remote.status.value), False))
    return (*rows, *_labels(local, remote))


def _creator(remote: RemoteModel | None) -> str:
    return text.literal((remote.creator_email or remote.creator_name) if remote else "") or "-"


def _labels(local: LocalModel | None, remote: RemoteModel | None) -> list[Fact]:
    here = local.info.labels if local else {}
    there = remote.labels if remote else {}
    names = sorted({*here, *there}, key=lambda name: (here.get(name) == there.get(name), name))
    rows = [
        Fact(
            "labels" if index == 0 else "",
            f"{text.literal(name)}={text.literal(here[name])}" if name in here else "-",
            f"{text.literal(name)}={text.literal(there[name])}" if name in there else "-",
            here.get(name) != there.get(name),
        )
        for index, name in enumerate(names[:LABELS_SHOWN_MAX])
    ]
    if more := len(names) - LABELS_SHOWN_MAX:
        rows += [Fact("", f"and {more} more", "", False)] if more > 0 else []
    return rows


class SidesTable(Lines, can_focus=False):
    """The facts of one version, local at the left, what differs marked."""

    def __init__(
        self, item: PlanItem, direction: Direction, glyphs: Glyphs, *, coming: Sequence[str] = (), id: str
    ) -> None:
        """`coming`: the names of facts that are still asked for."""
        super().__init__(id=id)
        self._known = facts(item)
        self._facts = (*self._known, *(Fact(name, glyphs.ellipsis, glyphs.ellipsis, False) for name in coming))
        self._glyphs = glyphs
        replaced = item.remote is not None if direction is Direction.PUSH else item.local is not None
        push = direction is Direction.PUSH
        old = "will be replaced" if replaced else "nothing there yet"
        short_old = "old" if replaced else "nothing"
        self._heads = _heads(push=push, old=old)
        self._short_heads = _heads(push=push, old=short_old)

    def add(self, facts: Sequence[Fact]) -> None:
        """What was still asked for; without any, nobody knows it."""
        self._facts = (*self._known, *facts)
        self.lines_changed()

    def line_count(self) -> int:
        return len(self._facts) + 1

    def line(self, index: int, width: int) -> Sequence[Piece]:
        half = (width - _NAME_CELLS - 4) // 2
        if index == 0:
            heads = self._heads if max(map(len, self._heads)) <= half else self._short_heads
            here, there = (text.left(head, half, self._glyphs.ellipsis) for head in heads)
            return ((" " * (_NAME_CELLS + 2), Tone.PLAIN), (here + "  ", Tone.STRONG), (there, Tone.STRONG))
        fact = self._facts[index - 1]
        tone = Tone.WARN if fact.differs else Tone.PLAIN
        mark = self._glyphs.differs if fact.differs else " "
        ellipsis = self._glyphs.ellipsis
        return (
            (f"{mark} ", tone),
            (text.left(fact.name, _NAME_CELLS), Tone.MUTED),
            (text.left(fact.local, half, ellipsis) + "  ", tone),
            (text.left(fact.remote, half, ellipsis), tone),
        )


def _heads(*, push: bool, old: str) -> tuple[str, str]:
    return ("local (new)", f"remote ({old})") if push else (f"local ({old})", "remote (new)")
