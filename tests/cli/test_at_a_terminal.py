"""What a person at a terminal sees: questions that can be left, a bar that fits, lines that do not wrap."""

import io
import sys

import pytest

from modelsync_cli.output import Output
from modelsync_cli.progress import BAR_MAX_COLUMNS, BAR_MIN_COLUMNS, laid_out
from support.command import Command
from support.local_store import write_model
from support.registry_server import RegistryServer

END_OF_INPUT, INTERRUPT = "\x04", "\x03"


@pytest.mark.parametrize("key", [END_OF_INPUT, INTERRUPT])
@pytest.mark.parametrize("prompt", ["Registry [https://cloud.bentoml.com]: ", "API token: "])
def test_a_question_of_the_sign_in_can_be_left_with_a_sentence_on_a_line_of_its_own(
    command: Command, registry_server: RegistryServer, prompt: str, key: str
) -> None:
    asked = () if prompt.startswith("Registry") else ("--endpoint", registry_server.url)
    done = command.run_on_terminal("login", "--keep", "file", *asked, answers=[(prompt, key)])
    assert done.code == 130
    last = done.err.splitlines()[-1]
    assert last.startswith("error: ")
    assert "did not expect" not in last
    assert command.run("contexts", "--json").records == []


@pytest.mark.parametrize("key", [END_OF_INPUT, INTERRUPT])
def test_the_question_before_deleting_can_be_left_and_nothing_goes(command: Command, key: str) -> None:
    write_model(command.store, "m:v1")
    done = command.run_on_terminal("delete", "m:v1", answers=[("[y/N] ", key)])
    assert done.code == 130
    assert done.err.splitlines()[-1].startswith("error: ")
    assert len(command.run("ls", "local", "--json").records) == 1


@pytest.mark.parametrize("columns", [60, 72, 80, 100, 200])
@pytest.mark.parametrize("title", ["pull m:v1", "pull sentiment_model:v1_approved", f"push {'m' * 60}:{'v' * 60}"])
def test_a_bar_leaves_the_words_beside_it_whole(title: str, columns: int) -> None:
    words = "45% of 57.24 MiB, 21.17 MiB/s"
    shown, bar = laid_out(title, words, columns)
    assert BAR_MIN_COLUMNS <= bar <= BAR_MAX_COLUMNS
    assert len(f"{shown} {'-' * bar} {words}") <= columns
    assert shown == title or (shown[:7], shown[-4:]) == (title[:7], title[-4:])


def test_the_bar_stays_as_wide_as_it_is_while_the_words_grow() -> None:
    words = ("", "9% of 2.00 MiB", "45% of 57.24 MiB, 21.17 MiB/s, 0:01 left")
    assert len({laid_out("pull sentiment_model:v1_approved", one, 80) for one in words}) == 1


def test_a_terminal_whose_cursor_cannot_go_back_gets_lines(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1", files={"weights": bytes(3 << 20)})
    done = signed_in.run_on_terminal("push", "m:v1", "--bandwidth", "2 MiB/s", term="dumb")
    assert done.code == 0
    assert done.err.splitlines()[0].startswith("push m:v1: ")
    assert "" not in done.err.splitlines()


def test_the_bar_of_a_transfer_shows_how_long_it_takes_beside_a_long_tag(signed_in: Command) -> None:
    tag = f"{'a' * 30}:{'v' * 60}"
    write_model(signed_in.store, tag, files={"weights": bytes(5 << 20)})
    done = signed_in.run_on_terminal("push", tag, "--bandwidth", "2 MiB/s")
    assert done.code == 0
    assert "/s, 0:0" in done.err
    assert " left" in done.err


class _Terminal(io.StringIO):
    """A stdout that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_line_of_the_history_ends_where_the_terminal_does(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [("TAG", "WHY"), ("m:v1", "the registry says much " * 9), ("m:v2", "new")]
    monkeypatch.setenv("COLUMNS", "60")
    for stdout, longest in (_Terminal(), 60), (io.StringIO(), 212):
        monkeypatch.setattr(sys, "stdout", stdout)
        Output(as_json=False, quiet=False).table(rows, cut=True)
        assert max(map(len, stdout.getvalue().splitlines())) == longest
