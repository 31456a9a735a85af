"""The flags of `modelsync-tui`: each does what it says in the real program, and wins over its variable and the file."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.credentials import Credentials
from modelsync.paths import Paths
from modelsync_tui import themes
from support.local_store import write_model
from support.registry_server import TOKEN, RegistryServer
from support.screen_program import ScreenProgram, environ_for

PROGRAM = ["-m", "modelsync_tui"]
TRUE_COLOUR = {"COLORTERM": "truecolor"}
COLOURS = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-9]|4[0-9]|9[0-7]|10[0-7])(?:;\d+)*m")
"""A sequence that sets a colour, or goes back to the terminal's own."""


def shown(folder: Path, *flags: str, env: Mapping[str, str], until: bytes = b"bert") -> bytes:
    """What the program wrote on a terminal until these words came, and after `q`."""
    write_model(folder / "store", "bert:v1")
    program = ScreenProgram([*PROGRAM, *flags], environ_for(folder, **env))
    program.wait_for(until)
    program.type(b"q")
    assert program.end() == 0
    return program.output


def refused(folder: Path, *flags: str, **more: str) -> str:
    """What it says when it does not start."""
    program = ScreenProgram([*PROGRAM, *flags], environ_for(folder, **more))
    assert program.end() == 2
    assert b"Traceback" not in program.output
    return program.output.decode()


def background(name: str) -> bytes:
    """A theme's background as the terminal is told it."""
    colour = next(theme for theme in themes.THEMES if theme.name == name).background or ""
    return "48;2;{};{};{}".format(*(int(colour[at : at + 2], 16) for at in (1, 3, 5))).encode()


def settings_file(folder: Path, toml: str) -> Path:
    path = folder / "config/config.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(toml)
    return path


def test_config_names_another_settings_file_than_the_variable_and_the_platform(tmp_path: Path) -> None:
    settings_file(tmp_path, "threads = 0\n")
    theirs, ours = tmp_path / "theirs.toml", tmp_path / "ours.toml"
    theirs.write_text("threads = 0\n")
    ours.write_text(f'theme = "{themes.LIGHT}"\n')
    output = shown(tmp_path, "--config", str(ours), env={"MODELSYNC_CONFIG": str(theirs), **TRUE_COLOUR})
    assert background(themes.LIGHT) in output
    assert f"{theirs}, line 1: threads cannot be 0" in refused(tmp_path, MODELSYNC_CONFIG=str(theirs))
    assert "no settings file" in refused(tmp_path, "--config", str(tmp_path / "none.toml"))


def test_theme_wins_over_the_variable_which_wins_over_the_file(tmp_path: Path) -> None:
    settings_file(tmp_path, f'theme = "{themes.DARK}"\n')
    of_variable = {"MODELSYNC_THEME": themes.HIGH_CONTRAST, **TRUE_COLOUR}
    assert background(themes.DARK) in shown(tmp_path, env=TRUE_COLOUR)
    output = shown(tmp_path, env=of_variable)
    assert background(themes.HIGH_CONTRAST) in output
    assert background(themes.DARK) not in output
    output = shown(tmp_path, "--theme", themes.LIGHT, env=of_variable)
    assert background(themes.LIGHT) in output
    assert background(themes.HIGH_CONTRAST) not in output


@pytest.mark.parametrize(
    ("toml", "flags", "more", "words"),
    [
        ('\ntheme = "drak"\n', (), {}, "config.toml, line 2: there is no theme 'drak'."),
        ("", (), {"MODELSYNC_THEME": "drak"}, "MODELSYNC_THEME: there is no theme 'drak'."),
        ("", ("--theme", "drak"), {}, "--theme: there is no theme 'drak'."),
    ],
)
def test_a_theme_that_does_not_exist_is_named_with_its_place_and_those_that_do(
    tmp_path: Path, toml: str, flags: tuple[str, ...], more: Mapping[str, str], words: str
) -> None:
    settings_file(tmp_path, toml)
    said = refused(tmp_path, *flags, **more)
    assert words in said
    assert f"Allowed: {themes.DARK}, {themes.HIGH_CONTRAST}, {themes.LIGHT}, " in said


def test_store_wins_over_both_variables(tmp_path: Path) -> None:
    write_model(tmp_path / "other", "fraud:v7")
    output = shown(tmp_path, "--store", str(tmp_path / "other"), until=b"fraud", env={"MODELSYNC_STORE": str(tmp_path)})
    assert b"bert" not in output


def test_read_only_holds_also_where_the_variable_allows_a_push(tmp_path: Path) -> None:
    shown(tmp_path, "--read-only", until=b"read-only", env={"MODELSYNC_READ_ONLY": "false"})


def test_ascii_draws_nothing_else_also_where_the_variable_wants_unicode(tmp_path: Path) -> None:
    unicode = {"MODELSYNC_ASCII": "false"}
    assert shown(tmp_path, "--ascii", env=unicode).isascii()
    assert not shown(tmp_path, env=unicode).isascii()


