"""The first line: where, how much, who, and whether there is a connection, in every width."""

import pytest
from rich.cells import cell_len

from modelsync_tui.widgets.header import Header, HeaderFacts
from support.screens import Stage, text_of

GiB = 1 << 30
FACTS = HeaderFacts(
    store="~/bentoml/models",
    size_bytes=int(18.4 * GiB),
    versions=1_214,
    host="cloud.bentoml.com",
    organization="acme",
    user="mia@acme.io",
    link="online",
    context="prod",
)


async def line(facts: HeaderFacts, width: int, *, ascii_only: bool = False) -> str:
    """What a person reads on it."""
    header = Header(facts)
    app = Stage(header, ascii_only=ascii_only)
    async with app.run_test(size=(width, 3)) as pilot:
        header.styles.height = 1
        await pilot.pause()
        return text_of(app).splitlines()[0]


async def test_it_says_how_much_the_store_holds_and_who_is_where() -> None:
    shown = await line(FACTS, 130)
    for words in (
        "~/bentoml/models (18.4 GiB, 1,214 versions)",
        "prod",
        "cloud.bentoml.com",
        "org acme",
        "mia@acme.io",
    ):
        assert words in shown
    assert shown.endswith("online")


async def test_where_there_is_less_room_the_connection_and_the_registry_stay() -> None:
    shown = await line(FACTS, 80)
    assert "acme@cloud.bentoml.com" in shown
    assert shown.endswith("online")


async def test_where_there_is_less_room_the_path_is_cut_between_its_components() -> None:
    assert "~/…/models  ⇄" in await line(FACTS, 66)


@pytest.mark.parametrize("width", [200, 120, 100, 80, 60, 41, 20, 5])
async def test_it_is_never_longer_than_its_line(width: int) -> None:
    hostile = HeaderFacts(
        store="/漢字/" + "x" * 300, host="h" * 300, organization="[/b]\x1b[31m", user="é" * 200, context="c" * 90
    )
    for facts in (FACTS, hostile):
        shown = await line(facts, width)
        assert cell_len(shown) <= width
        assert "\x1b" not in shown


async def test_read_only_and_offline_are_said() -> None:
    shown = await line(HeaderFacts(store="~/s", link="offline", read_only=True), 100)
    assert shown.endswith("read-only  offline")
    assert "no registry" in shown


async def test_ascii_is_enough() -> None:
    assert (await line(FACTS, 100, ascii_only=True)).isascii()
