"""The sign-in screen's other ways: a browser, a context of BentoML's own file, an organization, reading only."""

import re
from pathlib import Path

import httpx
import pytest
from textual.widgets import Button, Input

from modelsync.account import Context, Token, TokenSource
from modelsync.credentials import Credentials
from modelsync.credentials.yatai import YataiContext
from modelsync.errors import AuthenticationError, KeyringError
from modelsync.paths import Paths
from modelsync_registry.tokens import TokenGrant
from modelsync_tui.screens.login import LoginScreen, Offline, SignedIn
from modelsync_tui.sign_in import AccountSignIn
from modelsync_tui.widgets.keep_pick import KeepPick
from modelsync_tui.widgets.tick import Tick
from support.certificates import GOOD_PEM
from support.registry_server import (
    READ_TOKEN,
    TOKEN,
    TOM_TOKEN,
    RegistryFactory,
    RegistryServer,
    put_object,
    register_model,
)
from support.screens import LARGE, SMALL, UNANSWERED, Stage, text_of, until
from support.sign_in_answers import PAGE_TOKEN, ChosenAnswers
from support.strange_registry import Answer, StrangeRegistry, https_file

MIA = YataiContext("default", "https://cloud.bentoml.com", Token("tok-yatai-1"), "mia@acme.io", is_current=True)
LAB = YataiContext("lab", "https://lab.acme.io", Token("tok-yatai-2"), "", is_current=False)


def stage(answers: ChosenAnswers, *, back: bool = False) -> Stage:
    endpoint = "https://models.acme.io"
    return Stage(LoginScreen(answers, endpoint=endpoint, yatai_file="~/bentoml/.yatai.yaml", back=back))


class TestByBrowser:
    async def test_the_address_and_the_code_are_shown_and_the_confirmed_token_is_kept(self) -> None:
        answers = ChosenAnswers()
        app = stage(answers)
        async with app.run_test(size=SMALL) as pilot:
            await until(pilot, lambda: "(●) System keyring" in text_of(app))
            await pilot.press("ctrl+b")
            await until(pilot, lambda: "https://models.acme.io/api_tokens?code=c0de-4711" in text_of(app))
            assert "Open this page in any browser, on any machine" in text_of(app)
            assert "it must be c0de-4711" in text_of(app)
            await until(pilot, lambda: "1 of at most 600 s, Esc stops waiting" in text_of(app))
            answers.confirmed.set()
            await until(pilot, lambda: app.answer is not UNANSWERED)
            assert isinstance(app.answer, SignedIn)
            assert answers.tokens == [PAGE_TOKEN]
            assert answers.places == [TokenSource.KEYRING]

    async def test_escape_stops_waiting_and_keeps_the_card(self) -> None:
        answers = ChosenAnswers()
        app = stage(answers)
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press("ctrl+b")
            await until(pilot, lambda: "c0de-4711" in text_of(app))
            await pilot.press("escape")
            await until(pilot, lambda: "Stopped. Nothing was kept." in text_of(app))
            answers.confirmed.set()
            await pilot.pause(0.1)
            assert answers.tokens == []
            assert app.answer is UNANSWERED

    async def test_a_registry_without_it_says_so(self) -> None:
        app = stage(ChosenAnswers(has_browser=False))
        async with app.run_test(size=SMALL) as pilot:
            app.screen.query_one("#browser", Button).press()
            await until(pilot, lambda: "✗ models.acme.io has no sign-in by browser." in text_of(app))

    async def test_its_token_goes_nowhere_but_where_it_came_from(self) -> None:
        answers = ChosenAnswers(refuses=AuthenticationError("Try later."))
        app = stage(answers)
        async with app.run_test(size=SMALL) as pilot:
            answers.confirmed.set()
            await pilot.press("ctrl+b")
            await until(pilot, lambda: "Try later." in text_of(app))
            assert answers.tokens == [PAGE_TOKEN]
            app.screen.query_one("#endpoint", Input).value = "https://evil.example"
            await pilot.press("enter")
            await until(pilot, lambda: "Paste the API token first." in text_of(app))
            assert answers.tokens == [PAGE_TOKEN]