@pytest.mark.parametrize(
    ("flags", "more"),
    [
        (("--no-color",), {"MODELSYNC_COLOR": "true"}),
        ((), {"NO_COLOR": "1"}),
        ((), {"MODELSYNC_COLOR": "false"}),
    ],
)
def test_without_colour_not_one_colour_reaches_the_terminal(
    tmp_path: Path, flags: tuple[str, ...], more: Mapping[str, str]
) -> None:
    output = shown(tmp_path, *flags, until=b"registry", env={**TRUE_COLOUR, **more})
    assert COLOURS.findall(output) == []
    assert b"\x1b[7m" in output, "the cursor is still reversed"


@pytest.mark.parametrize("more", [{"NO_COLOR": ""}, {"NO_COLOR": "1", "MODELSYNC_COLOR": "true"}])
def test_colour_is_there_where_nobody_took_it_away_or_the_own_variable_wins(
    tmp_path: Path, more: Mapping[str, str]
) -> None:
    assert background(themes.DARK) in shown(tmp_path, env={**TRUE_COLOUR, **more})


def test_the_log_goes_where_the_flag_says_and_debug_makes_it_say_more(
    tmp_path: Path, registry_server: RegistryServer
) -> None:
    flag, variable = tmp_path / "flag.log", tmp_path / "variable.log"
    account = {"BENTO_CLOUD_API_KEY": TOKEN, "BENTO_CLOUD_API_ENDPOINT": registry_server.url}
    more = {**account, "MODELSYNC_LOG_FILE": str(variable), "MODELSYNC_LOG_LEVEL": "error"}
    shown(tmp_path, "--log-file", str(flag), "--debug", until=b"online", env=more)
    assert re.search(r" DEBUG modelsync\S+ .*GET /api/v1/models: 200", flag.read_text())
    assert not variable.exists()
    shown(tmp_path, until=b"online", env=more)
    assert variable.read_text() == ""


def test_context_wins_over_the_variable_and_the_current_one(tmp_path: Path, registry_server: RegistryServer) -> None:
    environ = environ_for(tmp_path)
    credentials = Credentials(Paths.of_platform(environ), {})
    for name in ("prod", "lab"):
        context = Context(name, registry_server.url, user="mia@acme.io")
        credentials.keep(Account(context, Token(TOKEN), TokenSource.FILE), TokenSource.FILE)
    nobody = {"BENTO_CLOUD_API_KEY": "", "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    prod = {**nobody, "MODELSYNC_CONTEXT": "prod"}
    shown(tmp_path, until=b"Remote  lab", env=nobody)
    shown(tmp_path, until=b"Remote  prod", env=prod)
    shown(tmp_path, "--context", "lab", until=b"Remote  lab", env=prod)


def test_without_the_keyring_the_sign_in_says_that_it_is_switched_off(tmp_path: Path) -> None:
    program = ScreenProgram(
        [*PROGRAM, "--no-keyring"], environ_for(tmp_path, BENTO_CLOUD_API_KEY="", MODELSYNC_KEYRING="true")
    )
    program.wait_for(b"The OS keyring is switched off.")
    program.type(b"\x11")
    assert program.end() == 0


@pytest.mark.parametrize("module", ["modelsync_tui", "modelsync_cli"])
def test_every_flag_of_both_programs_is_in_the_help(module: str) -> None:
    said = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True).stdout
    flags = ["--version", "--help", "--config", "--context", "--store", "--read-only", "--no-keyring", "--no-color"]
    flags += ["--log-file", "--debug", *(["--theme", "--ascii"] if module == "modelsync_tui" else [])]
    assert [flag for flag in flags if flag not in said] == []


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('[keys]\n"act.push" = "p"\n', ("line 2", "act.push cannot be 'p', the key of act.pull")),
        ('[keys]\n"act.pull" = "U"\nact.push = "U"\n', ("line 2", "act.pull cannot be 'U'", "of act.push")),
        ('[keys]\n"transfers.cancel" = "q"\n', ("line 2", "transfers.cancel", "app.quit")),
        ('threads = 4\n[colors]\naccent = "red"\n', ("line 2", "there is no setting 'colors'", "Known are: store")),
        ("threads = 4\nx = [1,\n", ("not TOML", "line 2")),
        ("threads = 4.5\n", ("line 1", "threads cannot be 4.5", "a number from 1 to 64")),
        ('[keys]\n"act.push" = ""\n', ("line 2", "act.push cannot be ''")),
    ],
)
def test_what_is_wrong_in_the_settings_file_is_named_with_its_line_and_what_is_allowed(
    tmp_path: Path, toml: str, words: tuple[str, ...]
) -> None:
    path = settings_file(tmp_path, toml)
    said = " ".join(refused(tmp_path).split())
    for word in (str(path), *words):
        assert word in said, said


def test_two_actions_may_change_keys_with_each_other(tmp_path: Path) -> None:
    settings_file(tmp_path, '[keys]\n"act.push" = "p"\n"act.pull" = "P"\n')
    assert b"P pull" in uncoloured(shown(tmp_path, env={}))


def uncoloured(output: bytes) -> bytes:
    return re.sub(rb"\x1b\[[0-9;]*m", b"", output)
