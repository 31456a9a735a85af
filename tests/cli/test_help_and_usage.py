"""What a person reads who asks for help, or writes a line that no command understands."""

import pytest

from support.command import Command

COMMANDS = (
    *("push", "pull", "verify", "ls", "delete", "history", "status", "login", "logout", "whoami", "contexts", "use"),
    *("locate", "completion"),
)
COLUMNS = 80


@pytest.mark.parametrize("args", [(), *((name,) for name in COMMANDS)])
def test_no_line_of_a_help_is_wider_than_a_terminal(command: Command, args: tuple[str, ...]) -> None:
    shown = command.with_(COLUMNS=str(COLUMNS)).run(*args, "--help").out
    assert [line for line in shown.splitlines() if len(line) >= COLUMNS] == []


def test_a_commands_own_options_stand_before_those_of_every_command(command: Command) -> None:
    shown = command.run("pull", "--help").out
    assert (
        shown.index("--force ")
        < shown.index("--query ")
        < shown.index("options of every command")
        < shown.index("--json ")
    )
    shown = command.run("--help").out
    assert shown.index("commands:") < shown.index("completion ") < shown.index("options of every command")


@pytest.mark.parametrize(
    ("args", "usage", "words"),
    [
        (("push", "m:v1", "--frce"), "modelsync push [OPTION ...] TAG [TAG ...]", "--frce (did you mean --force?)"),
        (("push",), "modelsync push [OPTION ...] TAG [TAG ...]", "are required: TAG"),
        (("ls",), "modelsync ls [OPTION ...] {local,remote} [NAME]", "are required: local or remote"),
        (("use", "a", "b"), "modelsync use [OPTION ...] CONTEXT", "unrecognized arguments: b"),
        (("pus",), "modelsync COMMAND [OPTION ...]", "invalid choice: 'pus'"),
        (("--jsn", "status"), "modelsync COMMAND [OPTION ...]", "--jsn (did you mean --json?)"),
    ],
)
def test_a_line_that_is_not_understood_is_answered_by_its_command_with_the_way_to_the_help(
    command: Command, args: tuple[str, ...], usage: str, words: str
) -> None:
    done = command.run(*args)
    assert (done.code, done.out) == (2, "")
    first, said, last = done.err.splitlines()
    assert first == f"usage: {usage}"
    assert words in said
    assert last == f"See: {said.partition(':')[0]} --help"


@pytest.mark.parametrize("flag", ["--json", "--quiet"])
def test_a_flag_of_every_command_may_stand_before_it_or_behind_it(command: Command, flag: str) -> None:
    before, behind = command.run(flag, "history"), command.run("history", flag)
    assert (before.code, before.out, before.err) == (behind.code, behind.out, behind.err)