class TestImport:
    async def test_one_context_is_taken_over_by_its_key(self) -> None:
        answers = ChosenAnswers(found=(MIA,))
        app = stage(answers)
        async with app.run_test(size=SMALL) as pilot:
            await until(pilot, lambda: "Found ~/bentoml/.yatai.yaml: 1 context, token in plain text." in text_of(app))
            assert "The file is only read." in text_of(app)
            await pilot.press("f2")
            await until(pilot, lambda: app.answer is not UNANSWERED)
            assert answers.tokens == ["tok-yatai-1"]
            assert (answers.wishes[0].endpoint, answers.wishes[0].context) == (MIA.endpoint, "default")

    async def test_several_are_offered_in_a_menu(self) -> None:
        answers = ChosenAnswers(found=(MIA, LAB))
        app = stage(answers)
        async with app.run_test(size=SMALL) as pilot:
            await until(pilot, lambda: "[ Import one of them  F2 ]" in text_of(app))
            await pilot.press("f2")
            await until(pilot, lambda: "https://lab.acme.io" in text_of(app))
            assert "mia@acme.io" in text_of(app)
            await pilot.press("2")
            await until(pilot, lambda: app.answer is not UNANSWERED)
            assert answers.tokens == ["tok-yatai-2"]

    async def test_nothing_is_offered_where_nothing_was_found(self) -> None:
        app = stage(ChosenAnswers())
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press("f2")
            await pilot.pause()
            assert "yatai" not in text_of(app)


class TestOrganization:
    async def test_it_is_asked_for_only_when_there_are_several(self) -> None:
        answers = ChosenAnswers(organizations=("acme", "labs"))
        app = stage(answers)
        async with app.run_test(size=SMALL) as pilot:
            assert "Org " not in text_of(app)
            await pilot.press(*"token", "enter")
            await until(pilot, lambda: "You are in 2 organizations" in text_of(app))
            await pilot.press("down", "enter")
            await until(pilot, lambda: app.answer is not UNANSWERED)
            assert answers.kept_as[0][0].context.organization == "labs"

    async def test_another_token_is_asked_about_anew(self) -> None:
        answers = ChosenAnswers(organizations=("acme", "labs"))
        app = stage(answers)
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press(*"token", "enter")
            await until(pilot, lambda: "You are in 2 organizations" in text_of(app))
            await pilot.press("shift+tab", "x")
            await until(pilot, lambda: not app.screen.query_one("#organization-row").display)


class TestReadingOnly:
    async def test_a_token_that_may_not_push_is_told_and_kept_for_reading_with_another_enter(self) -> None:
        answers = ChosenAnswers(may_push=False)
        app = stage(answers)
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press(*"token", "enter")
            await until(pilot, lambda: "This token may read, not push" in text_of(app))
            assert app.answer is UNANSWERED
            assert answers.kept_as == []
            assert "[✓] for reading only" in text_of(app)
            await pilot.press("enter")
            await until(pilot, lambda: app.answer is not UNANSWERED)
            assert answers.kept_as[0][0].context.read_only

    async def test_it_is_a_persons_choice_too(self) -> None:
        answers = ChosenAnswers()
        app = stage(answers)
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press(*"token")
            app.screen.query_one(Tick).focus()
            await pilot.press("space", "enter")
            await until(pilot, lambda: app.answer is not UNANSWERED)
            assert answers.kept_as[0][0].context.read_only

    async def test_a_new_token_does_not_end_it(self) -> None:
        answers = ChosenAnswers(kept=Context("default", "https://models.acme.io", read_only=True))
        app = stage(answers)
        async with app.run_test(size=SMALL) as pilot:
            await until(pilot, lambda: "[✓] for reading only" in text_of(app))
            await pilot.press(*"token", "enter")
            await until(pilot, lambda: app.answer is not UNANSWERED)
            assert answers.wishes[0].read_only is None
            assert answers.kept_as[0][0].context.read_only


