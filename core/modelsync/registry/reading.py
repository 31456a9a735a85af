"""Replies as values: one thing, a page, and a short list as a whole."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from modelsync.http.stopping import Stop
from modelsync.model import Json
from modelsync.registry import schemas
from modelsync.registry.calls import Call, Reply
from modelsync.registry.schemas import Page
from modelsync.registry.wire import Wire

T = TypeVar("T")

PAGE_COUNT = 50
"""Rows asked for at once: each costs the server some six queries, and asking for 0 would mean all (contract 2)."""
WHOLE_LIST_PAGE_COUNT = 200
"""Rows asked for at once of a list that is read to its end: a page has a price of its own, too."""
LIST_MAX = 500
"""Rows of the small lists (organizations, users of a version) that are read."""


def read(wire: Wire, call: Call, value_of: Callable[[Json], T], control: Stop | None) -> T:
    """Makes the call and reads its reply; what no registry answers becomes NotARegistryError."""
    value = wire.ask(call, control)
    try:
        return value_of(value)
    except ValueError as exc:
        raise wire.failures.not_a_registry(Reply(200), str(exc)) from exc


def read_page(wire: Wire, call: Call, start: int, value_of: Callable[[Json], T], control: Stop | None) -> Page[T]:
    """The page that the call's parameters (`page_params`) ask for."""
    return read(wire, call, lambda value: schemas.read_page(value, start, value_of), control)


def read_whole_list(wire: Wire, call: Call, value_of: Callable[[Json], T], control: Stop | None) -> Iterator[T]:
    """The rows of a short list, at most LIST_MAX."""
    start: int | None = 0
    while start is not None and start < LIST_MAX:
        params = {**call.params, **page_params(start, PAGE_COUNT)}
        page = read_page(wire, replace(call, params=params), start, value_of, control)
        yield from page.items
        start = page.next_start


def page_params(start: int, count: int, *, search: str = "", query: str = "") -> dict[str, str]:
    """Raises ValueError for a page that starts before 0 or holds no row."""
    if start < 0 or count < 1:
        raise ValueError("a page starts at 0 or later and holds 1 row or more")  # a count of 0 would mean all
    params = {"start": str(start), "count": str(count)}
    if search:
        params["search"] = search
    if query:
        params["q"] = query
    return params
