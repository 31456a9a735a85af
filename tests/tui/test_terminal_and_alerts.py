"""What is told of transfers that end, on the screen and by the terminal itself."""

from dataclasses import replace
from pathlib import Path

import pytest
from textual.app import App

from modelsync.errors import UnreachableError
from modelsync.results import PushResult
from modelsync.transfers import TransferRow, TransferStatus
from modelsync_tui.alerts import TOGETHER_S, Alerts, ended_words
from modelsync_tui.terminal import TerminalVoice
from support.local_store import write_model
from support.queue_values import MiB, pushed, transfer
from support.registry_server import TOKEN, RegistryServer
from support.screen_program import ScreenProgram, environ_for
from support.tui import until

XTERM = {"TERM": "xterm-256color"}
PUSHES_TITLE, POPS_TITLE = "\x1b[22;2t", "\x1b]2;\x07\x1b[23;2t"


def voice(
    environ: dict[str, str] | None = None, *, title: bool = True, notify: str = "bell"
) -> tuple[TerminalVoice, list[str]]:
    """A voice and what it has written."""
    written: list[str] = []
    return TerminalVoice(written.append, XTERM if environ is None else environ, title=title, notify=notify), written


def done(number: int, *, seconds: float = 3.0, tag: str = "") -> TransferRow:
    result: PushResult = replace(pushed(bytes_moved=24 * MiB), seconds=seconds)
    row = transfer(number, tag or f"iris:v{number}", TransferStatus.DONE, result=result)
    return replace(row, progress=replace(row.progress, elapsed_s=seconds))


def failed(number: int) -> TransferRow:
    error = UnreachableError("Nobody answers.", hint="Try again.")
    return transfer(number, f"iris:v{number}", TransferStatus.FAILED, error=error)


class TestTitle:
    def test_the_old_title_is_kept_first_and_given_back_last(self) -> None:
        terminal, written = voice()
        terminal.title("↑ 47% modelsync")
        terminal.title("↑ 48% modelsync")
        terminal.title("↑ 48% modelsync")
        terminal.title("")
        terminal.title("")
        assert written == [
            PUSHES_TITLE + "\x1b]2;↑ 47% modelsync\x07",
            "\x1b]2;↑ 48% modelsync\x07",
            POPS_TITLE,
        ]

    @pytest.mark.parametrize("term", ["dumb", "linux", ""])
    def test_a_terminal_without_titles_is_told_nothing(self, term: str) -> None:
        terminal, written = voice({"TERM": term}, notify="desktop")
        terminal.title("↑ 48% modelsync")
        terminal.call("iris:v1 pushed")
        terminal.title("")
        assert written == []

    def test_nobody_gets_a_title_who_wants_none(self) -> None:
        terminal, written = voice(title=False)
        terminal.title("↑ 48% modelsync")
        assert written == []

    def test_control_characters_never_leave_the_title(self) -> None:
        terminal, written = voice()
        terminal.title("a\x07\x1b]0;evil")
        assert written == [PUSHES_TITLE + "\x1b]2;a\ufffd\ufffd]0;evil\x07"]


class TestCall:
    @pytest.mark.parametrize(("focused", "heard"), [(None, ["\x07"]), (False, ["\x07"]), (True, [])])
    def test_the_bell_rings_unless_a_person_has_the_terminal_before_them(
        self, focused: bool | None, heard: list[str]
    ) -> None:
        terminal, written = voice()
        terminal.focused = focused
        terminal.call("iris:v1 pushed")
        assert written == heard

    def test_off_is_silent(self) -> None:
        terminal, written = voice(notify="off")
        terminal.call("iris:v1 pushed")
        assert written == []

    @pytest.mark.parametrize(
        ("environ", "sequence"),
        [
            ({"TERM": "xterm-kitty"}, "\x1b]9;a;b pushed\x1b\\"),
            ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, "\x1b]777;notify;modelsync;a,b pushed\x1b\\"),
            ({"TERM": "foot"}, "\x1b]777;notify;modelsync;a,b pushed\x1b\\"),
            ({"TERM": "tmux-256color", "TMUX": "x"}, "\x1bPtmux;\x1b\x1b]9;a;b pushed\x1b\x1b\\\x1b\\"),
        ],
    )
    def test_a_desktop_notice_speaks_the_terminals_language(self, environ: dict[str, str], sequence: str) -> None:
        terminal, written = voice(environ, notify="desktop")
        terminal.call("a;b pushed")
        assert written == [sequence]


class Told(App[object]):
    """An application that collects its toasts."""

    def __init__(self, *, notify: str = "bell") -> None:
        super().__init__()
        terminal, self.written = voice(notify=notify)
        self.alerts = Alerts(self, terminal)

    @property
    def toasts(self) -> list[tuple[str, str]]:
        return [(toast.message, toast.severity) for toast in self._notifications]


