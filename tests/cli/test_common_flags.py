"""The flags that every command takes: each wins over its variable and the settings file."""

import json
import os
import re
from pathlib import Path

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.credentials import Credentials
from modelsync.paths import Paths
from modelsync_cli.output import json_line
from support.command import Command
from support.local_store import write_model
from support.registry_server import TOKEN, RegistryServer


def test_locate_shows_which_store_settings_and_log_a_run_would_use(command: Command, tmp_path: Path) -> None:
    settings = tmp_path / "theirs.toml"
    settings.write_text(f'store = "{tmp_path}/file"\nlog_file = "{tmp_path}/file.log"\n')
    of_file = command.with_(MODELSYNC_CONFIG=str(settings), BENTOML_HOME="")
    (record,) = of_file.run("locate", "--json").records
    assert (record["settings"], record["store"], record["log"]) == (
        str(settings),
        f"{tmp_path}/file",
        f"{tmp_path}/file.log",
    )
    of_variable = of_file.with_(MODELSYNC_STORE=f"{tmp_path}/env", MODELSYNC_LOG_FILE=f"{tmp_path}/env.log")
    (record,) = of_variable.run("locate", "--json").records
    assert (record["store"], record["log"]) == (f"{tmp_path}/env", f"{tmp_path}/env.log")
    other = tmp_path / "ours.toml"
    other.write_text("")
    flags = ("--config", str(other), "--store", f"{tmp_path}/flag", "--log-file", f"{tmp_path}/flag.log")
    (record,) = of_variable.run("locate", "--json", *flags).records
    assert (record["settings"], record["store"], record["log"]) == (
        str(other),
        f"{tmp_path}/flag",
        f"{tmp_path}/flag.log",
    )


def test_the_log_goes_where_the_flag_says_and_debug_makes_it_say_more(signed_in: Command, tmp_path: Path) -> None:
    person = signed_in.with_(MODELSYNC_LOG_FILE=str(tmp_path / "variable.log"), MODELSYNC_LOG_LEVEL="error")
    flag = tmp_path / "flag.log"
    assert person.run("ls", "remote", "--log-file", str(flag)).code == 0
    assert flag.read_text() == ""
    assert person.run("ls", "remote", "--log-file", str(flag), "--debug").code == 0
    assert re.search(r" DEBUG modelsync\.registry .*GET /api/v1/models: 200", flag.read_text())
    assert not (tmp_path / "variable.log").exists()


def test_read_only_refuses_a_push_also_where_the_variable_allows_it(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1")
    person = signed_in.with_(MODELSYNC_READ_ONLY="false")
    done = person.run("push", "m:v1", "--read-only")
    assert done.code != 0
    assert "read-only" in done.err
    assert person.run("push", "m:v1").code == 0


def test_context_wins_over_the_variable_and_the_current_one(command: Command, registry_server: RegistryServer) -> None:
    credentials = Credentials(Paths.of_platform(command.environ), {})
    for name in ("prod", "lab"):
        context = Context(name, registry_server.url, user=f"mia@{name}")
        credentials.keep(Account(context, Token(TOKEN), TokenSource.FILE), TokenSource.FILE)
    in_prod = command.with_(MODELSYNC_CONTEXT="prod")
    contexts = [
        person.run("whoami", "--json", *flags).records[0]["context"]
        for person, flags in ((command, ()), (in_prod, ()), (in_prod, ("--context", "lab")))
    ]
    assert contexts == ["lab", "prod", "lab"]


def test_without_the_keyring_it_is_not_asked_for_a_token(command: Command, registry_server: RegistryServer) -> None:
    login = ("login", "--endpoint", registry_server.url, "--token-stdin")
    for person, flags in (
        (command.with_(MODELSYNC_KEYRING="true"), ("--no-keyring",)),
        (command.with_(MODELSYNC_KEYRING="false"), ()),
    ):
        done = person.run(*login, *flags, stdin=TOKEN)
        assert done.code != 0
        assert "The OS keyring is switched off." in done.err
    assert command.run(*login, "--no-keyring", "--keep", "file", stdin=TOKEN).code == 0


def test_a_path_that_is_no_utf8_is_json_for_strict_parsers(command: Command, tmp_path: Path) -> None:
    """Half a character, as Python keeps such a byte, cannot be written as UTF-8, and no strict parser takes it."""
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/latin-\xe9-\xc3\xa9-\xf0\x9f\x98\x80")
    for environ in {}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}:
        (record,) = command.with_(BENTOML_HOME=folder, **environ).run("locate", "--json").records
        assert record["store"] == f"{tmp_path}/latin-\\xe9-\u00e9-\U0001f600"


def test_half_a_character_in_a_label_is_json_for_strict_parsers() -> None:
    line = json_line({"labels": {"key\ud800": ["\ud83d\ude00 \ude00", 1, None, True]}})
    assert json.loads(line) == {"labels": {"key\\ud800": ["\U0001f600 \\ude00", 1, None, True]}}
    line.encode()
