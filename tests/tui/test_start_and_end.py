"""How the program starts and ends: what it loads, what it refuses, and a terminal that is left clean."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.local_store import write_model
from support.screen_program import ScreenProgram, environ_for

PROGRAM = ["-m", "modelsync_tui"]
LEAVES_SCREEN = b"\x1b[?1049l"
SHOWS_CURSOR = b"\x1b[?25h"


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_and_version_do_not_load_the_screen(flag: str) -> None:
    code = (
        "import sys\nfrom modelsync_tui.__main__ import main\n"
        f"try: main([{flag!r}])\nexcept SystemExit as end: assert end.code == 0\n"
        "print('loaded:', sorted(name for name in sys.modules if name in ('textual', 'rich', 'httpx', 'keyring')))"
    )
    assert "loaded: []" in python(code)


def test_the_first_frame_waits_for_neither_http_nor_the_keyring() -> None:
    code = (
        "import sys, modelsync_tui.app, modelsync_tui.session, modelsync.settings, modelsync.logs\n"
        "print('loaded:', sorted(name for name in sys.modules if name in ('httpx', 'keyring', 'bentoml')))"
    )
    assert "loaded: []" in python(code)


def test_without_a_terminal_it_says_so_in_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, *PROGRAM], capture_output=True, text=True, timeout=60, check=False, env=environ_for(tmp_path)
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "terminal" in done.stderr


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"MODELSYNC_THEME": "no-such-theme"}, b"modelsync-high-contrast"),
        ({"MODELSYNC_THREADS": "many"}, b"1 to 64"),
    ],
)
def test_a_bad_setting_is_named_with_what_is_allowed(tmp_path: Path, more: dict[str, str], words: bytes) -> None:
    program = ScreenProgram(PROGRAM, environ_for(tmp_path, **more))
    assert program.end() == 2
    assert words in program.output
    assert b"Traceback" not in program.output


def test_a_key_for_an_action_that_does_not_exist_is_named(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.toml").write_text('[keys]\n"act.fly" = "f"\n')
    program = ScreenProgram(PROGRAM, environ_for(tmp_path))
    assert program.end() == 2
    assert b"act.fly" in program.output


def test_the_store_is_shown_and_q_leaves_a_clean_terminal(tmp_path: Path) -> None:
    write_model(tmp_path / "store", "bert:v1")
    program = ScreenProgram(PROGRAM, environ_for(tmp_path))
    program.wait_for(b"bert")
    program.type(b"q")
    assert program.end() == 0
    assert LEAVES_SCREEN in program.output
    assert SHOWS_CURSOR in program.output


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_it_gives_the_terminal_back(tmp_path: Path, ending: signal.Signals) -> None:
    write_model(tmp_path / "store", "bert:v1")
    program = ScreenProgram(PROGRAM, environ_for(tmp_path))
    program.wait_for(b"bert")
    program.send(ending)
    assert program.end() == 128 + ending
    assert LEAVES_SCREEN in program.output


def test_control_c_does_not_kill_it(tmp_path: Path) -> None:
    write_model(tmp_path / "store", "bert:v1")
    program = ScreenProgram(PROGRAM, environ_for(tmp_path))
    program.wait_for(b"bert")
    program.type(b"\x03")
    program.wait_for(b"q quits.")
    program.type(b"q")
    assert program.end() == 0


def test_a_persons_own_key_works_instead_of_the_default(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.toml").write_text('[keys]\n"app.quit" = "Z"\n')
    program = ScreenProgram(PROGRAM, environ_for(tmp_path))
    program.wait_for(b"No models in")
    program.type(b"Z")
    assert program.end() == 0


def test_a_terminal_that_takes_only_ascii_gets_only_ascii(tmp_path: Path) -> None:
    write_model(tmp_path / "store", "bert:v1")
    program = ScreenProgram(PROGRAM, environ_for(tmp_path, PYTHONIOENCODING="ascii"))
    program.wait_for(b"bert")
    program.type(b"q")
    assert program.end() == 0
    assert program.output.isascii()
    assert b"\\u" not in program.output


def test_a_defect_ends_with_one_sentence_and_no_traceback(tmp_path: Path) -> None:
    script = tmp_path / "with_a_defect.py"
    script.write_text(
        "import sys\n"
        "from modelsync_tui import app\n"
        "from modelsync_tui.__main__ import main\n"
        "class WithDefect(app.ModelsyncApp):\n"
        "    def on_key(self): raise ZeroDivisionError('a defect of the test')\n"
        "app.ModelsyncApp = WithDefect\n"
        "sys.exit(main([]))\n"
    )
    program = ScreenProgram([str(script)], environ_for(tmp_path))
    program.wait_for(b"No models in")
    program.type(b"~")
    assert program.end() == 1
    after = program.output.rpartition(LEAVES_SCREEN)[2]
    assert b"Traceback" not in after
    assert b"modelsync.log" in after
    assert "a defect of the test" in (tmp_path / "state/modelsync.log").read_text()