class TestToasts:
    async def test_one_transfer_is_told_in_one_line(self) -> None:
        app = Told()
        async with app.run_test() as pilot:
            app.alerts.ended(done(1))
            await until(pilot, lambda: app.toasts == [("iris:v1 pushed: 24.0 MiB in 0:03", "information")])

    async def test_those_that_end_within_a_second_are_told_together(self) -> None:
        app = Told()
        async with app.run_test() as pilot:
            for row in (done(1), done(2), failed(3), transfer(4, "a:b", TransferStatus.SKIPPED, result=pushed())):
                app.alerts.ended(row)
            words = "4 transfers ended: 2 pushed, 1 failed, 1 skipped (iris:v3)"
            await until(pilot, lambda: app.toasts == [(words, "error")])

    async def test_of_a_long_queue_only_what_it_came_to_is_told(self) -> None:
        app = Told()
        async with app.run_test() as pilot:
            app.alerts.queue_has(waiting=2)
            app.alerts.ended(done(1))
            app.alerts.ended(done(2))
            await pilot.pause(1.5 * TOGETHER_S)
            assert app.toasts == []
            app.alerts.queue_has(waiting=0)
            app.alerts.ended(done(3))
            await until(pilot, lambda: app.toasts == [("3 transfers ended: 3 pushed", "information")])

    @pytest.mark.parametrize("row", [failed(3), done(3, seconds=31)])
    async def test_what_failed_or_took_long_is_told_while_others_wait(self, row: TransferRow) -> None:
        app = Told()
        async with app.run_test() as pilot:
            app.alerts.queue_has(waiting=9)
            app.alerts.ended(row)
            await until(pilot, lambda: len(app.toasts) == 1)
            app.alerts.ended(failed(4))
            await pilot.pause(1.5 * TOGETHER_S)
            assert "iris:v4" not in str(app.toasts), "nor is the next one told at once"
            app.alerts.queue_has(waiting=0)
            await until(pilot, lambda: "iris:v4" in str(app.toasts))

    def test_a_long_failure_leaves_the_panes_in_sight(self) -> None:
        row = transfer(1, f"{'m' * 60}:{'v' * 60}", TransferStatus.FAILED, error=UnreachableError("No way. " * 90))
        words = ended_words([row])
        assert len(words) <= 3 * 66, "three lines of a toast at 80 columns"
        assert words.startswith("push mmm")
        assert "failed: No way." in words

    async def test_what_a_person_did_themselves_is_not_told(self) -> None:
        app = Told()
        async with app.run_test() as pilot:
            app.alerts.ended(transfer(1, "a:b", TransferStatus.CANCELLED))
            app.alerts.ended(transfer(2, "a:c", TransferStatus.PAUSED))
            app.alerts.ended(done(3))
            await until(pilot, lambda: len(app.toasts) == 1)
            assert app.toasts[0][0].startswith("iris:v3")

    @pytest.mark.parametrize(("seconds", "heard"), [(29.0, []), (31.0, ["\x07"])])
    async def test_only_a_long_transfer_rings(self, seconds: float, heard: list[str]) -> None:
        app = Told()
        async with app.run_test() as pilot:
            app.alerts.ended(done(1, seconds=seconds))
            await until(pilot, lambda: app.toasts)
            assert app.written == heard

    def test_a_failure_says_its_sentence_and_a_hostile_one_stays_text(self) -> None:
        assert ended_words([failed(1)]) == "push iris:v1 failed: Nobody answers. Try again."
        hostile = replace(failed(1), error=UnreachableError("[/b]\x1b[31m", hint="."))
        assert "\x1b" not in ended_words([hostile])


def test_the_real_terminal_gets_the_title_while_it_moves_and_its_own_back(
    tmp_path: Path, registry_server: RegistryServer
) -> None:
    write_model(tmp_path / "store", "big:v1", files={"weights.bin": b"x" * (4 * MiB)})
    program = ScreenProgram(
        ["-m", "modelsync_tui"],
        environ_for(
            tmp_path,
            BENTO_CLOUD_API_KEY=TOKEN,
            BENTO_CLOUD_API_ENDPOINT=registry_server.url,
            MODELSYNC_BANDWIDTH="1 MiB/s",
        ),
    )
    program.wait_for(b"big")
    program.wait_for(b"online")
    program.type(b"P")
    program.wait_for(b"new in the registry")
    program.type(b"\r")
    program.wait_for(PUSHES_TITLE.encode())
    program.wait_for(b"% modelsync\x07")
    program.type(b"q")
    program.wait_for(b"Pause all, save and quit")
    program.type(b"\r")
    assert program.end() == 0
    assert program.output.rindex(POPS_TITLE.encode()) > program.output.rindex(b"% modelsync\x07")