async def test_what_the_keyring_lets_one_wait_for_is_told_with_its_limit() -> None:
    answers = ChosenAnswers()
    answers.go_on.clear()
    app = stage(answers)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press(*"token", "enter")
        assert isinstance(app.screen, LoginScreen)
        app.screen.show_notice("Waiting for the OS keyring, at most 30 s; it may be asking for its password ...")
        await until(pilot, lambda: "Waiting for the OS keyring, at most 30 s" in text_of(app))
        await until(pilot, lambda: "Esc stops waiting" in text_of(app))
        answers.go_on.set()


async def test_a_keyring_whose_search_fails_is_told_beside_its_place() -> None:
    class Broken(ChosenAnswers):
        def keyring_status(self) -> object:  # type: ignore[override]
            raise KeyringError("The keyring's library does not load.")

    app = stage(Broken())
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "The keyring's library does not" in text_of(app))
        assert app.screen.query_one(KeepPick).chosen is TokenSource.SESSION


async def test_who_is_online_goes_back_instead_of_offline() -> None:
    app = stage(ChosenAnswers(), back=True)
    async with app.run_test(size=SMALL) as pilot:
        assert "[ Back ]" in text_of(app)
        app.screen.query_one("#offline", Button).press()
        await until(pilot, lambda: app.answer == Offline())


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_everything_the_card_can_say_fits(size: tuple[int, int]) -> None:
    refused = AuthenticationError("x" * 90, hint="Make a new one and paste it whole.")
    app = stage(ChosenAnswers(found=(MIA, LAB), refuses=refused))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "Import one of them" in text_of(app))
        await pilot.press(*"token", "enter")
        await until(pilot, lambda: "paste it whole." in text_of(app))
        for words in ("Context", "[ Sign in", "[ Offline ]", "Import one of them", "Nothing is sent until"):
            assert words in text_of(app)


