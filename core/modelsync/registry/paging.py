"""A long list as a whole, though it changes while it is read page by page.

How it works: a page is asked for by its place in the list, and places shift when someone pushes, deletes or pushes
again (contract 2). So each page is asked for together with the last row before it. If that is another row now, the list
moved; if it is one that never came, rows slid past: what lies before is read again, further and further back, until a
known row is met. Where anything moved, the front is read once more at the end, for a version that was pushed again goes
there from wherever it was.
"""

from collections.abc import Callable, Iterable, Iterator

from modelsync.model import RemoteModel
from modelsync.registry.schemas import Page

PageAt = Callable[[int, int], Page[RemoteModel]]
"""Asks for a page: its first place, from 0, and how many rows."""

STEPS_BACK_MAX = 16
"""In one list: one whose rows are in another order each time (equal build times, contract 2) is not read for ever."""
FRONT_PAGES_MAX = 16
"""Read again at the end, of a list whose front grows as fast as it is read."""


def each_once(page_at: PageAt, count: int) -> Iterator[RemoteModel]:
    """Every row of a list, once, `count` of them at a time.

    What was in the list all the time comes, unless more of it moves than the limits above allow.
    """
    seen: set[str] = set()
    steps_left = STEPS_BACK_MAX
    page = page_at(0, count)
    has_moved = False
    while True:
        yield from _unseen(page, seen)
        start = page.next_start
        if start is None:
            break
        before, page = page, page_at(start - 1, count + 1)
        if page.next_start == start:  # a server that gives one row at a time
            page = page_at(start, count)
        has_moved |= page.total != before.total or _tags(page.items[:1]) != _tags(before.items[-1:])
        step = count
        while steps_left and _slid_past(page, seen):
            steps_left -= 1
            back = max(0, page.start - step)
            page = page_at(back, start - back + count)  # in one piece: no row can slide past within it
            step *= 2
    if has_moved:
        yield from _front(page_at, count, seen)


def _unseen(page: Page[RemoteModel], seen: set[str]) -> Iterator[RemoteModel]:
    for model in page.items:
        if model.tag_text not in seen:
            seen.add(model.tag_text)
            yield model


def _tags(models: Iterable[RemoteModel]) -> list[str]:
    return [model.tag_text for model in models]


def _slid_past(page: Page[RemoteModel], seen: set[str]) -> bool:
    """Whether rows that never came may lie before this page."""
    if page.start == 0:
        return False
    if page.items:
        return page.items[0].tag_text not in seen
    return page.total <= page.start  # the list is shorter now; an empty page of a longer one is its server's lie


def _front(page_at: PageAt, count: int, seen: set[str]) -> Iterator[RemoteModel]:
    """What came to the front meanwhile, until a page brings nothing."""
    start = 0
    for _ in range(FRONT_PAGES_MAX):
        page = page_at(start, count)
        found = list(_unseen(page, seen))
        yield from found
        if not found or page.next_start is None:
            return
        start = page.next_start
