"""Contexts on the screen: shown, switched in place while transfers go on, signed out of, signed in to again."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.model import Organization, User
from modelsync.tag import Tag
from modelsync.transfers import TransferRow, TransferStatus
from modelsync_registry.tokens import TokenGrant
from modelsync_tui.app import ModelsyncApp
from modelsync_tui.connections import Online
from modelsync_tui.dialogs.contexts import ContextsDialog, SignInTo, SignOutDialog, SignOutOf, Use
from modelsync_tui.dialogs.plan import PlanDialog
from modelsync_tui.loading import Link
from modelsync_tui.screens.details import DetailsScreen
from modelsync_tui.screens.login import LoginScreen
from modelsync_tui.session import Kept
from modelsync_tui.widgets.lines import Tone
from support.local_store import write_model
from support.registry_server import TOKEN, TOM_TOKEN, RegistryFactory, RegistryServer, register_model
from support.screens import LARGE, SMALL, Stage, text_of
from support.screens import until as until_shown
from support.tui import app_for, lines_with, until

WIDE = (120, 40)
MiB = 1 << 20
EXPIRES = datetime(2100, 1, 1, tzinfo=UTC)
OLD = "tok-old-0123456789"

KEPT = (
    Kept(Context("lab", "https://lab.acme.io", user="mia@acme.io"), TokenSource.KEYRING, is_chosen=True),
    Kept(
        Context("prod-eu", "https://models.acme.io", organization="acme-eu", read_only=True, user="tom@acme.io"),
        TokenSource.FILE,
        is_chosen=False,
    ),
)
LAB_ONLINE = Online(KEPT[0].context, "lab.acme.io", User("mia", "mia@acme.io"), Organization("labs"))


class TestTheDialog:
    @pytest.mark.parametrize("size", [SMALL, LARGE])
    async def test_every_context_is_shown_with_where_who_and_what_it_refuses(self, size: tuple[int, int]) -> None:
        app = Stage(ContextsDialog(KEPT, LAB_ONLINE, environment_wins=False))
        async with app.run_test(size=size) as pilot:
            await until_shown(pilot, lambda: "prod-eu" in text_of(app))
            (lab,) = [line for line in text_of(app).splitlines() if "lab.acme.io" in line]
            (prod,) = [line for line in text_of(app).splitlines() if "models.acme.io" in line]
            assert "●" in lab
            assert "labs" in lab
            assert "mia@acme.io" in lab
            assert "●" not in prod
            for words in ("acme-eu", "tom@acme.io", "read-only"):
                assert words in prod
            for words in ("[ Use", "[ Add another  n ]", "[ New token  t ]", "[ Sign out  x ]"):
                assert words in text_of(app)

    @pytest.mark.parametrize(
        ("pressed", "answer"),
        [
            (("down", "enter"), Use("prod-eu")),
            (("n",), SignInTo(None)),
            (("j", "t"), SignInTo("prod-eu")),
            (("x",), SignOutOf(KEPT[0])),
            (("escape",), None),
        ],
    )
    async def test_each_wish_has_its_key(self, pressed: tuple[str, ...], answer: object) -> None:
        app = Stage(ContextsDialog(KEPT, LAB_ONLINE, environment_wins=False))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press(*pressed)
            assert app.answer == answer

    async def test_where_it_is_narrow_every_choice_is_in_sight_and_hosts_are_told_apart(self) -> None:
        app = Stage(ContextsDialog(KEPT, LAB_ONLINE, environment_wins=False))
        async with app.run_test(size=(60, 16)) as pilot:
            await until_shown(pilot, lambda: "[ Sign out  x ]" in text_of(app))
            for words in ("lab.acme.io", "models.acme.io", "read-only", "[ Use", "[ Add another", "[ New token"):
                assert words in text_of(app), words

    async def test_where_the_environment_wins_it_says_so_and_changes_nothing(self) -> None:
        app = Stage(ContextsDialog(KEPT, LAB_ONLINE, environment_wins=True))
        async with app.run_test(size=SMALL) as pilot:
            await until_shown(pilot, lambda: "BENTO_CLOUD_API_KEY is set" in text_of(app))
            assert "●" not in text_of(app)
            await pilot.press("down", "n", "x", "t", "enter")
            assert app.answer is None

    @pytest.mark.parametrize(("pressed", "answer"), [(("enter",), False), (("tab", "enter"), True)])
    async def test_signing_out_asks_and_cancel_is_the_default(self, pressed: tuple[str, ...], answer: bool) -> None:
        app = Stage(SignOutDialog(KEPT[0]))
        async with app.run_test(size=SMALL) as pilot:
            await until_shown(pilot, lambda: "removed from the system keyring" in text_of(app))
            await pilot.press(*pressed)
            assert app.answer is answer

    async def test_ascii_is_ascii(self) -> None:
        app = Stage(ContextsDialog(KEPT, LAB_ONLINE, environment_wins=False), ascii_only=True)
        async with app.run_test(size=SMALL) as pilot:
            await pilot.pause()
            assert text_of(app).isascii()


def keep(app: ModelsyncApp, server: RegistryServer, name: str, token: str = TOKEN, *, read_only: bool = False) -> None:
    context = Context(name, server.url, read_only=read_only, user="mia@acme.io")
    app.session.credentials.keep(Account(context, Token(token), TokenSource.FILE), TokenSource.FILE)


def both(lab: RegistryServer, prod: RegistryServer) -> Callable[[ModelsyncApp], None]:
    """Keeps a context of each, that of `lab` in use."""

    def prepare(app: ModelsyncApp) -> None:
        keep(app, prod, "prod")
        keep(app, lab, "lab")

    return prepare


@asynccontextmanager
async def running(
    folder: Path, prepare: Callable[[ModelsyncApp], object], *, bandwidth: str = "off"
) -> AsyncIterator[tuple[ModelsyncApp, Pilot[object]]]:
    """The application with what `prepare` keeps, online in the context that was kept last."""
    app = app_for(folder, bandwidth=bandwidth)
    app.session.environ = {"HOME": str(folder)}
    prepare(app)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.main.is_mounted and app.main.loader.catalog.remote_known)
        yield app, pilot
        app.main.queueing.tell(lambda transfers: transfers.cancel_all())
        app.main.queueing.tell(lambda transfers: transfers.set_limit(None))


def rows(app: ModelsyncApp) -> tuple[TransferRow, ...]:
    return app.main.queueing.snapshot().rows


async def choose(pilot: Pilot[object], app: ModelsyncApp, *keys: str) -> None:
    await pilot.press("a")
    await until(pilot, lambda: isinstance(app.screen, ContextsDialog))
    await pilot.press(*keys)


@pytest.fixture
def lab(make_registry: RegistryFactory) -> RegistryServer:
    server = make_registry(organizations=("labs",))
    register_model(server.api, "labonly", "v1")
    return server


@pytest.fixture
def prod(make_registry: RegistryFactory) -> RegistryServer:
    server = make_registry(organizations=("acme",))
    register_model(server.api, "prodonly", "v1")
    return server


async def test_switching_shows_the_other_registry_and_is_remembered(
    tmp_path: Path, lab: RegistryServer, prod: RegistryServer
) -> None:
    async with running(tmp_path, both(lab, prod)) as (app, pilot):
        await until(pilot, lambda: lines_with(app, "labonly"))
        assert "lab" in lines_with(app, "modelsync")[0]
        await choose(pilot, app, "up", "enter")
        await until(pilot, lambda: lines_with(app, "prodonly"))
        assert not lines_with(app, "labonly")
        assert " prod " in lines_with(app, "modelsync")[0]
        assert "org acme" in lines_with(app, "modelsync")[0]
        assert app.main._header._facts.context_tone is Tone.DANGER
        assert app.session.credentials.current() == "prod"


async def test_the_context_is_switched_over_the_details_which_then_show_the_other_registry(
    tmp_path: Path, lab: RegistryServer, prod: RegistryServer
) -> None:
    write_model(tmp_path / "store", "bert:v1")
    for server, version in ((lab, "inlab"), (prod, "inprod")):
        register_model(server.api, "bert", version)
    async with running(tmp_path, both(lab, prod)) as (app, pilot):
        await pilot.press("g", "i")
        await until(pilot, lambda: isinstance(app.screen, DetailsScreen) and lines_with(app, "inlab"))
        await choose(pilot, app, "up", "enter")
        await until(pilot, lambda: isinstance(app.screen, DetailsScreen) and lines_with(app, "inprod"))
        assert not lines_with(app, "inlab")
        assert [toast.message for toast in app._notifications] == ["Now with prod."]
        assert app.session.online is not None
        assert app.session.online.context.name == "prod"


async def test_transfers_of_the_context_that_was_left_go_on_in_the_same_pane(
    tmp_path: Path, lab: RegistryServer, prod: RegistryServer
) -> None:
    write_model(tmp_path / "store", "big:v", files={"weights.bin": os.urandom(6 * MiB)})
    async with running(tmp_path, both(lab, prod), bandwidth="300KB/s") as (app, pilot):
        await pilot.press("j", "P")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        await pilot.press("enter")
        await until(pilot, lambda: rows(app) and rows(app)[0].status is TransferStatus.RUNNING)
        await choose(pilot, app, "up", "enter")
        await until(pilot, lambda: lines_with(app, "prodonly"))
        assert [(row.context, row.status) for row in rows(app)] == [("lab", TransferStatus.RUNNING)]
        assert lines_with(app, "big:v @lab")
        await pilot.press("3", "space")
        await until(pilot, lambda: rows(app)[0].status is TransferStatus.PAUSED)
        await pilot.press("space", "1")
        app.main.queueing.tell(lambda transfers: transfers.set_limit(None))
        await until(pilot, lambda: rows(app)[0].status is TransferStatus.DONE)
        await choose(pilot, app, "down", "enter")
        await until(pilot, lambda: "big:v" in app.main.loader.catalog.remotes)
        assert rows(app)[0].context == ""


async def test_the_same_version_goes_to_both_contexts(
    tmp_path: Path, lab: RegistryServer, prod: RegistryServer
) -> None:
    write_model(tmp_path / "store", "bert:v1")
    async with running(tmp_path, both(lab, prod)) as (app, pilot):
        for away in ("up", "down"):
            await pilot.press("1", "g", "j", "P")
            await until(pilot, lambda: isinstance(app.screen, PlanDialog))
            await pilot.press("enter")
            await until(pilot, lambda: "bert:v1" in app.main.loader.catalog.remotes)
            await choose(pilot, app, away, "enter")
            await until(pilot, lambda: app.main.is_online and app.main.loader.catalog.remote_known)
        assert sorted(row.id for row in rows(app)) == [1, 2]
        assert {row.status for row in rows(app)} == {TransferStatus.DONE}


async def test_a_read_only_context_refuses_pushes_by_name_without_a_plan(tmp_path: Path, lab: RegistryServer) -> None:
    write_model(tmp_path / "store", "bert:v1")
    async with running(tmp_path, lambda app: keep(app, lab, "mirror", read_only=True)) as (app, pilot):
        for key in ("P", "F", "f5"):
            await pilot.press("j", key)
            await until(pilot, lambda: lines_with(app, "Context mirror is read-only: nothing is pushed from here."))
            assert app.screen is app.main
            app.main.say("")
        assert "read-only" in lines_with(app, "modelsync")[0]


async def test_where_the_environment_wins_the_screen_says_why_nothing_is_switched(
    tmp_path: Path, lab: RegistryServer
) -> None:
    app = app_for(tmp_path, lab)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.main.is_mounted and app.main.loader.catalog.remote_known)
        await pilot.press("a")
        await until(pilot, lambda: lines_with(app, "BENTO_CLOUD_API_KEY is set"))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.main)
        assert app.main.is_online


async def test_a_registry_of_the_environment_goes_by_its_host(tmp_path: Path, lab: RegistryServer) -> None:
    app = app_for(tmp_path, lab)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.main.is_mounted and app.main.loader.catalog.remote_known)
        assert lines_with(app, f"2 Remote  {lab.url.removeprefix('http://')} ")


async def test_signing_out_forgets_the_token_and_shows_no_registry(tmp_path: Path, lab: RegistryServer) -> None:
    async with running(tmp_path, lambda app: keep(app, lab, "lab")) as (app, pilot):
        await choose(pilot, app, "x")
        await until(pilot, lambda: isinstance(app.screen, SignOutDialog))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: lines_with(app, "Signed out of lab."))
        assert app.session.credentials.contexts() == ()
        assert app.main.loader.link is Link.OFFLINE
        assert not lines_with(app, "labonly")
        assert TOKEN not in "".join(path.read_text() for path in (tmp_path / "config").iterdir())
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, LoginScreen))


async def test_another_context_is_signed_in_to_under_a_name_of_its_own(
    tmp_path: Path, lab: RegistryServer, prod: RegistryServer
) -> None:
    async with running(tmp_path, lambda app: keep(app, lab, "default")) as (app, pilot):
        await choose(pilot, app, "n")
        await until(pilot, lambda: isinstance(app.screen, LoginScreen))
        assert app.screen.query_one("#context", Input).value == "context-2"
        app.screen.query_one("#endpoint", Input).value = prod.url
        await pilot.press(*TOM_TOKEN, "enter")
        await until(pilot, lambda: lines_with(app, "prodonly"))
        assert [context.name for context in app.session.credentials.contexts()] == ["default", "context-2"]
        assert lines_with(app, "tom@acme.io")


async def test_a_context_that_cannot_be_reached_leaves_no_way_to_the_one_before(
    tmp_path: Path, lab: RegistryServer, prod: RegistryServer
) -> None:
    write_model(tmp_path / "store", "bert:v1")
    prod.stop()
    async with running(tmp_path, both(lab, prod)) as (app, pilot):
        await choose(pilot, app, "up", "enter")
        await until(pilot, lambda: app.main.loader.link is Link.OFFLINE, within_s=60)
        assert not lines_with(app, "labonly")
        await pilot.press("P")
        assert lines_with(app, "Not connected to a registry")
        await choose(pilot, app, "down", "enter")
        await until(pilot, lambda: lines_with(app, "labonly"))


class TestATokenThatIsWithdrawn:
    """While a push runs."""

    @pytest.fixture
    def server(self, make_registry: RegistryFactory) -> RegistryServer:
        return make_registry(
            tokens=(TokenGrant(token=OLD, user="mia", expires_at=EXPIRES), TokenGrant(token=TOKEN, user="mia")),
            url_lifetime_s=200 * 366 * 24 * 3600.0,
        )

    @pytest.fixture
    def store(self, tmp_path: Path) -> Path:
        for number in (1, 2):
            write_model(tmp_path / "store", f"big:v{number}", files={"weights.bin": os.urandom(8 * MiB)})
        return tmp_path / "store"

    async def _push_until_it_is_withdrawn(
        self, pilot: Pilot[object], app: ModelsyncApp, server: RegistryServer
    ) -> None:
        await pilot.press("P")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        await pilot.press("enter")
        await until(pilot, lambda: rows(app) and rows(app)[0].progress.bytes_moved > MiB)
        server.clock.advance((EXPIRES - server.clock()).total_seconds() + 1)
        app.main.queueing.tell(lambda transfers: transfers.set_limit(None))

    async def test_it_pauses_says_why_asks_to_sign_in_and_goes_on(
        self, tmp_path: Path, store: Path, server: RegistryServer
    ) -> None:
        async with running(tmp_path, lambda app: keep(app, server, "lab", OLD), bandwidth="2MB/s") as (app, pilot):
            transfers = app.session.transfers
            await self._push_until_it_is_withdrawn(pilot, app, server)
            await until(pilot, lambda: isinstance(app.screen, LoginScreen))
            assert lines_with(app, "has expired")
            assert app.screen.query_one("#endpoint", Input).value == server.url
            assert app.screen.query_one("#context", Input).value == "lab"
            assert {row.status for row in rows(app)} == {TransferStatus.PAUSED}
            await pilot.press(*TOKEN, "enter")
            await until(pilot, lambda: app.screen is app.main)
            await until(pilot, lambda: {row.status for row in rows(app)} == {TransferStatus.DONE})
            assert app.session.transfers is transfers
            assert app.session.connected.registry.model(Tag("big", "v1")) is not None

    async def test_an_open_question_keeps_its_keys_until_it_was_answered(
        self, tmp_path: Path, store: Path, server: RegistryServer
    ) -> None:
        async with running(tmp_path, lambda app: keep(app, server, "lab", OLD), bandwidth="2MB/s") as (app, pilot):
            await self._push_until_it_is_withdrawn(pilot, app, server)
            await pilot.press("slash", *"big")
            await until(pilot, lambda: app.main.queueing.snapshot().needs_sign_in)
            await until(pilot, lambda: lines_with(app, "wait"))
            await pilot.press("x")
            assert app.screen is app.main
            assert app.main.local.ask.filter.text == "bigx"
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, LoginScreen))

    async def test_without_a_new_sign_in_they_stay_paused_and_say_why(
        self, tmp_path: Path, store: Path, server: RegistryServer
    ) -> None:
        async with running(tmp_path, lambda app: keep(app, server, "lab", OLD), bandwidth="2MB/s") as (app, pilot):
            await self._push_until_it_is_withdrawn(pilot, app, server)
            await until(pilot, lambda: isinstance(app.screen, LoginScreen))
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.main)
            assert lines_with(app, "waits for a new sign-in")
            await choose(pilot, app, "t")
            await until(pilot, lambda: isinstance(app.screen, LoginScreen))
            app.screen.query_one("#offline", Button).press()


async def test_the_environments_token_that_is_withdrawn_is_told_without_a_card(
    tmp_path: Path, make_registry: RegistryFactory
) -> None:
    server = make_registry(
        tokens=(TokenGrant(token=TOKEN, user="mia", expires_at=EXPIRES),), url_lifetime_s=200 * 366 * 24 * 3600.0
    )
    write_model(tmp_path / "store", "big:v1", files={"weights.bin": os.urandom(8 * MiB)})
    app = app_for(tmp_path, server, bandwidth="2MB/s")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.main.is_mounted and app.main.loader.catalog.remote_known)
        await until(pilot, lambda: app.main.local.row is not None)
        await pilot.press("P")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        await pilot.press("enter")
        await until(pilot, lambda: rows(app) and rows(app)[0].progress.bytes_moved > MiB)
        server.clock.advance((EXPIRES - server.clock()).total_seconds() + 1)
        app.main.queueing.tell(lambda transfers: transfers.set_limit(None))
        await until(pilot, lambda: lines_with(app, "It is BENTO_CLOUD_API_KEY's"))
        assert app.screen is app.main