class TestWithARegistry:
    """The same through core, against registries that run."""

    @pytest.fixture
    def credentials(self, tmp_path: Path) -> Credentials:
        places = {f"MODELSYNC_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "STATE", "CACHE")}
        return Credentials(Paths.of_platform(places), places)

    async def test_a_browser_somewhere_else_confirms(
        self, registry_server: RegistryServer, credentials: Credentials
    ) -> None:
        app = Stage(LoginScreen(AccountSignIn(credentials), endpoint=registry_server.url))
        async with app.run_test(size=LARGE) as pilot:
            await pilot.press("ctrl+b")
            address = re.compile(r"http://\S+/api_tokens\?code=(\S+)")
            await until(pilot, lambda: address.search(text_of(app)))
            found = address.search(text_of(app))
            assert found is not None
            page = httpx.URL(found[0]).copy_with(query=None)
            httpx.post(page, data={"code": found[1], "token": TOKEN}, trust_env=False).raise_for_status()
            await until(pilot, lambda: app.answer is not UNANSWERED)
        assert credentials.account().token == Token(TOKEN)

    async def test_the_organization_of_a_person_in_several_is_kept(
        self, make_registry: RegistryFactory, credentials: Credentials
    ) -> None:
        server = make_registry(organizations=("acme", "labs"))
        app = Stage(LoginScreen(AccountSignIn(credentials), endpoint=server.url))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press(*TOKEN, "enter")
            await until(pilot, lambda: "You are in 2 organizations" in text_of(app))
            assert credentials.contexts() == ()
            await pilot.press("down", "enter")
            await until(pilot, lambda: isinstance(app.answer, SignedIn))
            assert isinstance(app.answer, SignedIn)
            assert app.answer.organization.name == "labs"
        (kept,) = credentials.contexts()
        assert kept.organization == "labs"

    async def test_an_organization_that_is_no_longer_ones_own_is_told_with_those_that_are(
        self, make_registry: RegistryFactory, credentials: Credentials
    ) -> None:
        both = make_registry(organizations=("acme", "labs"))
        sign_in = AccountSignIn(credentials)
        app = Stage(LoginScreen(sign_in, endpoint=both.url))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press(*TOKEN, "enter")
            await until(pilot, lambda: "You are in 2 organizations" in text_of(app))
            await pilot.press("down", "enter")
            await until(pilot, lambda: app.answer is not UNANSWERED)
        both.set_tokens(TokenGrant(token=TOKEN, user="mia", organizations=frozenset({"acme"})))
        app = Stage(LoginScreen(sign_in, endpoint=both.url))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press(*TOKEN, "enter")
            await until(pilot, lambda: "Choose one of yours" in text_of(app))
            await pilot.press("enter")
            await until(pilot, lambda: app.answer is not UNANSWERED)
        assert [context.organization for context in credentials.contexts()] == ["acme"]

    async def test_a_token_that_may_only_read_is_kept_for_reading(
        self, registry_server: RegistryServer, credentials: Credentials
    ) -> None:
        put_object(registry_server.api, register_model(registry_server.api, "iris", "v1"), [b"x"])
        app = Stage(LoginScreen(AccountSignIn(credentials), endpoint=registry_server.url))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press(*READ_TOKEN, "enter")
            await until(pilot, lambda: "may read, not push" in text_of(app))
            await pilot.press("enter")
            await until(pilot, lambda: app.answer is not UNANSWERED)
        assert credentials.account().context.read_only

    async def test_bentomls_own_file_is_only_read(
        self, registry_server: RegistryServer, credentials: Credentials, tmp_path: Path
    ) -> None:
        path = tmp_path / "bentoml/.yatai.yaml"
        path.parent.mkdir()
        path.write_text(
            f"contexts:\n- api_token: {TOM_TOKEN}\n  email: null\n  endpoint: {registry_server.url}\n  name: lab\n"
            "current_context_name: lab\n"
        )
        before = (path.read_bytes(), path.stat().st_mtime_ns)
        app = Stage(LoginScreen(AccountSignIn(credentials, store=path.parent), yatai_file="~/bentoml/.yatai.yaml"))
        async with app.run_test(size=SMALL) as pilot:
            await until(pilot, lambda: "Import it" in text_of(app))
            await pilot.press("f2")
            await until(pilot, lambda: app.answer is not UNANSWERED)
        account = credentials.account()
        assert (account.context.name, account.context.user) == ("lab", "tom@acme.io")
        assert (path.read_bytes(), path.stat().st_mtime_ns) == before

    async def test_a_certificate_that_is_not_trusted_is_told_in_the_card(
        self, credentials: Credentials, tmp_path: Path
    ) -> None:
        with StrangeRegistry(https_file(tmp_path, GOOD_PEM)) as registry:
            app = Stage(LoginScreen(AccountSignIn(credentials), endpoint=registry.url))
            async with app.run_test(size=SMALL) as pilot:
                await pilot.press(*TOKEN, "enter")
                await until(pilot, lambda: "✗ " in text_of(app))
                assert "certificate" in text_of(app)
                assert app.answer is UNANSWERED

    async def test_a_registry_without_the_browsers_way_is_told_in_the_card(self, credentials: Credentials) -> None:
        with StrangeRegistry() as yatai:
            yatai.says(Answer(b'{"message":"not found this router with method GET"}', status=404))
            app = Stage(LoginScreen(AccountSignIn(credentials), endpoint=yatai.url))
            async with app.run_test(size=SMALL) as pilot:
                await pilot.press("ctrl+b")
                await until(pilot, lambda: "has no sign-in by browser" in text_of(app))

    async def test_nobody_at_the_address_is_told_in_the_card(self, credentials: Credentials) -> None:
        app = Stage(LoginScreen(AccountSignIn(credentials), endpoint="http://127.0.0.1:9"))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press(*TOKEN, "enter")
            await until(pilot, lambda: "Nothing answers at 127.0.0.1:9" in text_of(app), within_s=60)
