"""The sign-in screen: what it asks, what it keeps, and that the token is never seen."""

from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input, Static

from modelsync.account import Token, TokenSource
from modelsync.credentials import Credentials
from modelsync.errors import TokenRefusedError
from modelsync.paths import Paths
from modelsync_tui.screens.login import LoginScreen, Offline, SignedIn
from modelsync_tui.sign_in import AccountSignIn, SignInWish
from support.registry_server import EXPIRED_TOKEN, TOKEN, RegistryServer
from support.screens import LARGE, SMALL, UNANSWERED, Stage, text_of, until
from support.sign_in_answers import NOT_HERE, ChosenAnswers

SECRET = "tok-Zq7x-unseen"
REFUSED = "The registry [/b] does not know this token."


def stage(answers: ChosenAnswers, *, ascii_only: bool = False) -> Stage:
    screen = LoginScreen(answers, endpoint="https://models.acme.io", credentials_file="~/.config/modelsync/credentials")
    return Stage(screen, ascii_only=ascii_only)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_card_names_every_field_and_the_keyring_of_the_platform(size: tuple[int, int]) -> None:
    app = stage(ChosenAnswers())
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "Secret Service" in text_of(app))
        for words in (
            "Context",
            "Endpoint",
            "API token",
            "Only this session",
            "0600  ~/.config/modelsync/credentials",
            "Sign in",
            "Offline",
        ):
            assert words in text_of(app)
        assert "Nothing is sent until you press Sign in." in text_of(app)


async def test_a_good_token_signs_in_and_is_kept_in_the_keyring() -> None:
    answers = ChosenAnswers()
    app = stage(answers)
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "(●) System keyring" in text_of(app))
        await pilot.press(*SECRET, "enter")
        await until(pilot, lambda: app.answer is not UNANSWERED)
        assert isinstance(app.answer, SignedIn)
        assert app.answer.user.label == "mia@acme.io"
        assert (answers.wishes, answers.tokens) == ([SignInWish("https://models.acme.io", "default")], [SECRET])
        assert answers.places == [TokenSource.KEYRING]


async def test_a_refused_token_says_so_in_the_card_and_keeps_nothing() -> None:
    answers = ChosenAnswers(refuses=TokenRefusedError(REFUSED, hint="Make a new one."))
    app = stage(answers)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press(*SECRET, "enter")
        await until(pilot, lambda: f"✗ {REFUSED} Make a new one." in text_of(app))
        assert answers.places == []
        assert app.answer is UNANSWERED


@pytest.mark.parametrize("size", [(60, 16), SMALL])
async def test_where_the_card_does_not_fit_its_sentence_and_its_choices_still_do(size: tuple[int, int]) -> None:
    answers = ChosenAnswers(refuses=TokenRefusedError("The token is wrong. " * 8, hint="Make a new one."))
    app = stage(answers)
    async with app.run_test(size=size) as pilot:
        assert "Nothing is sent until you press Sign in." in text_of(app)
        await pilot.press(*SECRET, "enter")
        await until(pilot, lambda: "Make a new one." in " ".join(text_of(app).replace("│", " ").split()))
        await pilot.press("tab", "tab", "tab", "tab", "tab")
        await until(pilot, lambda: "[ Offline ]" in text_of(app))


async def test_what_is_typed_at_once_goes_into_the_token_not_into_a_field_that_shows_it() -> None:
    app = Stage(Static("a screen before it"))
    async with app.run_test(size=SMALL) as pilot:
        await pilot.pause()
        app.push_screen(LoginScreen(ChosenAnswers()))
        while not isinstance(app.screen, LoginScreen):
            await pilot.pause(0)
        await pilot.press(*SECRET)
        await until(pilot, lambda: "●" * len(SECRET) in text_of(app))
        assert app.screen.query_one("#context", Input).value == "default"


async def test_the_token_is_never_on_the_screen_nor_in_the_clipboard() -> None:
    answers = ChosenAnswers(refuses=TokenRefusedError(REFUSED, hint="Make a new one."))
    app = stage(answers)
    async with app.run_test(size=LARGE) as pilot:
        await pilot.press(*SECRET)
        assert "●" * len(SECRET) in text_of(app)
        await pilot.press("shift+home", "ctrl+c", "ctrl+x")
        assert app.copied == []
        await pilot.press("enter")
        await until(pilot, lambda: REFUSED in text_of(app))
        assert SECRET not in text_of(app)
        assert SECRET not in app.export_screenshot()


async def test_a_pasted_token_is_taken_whole_without_line_ends() -> None:
    answers = ChosenAnswers()
    app = stage(answers)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press(*"old")
        app.screen.focused.post_message(events.Paste(f"\n {SECRET[:10]}\n{SECRET[10:]}  \r\n"))  # type: ignore[union-attr]
        await until(pilot, lambda: "●" * len(SECRET) in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: answers.tokens)
        assert answers.tokens == [SECRET]


async def test_nothing_is_sent_without_a_token() -> None:
    answers = ChosenAnswers()
    app = stage(answers)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: "Paste the API token first." in text_of(app))
        assert answers.tokens == []


async def test_escape_goes_on_with_the_local_store() -> None:
    app = stage(ChosenAnswers())
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("escape")
        assert app.answer == Offline()


