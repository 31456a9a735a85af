"""A plan sorted by what becomes of its versions, and counted, in one walk: there may be 100,000 of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from modelsync.comparison import Direction, Plan, PlanItem, Verdict
from modelsync_tui.text import literal

_ORDER = (Verdict.GO, Verdict.REFUSE, Verdict.SKIP_DIFFERS, Verdict.SKIP_SAME)


@dataclass(frozen=True, slots=True)
class SortedPlan:
    """What the plan's dialog is drawn from."""

    direction: Direction
    items: Sequence[PlanItem]
    """Those that go first, then those that cannot, then those that need not."""
    counts: Mapping[Verdict, int]
    bytes_going: int
    tag_cells: int
    """How wide the longest tag is."""
    reason_cells: int
    """How wide the longest reason is."""

    @classmethod
    def of(cls, plan: Plan) -> "SortedPlan":
        """The same plan, sorted."""
        heaps: dict[Verdict, list[PlanItem]] = {verdict: [] for verdict in _ORDER}
        longest, reasons = "", set()
        for item in plan.items:
            heaps[item.decision.verdict].append(item)
            reasons.add(item.decision.reason)
            if len(item.tag_text) > len(longest):
                longest = item.tag_text
        return cls(
            plan.direction,
            [item for heap in heaps.values() for item in heap],
            {verdict: len(heap) for verdict, heap in heaps.items()},
            sum(item.size_bytes for item in heaps[Verdict.GO]),
            cell_len(literal(longest)),
            max((cell_len(literal(reason)) for reason in reasons), default=0),
        )

    @property
    def going(self) -> int:
        """How many versions go."""
        return self.counts[Verdict.GO]
