"""The questions over a screen: what they say, what each key answers."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from textual.screen import Screen
from textual.widgets import Button, Input

from modelsync.archive.differences import DifferenceKind, FileDifference
from modelsync.comparison import Direction, Plan, PlanItem, plan_pull, plan_push
from modelsync.model import RemoteModel, UploadStatus
from modelsync.results import Verification
from modelsync.tag import Tag
from modelsync.transfer.control import Control
from modelsync.transfers import QueueSnapshot, TransferRow, TransferStatus
from modelsync_tui import keys
from modelsync_tui.dialogs.compare import CompareDialog
from modelsync_tui.dialogs.force import ForceDialog
from modelsync_tui.dialogs.help import HelpScreen, relevant
from modelsync_tui.dialogs.plan import PlanDialog
from modelsync_tui.dialogs.quit import QuitChoice, QuitDialog
from modelsync_tui.dialogs.sides import Fact
from support.model_values import BUILT, local_model, remote_model
from support.queue_values import queue_of_every_kind, transfer
from support.screens import LARGE, SMALL, UNANSWERED, Stage, text_of, until

NEW, SAME, DIFFERENT = (
    local_model("llama-ft:2026w48", 5_000),
    local_model("iris_clf:v11"),
    local_model("llama-ft:2026w47", 7_000, stage="prod"),
)
REMOTES = {
    model.tag_text: model
    for model in (
        remote_model("iris_clf:v11"),
        remote_model("llama-ft:2026w47", 6_500, BUILT - timedelta(days=1), stage="dev"),
    )
}
COMPARED = Verification(
    tag=Tag("bert", "v1"),
    equal=False,
    verified=False,
    quick=False,
    files=9,
    differences=(FileDifference("[b]" + "n" * 300, DifferenceKind.BYTES),),
    bytes_compared=10_000,
    seconds=2.0,
)
HOSTILE = RemoteModel("[bold]evil[/nope]", "\x1b[31mv1\u202e", status=UploadStatus.SUCCESS, size_bytes=5)
PUSHING, PULLING, WAITING = (
    transfer(1, "bert:v1", TransferStatus.RUNNING),
    transfer(2, "bert:v2", TransferStatus.RUNNING, direction=Direction.PULL),
    transfer(3, "bert:v3", TransferStatus.WAITING),
)


def push_plan() -> Plan:
    return plan_push((NEW, SAME, DIFFERENT), REMOTES)


def force_plan(*, several: bool = False) -> Plan:
    return plan_push((DIFFERENT, SAME, NEW) if several else (DIFFERENT,), REMOTES, force=True)


def plain(app: Stage) -> str:
    """What stands in a card, without its frame and without blanks, for a long word may be broken."""
    return "".join(text_of(app).replace("┃", " ").split())


def all_dialogs() -> list[Screen[Any]]:
    return [
        PlanDialog(push_plan(), target="cloud.bentoml.com", free_bytes=10),
        ForceDialog(force_plan()),
        ForceDialog(force_plan(several=True)),
        CompareDialog("bert:v1", lambda _control, _progress: COMPARED),
        QuitDialog(queue_of_every_kind()),
        HelpScreen(keys.Where.BROWSER),
    ]


class TestPlan:
    async def test_it_says_what_is_sent_and_what_is_skipped_and_why(self) -> None:
        app = Stage(PlanDialog(push_plan(), target="cloud.bentoml.com"))
        async with app.run_test(size=LARGE) as pilot:
            await pilot.pause()
            screen = text_of(app)
            assert "Sends 1 version, 4.9 KiB to cloud.bentoml.com." in screen
            assert "new in the registry" in screen
            assert "already there (same size and build time)" in screen
            assert "Skips 1 that differs: F overwrites it." in screen

    async def test_at_80_columns_the_usual_reason_is_whole(self) -> None:
        model = local_model("team-model-01:v0", 66_700)
        app = Stage(PlanDialog(plan_push((model,), {str(model.tag): remote_model("team-model-01:v0", 66_700)})))
        async with app.run_test(size=SMALL) as pilot:
            await until(pilot, lambda: "already there (same size and build time)" in text_of(app))

    async def test_one_enter_goes(self) -> None:
        app = Stage(PlanDialog(push_plan()))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press("enter")
            assert app.answer is True

    async def test_escape_changes_nothing(self) -> None:
        app = Stage(PlanDialog(push_plan()))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press("escape")
            assert app.answer is False

    async def test_when_all_is_there_it_says_so_and_enter_closes_it(self) -> None:
        app = Stage(PlanDialog(plan_push((SAME,), REMOTES)))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.pause()
            assert "It is already there, skipped: nothing is sent." in text_of(app)
            await pilot.press("enter")
            assert app.answer is True

    async def test_a_pull_without_room_warns(self) -> None:
        app = Stage(PlanDialog(plan_pull(REMOTES.values(), {}), free_bytes=100))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.pause()
            assert "Only 100 B are free there" in text_of(app)

    async def test_hostile_names_are_shown_and_do_nothing(self) -> None:
        app = Stage(PlanDialog(plan_pull((HOSTILE,), {})))
        async with app.run_test(size=LARGE) as pilot:
            await pilot.pause()
            screen = text_of(app)
            assert "[bold]evil[/nope]" in screen
            assert not any(char in screen for char in "\x1b\u202e")
            assert "its name cannot be kept" in screen

    async def test_a_long_plan_scrolls(self) -> None:
        models = [local_model(f"many:v{number}") for number in range(500)]
        app = Stage(PlanDialog(plan_push(models, {})))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.pause()
            assert "many:v19 " not in text_of(app)
            await pilot.press("pagedown")
            await until(pilot, lambda: "many:v19 " in text_of(app))
            await pilot.press("enter")
            assert app.answer is True


class TestForce:
    async def test_both_sides_stand_beside_each_other(self) -> None:
        app = Stage(ForceDialog(force_plan(), bytes_per_s=1000))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.pause()
            screen = text_of(app)
            assert "local (new)" in screen
            assert "remote (will be replaced)" in screen
            for words in ("6.8 KiB", "6.3 KiB", "stage=prod", "stage=dev", "raj@acme.io", "about 7 s"):
                assert words in screen

    async def test_how_the_files_differ_and_what_uses_it_come_when_both_sides_were_asked(self) -> None:
        asked: list[Control] = []
        go_on = threading.Event()

        def look(_item: PlanItem, control: Control) -> tuple[Fact, ...]:
            asked.append(control)
            assert go_on.wait(10)
            return Fact("files", "9", "8  (2 differ, 1 new)", True), Fact("used by", "-", "1 deployment: prod", False)

        app = Stage(ForceDialog(force_plan(), look=look))
        async with app.run_test(size=SMALL) as pilot:
            await until(pilot, lambda: asked and "used by" in text_of(app))
            height = app.screen.query_one("#sides").size.height
            go_on.set()
            await until(pilot, lambda: "8  (2 differ, 1 new)" in text_of(app))
            assert "1 deployment: prod" in text_of(app)
            assert app.screen.query_one("#sides").size.height == height, "nothing moves under a person's hands"
            await pilot.press("escape")
            assert asked[0].cancelled

    @pytest.mark.parametrize(
        ("plan", "words", "button"),
        [
            (plan_push((NEW,), {}, force=True), "Nothing is there to be replaced: this is a plain push.", "[ Push "),
            (
                plan_pull(REMOTES.values(), {}, force=True),
                "Nothing is here to be replaced: this is a plain pull.",
                "[ Pull ",
            ),
        ],
    )
    async def test_where_nothing_is_replaced_it_does_not_say_so(self, plan: Plan, words: str, button: str) -> None:
        app = Stage(ForceDialog(plan))
        async with app.run_test(size=LARGE) as pilot:
            await until(pilot, lambda: words in text_of(app))
            assert button in text_of(app)
            assert "[ Overwrite" not in text_of(app)
            assert "[ Replace" not in text_of(app)

    async def test_the_list_of_several_has_titles_and_says_how_one_is_left_out(self) -> None:
        app = Stage(ForceDialog(force_plan(several=True)))
        async with app.run_test(size=LARGE) as pilot:
            await pilot.pause()
            lines = text_of(app).splitlines()
            heading = next(line for line in lines if "Version" in line and "Local" in line)
            row = next(line for line in lines if "llama-ft:2026w47 " in line)
            assert heading.index("Local") + len("Local") == row.index("KiB") + len("KiB")
            assert "Space leaves one out" in text_of(app)

    async def test_a_remote_version_is_replaced_only_after_its_name_was_typed(self) -> None:
        app = Stage(ForceDialog(force_plan()))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press("enter")
            await pilot.press(*"2026w46", "enter")
            assert app.answer is UNANSWERED
            assert app.screen.query_one("#go", Button).disabled
            await pilot.press("backspace", "7")
            assert not app.screen.query_one("#go", Button).disabled
            await pilot.press("enter")
            assert app.answer == (Tag("llama-ft", "2026w47"),)

    @pytest.mark.parametrize("size", [LARGE, SMALL, (60, 16)])
    @pytest.mark.parametrize("version", ["2026w47", "v" * 60])
    async def test_enter_after_something_else_says_what_to_type_and_stays_there(
        self, version: str, size: tuple[int, int]
    ) -> None:
        plan = plan_push(
            (local_model(f"llama-ft:{version}", 7_000),),
            {f"llama-ft:{version}": remote_model(f"llama-ft:{version}")},
            force=True,
        )
        app = Stage(ForceDialog(plan))
        async with app.run_test(size=size) as pilot:
            await pilot.press("x", "enter")
            await until(pilot, lambda: f"somethingelse:type{version}." in plain(app))
            field = app.screen.query_one(Input)
            assert app.focused is field
            assert field.size.width >= 10, "there is room to type in"
            await pilot.press("backspace")
            await until(pilot, lambda: "something else" not in text_of(app))
            await pilot.press(*version, "enter")
            assert app.answer == (Tag("llama-ft", version),)

    async def test_enter_on_the_list_goes_to_where_the_number_is_typed(self) -> None:
        app = Stage(ForceDialog(force_plan(several=True)))
        async with app.run_test(size=LARGE) as pilot:
            await pilot.press("enter")
            assert isinstance(app.focused, Input)
            await pilot.press("3", "enter")
            assert isinstance(app.answer, tuple)
            assert len(app.answer) == 3

    async def test_the_number_can_be_typed_at_once_while_the_list_has_the_focus(self) -> None:
        app = Stage(ForceDialog(force_plan(several=True)))
        async with app.run_test(size=LARGE) as pilot:
            await pilot.press("down", "space", "2", "enter")
            assert app.answer == (Tag("llama-ft", "2026w47"), Tag("llama-ft", "2026w48"))

    async def test_enter_on_the_list_of_a_force_pull_goes_to_cancel(self) -> None:
        remotes = (remote_model("a:v1"), remote_model("a:v2"))
        app = Stage(ForceDialog(plan_pull(remotes, {"a:v1": local_model("a:v1")}, force=True)))
        async with app.run_test(size=LARGE) as pilot:
            await pilot.press("enter")
            assert app.answer is UNANSWERED
            assert app.focused is app.screen.query_one("#cancel")
            await pilot.press("tab", "enter")
            assert app.answer == (Tag("a", "v1"), Tag("a", "v2"))

    async def test_escape_keeps_the_remote_version(self) -> None:
        app = Stage(ForceDialog(force_plan()))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press(*"2026w47", "escape")
            assert app.answer is None

    async def test_several_are_confirmed_by_their_number_and_one_can_be_dropped(self) -> None:
        app = Stage(ForceDialog(force_plan(several=True)))
        async with app.run_test(size=LARGE) as pilot:
            await pilot.pause()
            assert "Type 3 to overwrite 3 versions" in text_of(app)
            await pilot.press("down", "space")
            await until(pilot, lambda: "Type 2 to overwrite 2 versions" in text_of(app))
            app.screen.query_one(Input).focus()
            await pilot.press("3", "enter")
            assert app.answer is UNANSWERED
            await pilot.press("backspace", "2", "enter")
            assert app.answer == (Tag("llama-ft", "2026w47"), Tag("llama-ft", "2026w48"))

    async def test_a_dropped_version_can_be_taken_in_again(self) -> None:
        app = Stage(ForceDialog(force_plan(several=True)))
        async with app.run_test(size=LARGE) as pilot:
            await pilot.press("space", "up", "space")
            await until(pilot, lambda: "Type 3 to overwrite 3 versions" in text_of(app))

    async def test_what_cannot_be_forced_is_named_and_left_alone(self) -> None:
        reference = RemoteModel("minilm", "v2", metadata={"registry": "huggingface"})
        plan = plan_push((DIFFERENT, local_model("minilm:v2")), {**REMOTES, "minilm:v2": reference}, force=True)
        app = Stage(ForceDialog(plan))
        async with app.run_test(size=LARGE) as pilot:
            await pilot.pause()
            assert "Left alone: minilm:v2" in text_of(app)
            await pilot.press(*"2026w47", "enter")
            assert app.answer == (Tag("llama-ft", "2026w47"),)

    async def test_a_local_copy_is_replaced_by_its_button_and_cancel_is_the_default(self) -> None:
        plan = plan_pull((REMOTES["llama-ft:2026w47"],), {"llama-ft:2026w47": DIFFERENT}, force=True)
        for pressed, answer in ((("enter",), None), (("tab", "enter"), (Tag("llama-ft", "2026w47"),))):
            app = Stage(ForceDialog(plan))
            async with app.run_test(size=SMALL) as pilot:
                await pilot.pause()
                assert "It stays until the new one is whole." in text_of(app)
                assert not app.screen.query(Input)
                await pilot.press(*pressed)
                assert app.answer == answer

    async def test_sizes_that_look_the_same_in_short_are_told_apart(self) -> None:
        here, there = local_model("a:b", 7_000_000_000), remote_model("a:b", 7_000_000_001)
        app = Stage(ForceDialog(plan_push((here,), {"a:b": there}, force=True)))
        async with app.run_test(size=LARGE) as pilot:
            await pilot.pause()
            assert "7,000,000,000 B" in text_of(app)
            assert "7,000,000,001 B" in text_of(app)


class TestQuit:
    async def test_it_names_what_is_not_finished(self) -> None:
        app = Stage(QuitDialog(queue_of_every_kind()))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.pause()
            assert "2 transfers are running, 2 are waiting and 1 is paused." in text_of(app)
            assert "summarization:m81p2au5nwqc67i3" in text_of(app)

    @pytest.mark.parametrize(
        ("pressed", "answer"),
        [
            (("enter",), QuitChoice.PAUSE_AND_QUIT),
            (("escape",), QuitChoice.KEEP_GOING),
            (("shift+tab", "enter"), QuitChoice.KEEP_GOING),
            (("tab", "enter"), QuitChoice.CANCEL_AND_QUIT),
        ],
    )
    async def test_each_choice_has_its_key(self, pressed: tuple[str, ...], answer: QuitChoice) -> None:
        app = Stage(QuitDialog(queue_of_every_kind()))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press(*pressed)
            assert app.answer is answer

    @pytest.mark.parametrize(
        ("rows", "lost"),
        [
            ((PUSHING, WAITING), "marks versions that were being pushed as failed"),
            ((PULLING, WAITING), "removes what was pulled so far"),
            ((PUSHING, PULLING), "marks versions that were being pushed as failed; removes"),
            ((WAITING,), "none of them has begun"),
        ],
    )
    async def test_it_says_what_a_cancel_would_lose(self, rows: tuple[TransferRow, ...], lost: str) -> None:
        app = Stage(QuitDialog(QueueSnapshot(rows=rows)))
        async with app.run_test(size=LARGE) as pilot:
            await pilot.pause()
            screen = " ".join(text_of(app).replace("┃", " ").split())
            assert f"[ Cancel all and quit ] {lost}" in screen
            assert ("failed" in screen) is (PUSHING in rows)

    async def test_an_empty_queue_does_not_break_it(self) -> None:
        app = Stage(QuitDialog(QueueSnapshot()))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press("escape")
            assert app.answer is QuitChoice.KEEP_GOING


class TestHelp:
    async def test_every_action_of_the_pane_is_listed_with_its_keys(self) -> None:
        app = Stage(HelpScreen(keys.Where.TRANSFERS))
        async with app.run_test(size=LARGE) as pilot:
            await pilot.pause()
            screen = text_of(app)
            for action in keys.actions(keys.Where.TRANSFERS, keys.Where.APP, keys.Where.MAIN):
                assert keys.keys_text(action) in screen
                assert action.tooltip in screen or action.label in screen
            assert "mark or unmark" not in screen

    @pytest.mark.parametrize("place", [keys.Where.BROWSER, keys.Where.DETAILS, keys.Where.TRANSFERS, keys.Where.LOG])
    async def test_all_of_a_list_is_said_in_sentences_or_all_of_it_in_a_word_or_two(self, place: keys.Where) -> None:
        for width in (120, 80):
            app = Stage(HelpScreen(place))
            async with app.run_test(size=(width, 60)) as pilot:
                await pilot.pause()
                screen = text_of(app)
                for action in relevant(place):
                    words = action.tooltip if width == 120 else action.label
                    assert f"{keys.keys_text(action):<12}{words} " in screen, (width, action.id)

    async def test_typing_searches_and_escape_clears_before_it_closes(self) -> None:
        app = Stage(HelpScreen(keys.Where.BROWSER))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press(*"overwrite")
            await until(pilot, lambda: "act.force" in text_of(app) and "act.push" not in text_of(app))
            await pilot.press("escape")
            await until(pilot, lambda: "Choose" in text_of(app))
            assert app.answer is UNANSWERED
            await pilot.press("escape")
            assert app.answer is None

    async def test_a_search_for_nothing_says_so(self) -> None:
        app = Stage(HelpScreen(keys.Where.BROWSER))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press(*"[/b]")
            await until(pilot, lambda: "Nothing here has '[/b]'" in text_of(app))

    async def test_a_persons_own_keys_are_shown(self) -> None:
        app = Stage(HelpScreen(keys.Where.BROWSER, {"act.push": "ctrl+t"}))
        async with app.run_test(size=LARGE) as pilot:
            await pilot.press(*"act.push")
            await until(pilot, lambda: "^t" in text_of(app))


class TestEverywhere:
    @pytest.mark.parametrize("size", [SMALL, LARGE, (40, 10)])
    async def test_the_choices_are_in_sight_and_ascii_is_ascii(self, size: tuple[int, int]) -> None:
        for dialog in all_dialogs():
            app = Stage(dialog, ascii_only=True)
            async with app.run_test(size=size) as pilot:
                await pilot.pause()
                screen = text_of(app)
                assert screen.isascii(), [char for char in screen if not char.isascii()]
                if size != (40, 10):
                    assert "Esc" in screen