async def test_a_registry_that_does_not_answer_is_waited_for_in_sight_and_escape_stops_it() -> None:
    answers = ChosenAnswers()
    answers.go_on.clear()
    app = stage(answers)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press(*SECRET, "enter")
        await until(pilot, lambda: "1 s, Esc stops waiting" in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: "Stopped. Nothing was kept." in text_of(app))
        answers.go_on.set()
        await pilot.press("escape")
        assert app.answer == Offline()
        assert answers.places == []


async def test_without_a_keyring_the_token_stays_in_this_session() -> None:
    answers = ChosenAnswers(keyring=NOT_HERE)
    app = stage(answers)
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: NOT_HERE.reason in text_of(app))
        assert "(●) Only this session" in text_of(app)
        await pilot.press(*SECRET, "tab", "up")
        assert "( ) System keyring" in text_of(app)
        await pilot.press("shift+tab", "enter")
        await until(pilot, lambda: app.answer is not UNANSWERED)
        assert answers.places == [TokenSource.SESSION]


async def test_a_silent_keyring_is_looked_for_in_sight_and_holds_nothing_up() -> None:
    answers = ChosenAnswers()
    answers.keyring_answers.clear()
    app = stage(answers)
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "looking, 1 of at most 5 s" in text_of(app))
        await pilot.press(*SECRET, "enter")
        await until(pilot, lambda: app.answer is not UNANSWERED)
        assert answers.places == [TokenSource.SESSION]
        answers.keyring_answers.set()


async def test_what_a_person_chose_is_not_changed_by_a_keyring_that_answers_late() -> None:
    answers = ChosenAnswers()
    answers.keyring_answers.clear()
    app = stage(answers)
    async with app.run_test(size=LARGE) as pilot:
        await pilot.press("tab", "down")
        assert "(●) File, plain text" in text_of(app)
        answers.keyring_answers.set()
        await until(pilot, lambda: "Secret Service" in text_of(app))
        assert "(●) File, plain text" in text_of(app)
        await pilot.press("shift+tab", *SECRET, "enter")
        await until(pilot, lambda: app.answer is not UNANSWERED)
        assert answers.places == [TokenSource.FILE]


async def test_a_keyring_that_refuses_is_a_sentence_and_a_way_on() -> None:
    answers = ChosenAnswers(keeps=False)
    app = stage(answers)
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "(●) System keyring" in text_of(app))
        await pilot.press(*SECRET, "enter")
        await until(pilot, lambda: "The keyring is locked. Unlock it" in text_of(app))
        answers.keeps = True
        await pilot.press("tab", "down", "shift+tab", "enter")
        await until(pilot, lambda: app.answer is not UNANSWERED)
        assert answers.places == [TokenSource.SESSION]


async def test_ascii_only_draws_ascii_only() -> None:
    app = stage(ChosenAnswers(), ascii_only=True)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press(*"abc")
        await until(pilot, lambda: "Secret Service" in text_of(app))
        assert text_of(app).isascii()
        assert "***" in text_of(app)


class TestWithARegistry:
    """The same through core, against a registry that runs."""

    @pytest.fixture
    def credentials(self, tmp_path: Path) -> Credentials:
        places = {f"MODELSYNC_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "STATE", "CACHE")}
        return Credentials(Paths.of_platform(places), places)

    async def test_a_good_token_is_kept_and_used(
        self, registry_server: RegistryServer, credentials: Credentials
    ) -> None:
        app = Stage(LoginScreen(AccountSignIn(credentials), endpoint=registry_server.url))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press(*TOKEN, "enter")
            await until(pilot, lambda: app.answer is not UNANSWERED)
            assert isinstance(app.answer, SignedIn)
            assert app.answer.user.email == "mia@acme.io"
        assert credentials.account().token == Token(TOKEN)
        assert credentials.account().context.user == "mia@acme.io"

    @pytest.mark.parametrize("token", ["tok-of-nobody-01234567", EXPIRED_TOKEN])
    async def test_a_wrong_or_expired_token_is_told_in_the_card(
        self, registry_server: RegistryServer, credentials: Credentials, token: str
    ) -> None:
        app = Stage(LoginScreen(AccountSignIn(credentials), endpoint=registry_server.url))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press(*token, "enter")
            await until(pilot, lambda: "✗ " in text_of(app))
            assert "token" in text_of(app).partition("✗ ")[2]
            assert token not in text_of(app)
        assert credentials.contexts() == ()

    async def test_a_page_instead_of_a_registry_is_told_in_the_card(
        self, registry_server: RegistryServer, credentials: Credentials
    ) -> None:
        app = Stage(LoginScreen(AccountSignIn(credentials), endpoint=f"{registry_server.url}/wrong"))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press(*TOKEN, "enter")
            await until(pilot, lambda: "✗ " in text_of(app))
            assert app.answer is UNANSWERED

    async def test_an_address_that_is_none_is_told_before_anything_is_sent(self, credentials: Credentials) -> None:
        app = Stage(LoginScreen(AccountSignIn(credentials), endpoint="ftp://x"))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press(*TOKEN, "enter")
            await until(pilot, lambda: "This is not a registry's address." in text_of(app))
            assert app.screen.query_one("#endpoint", Input).value == "ftp://x"
