"""Where settings come from, which one wins, and what is said of a bad one."""

import os
import stat
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from modelsync.errors import SettingsError
from modelsync.paths import Paths, private_dir, write_private
from modelsync.settings import Settings, expand_path, parse_bandwidth


def paths_in(folder: Path, toml: str | None = None) -> Paths:
    paths = Paths.of_platform({f"MODELSYNC_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "STATE", "CACHE")})
    if toml is not None:
        write_private(paths.config_file, toml)
    return paths


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    settings = Settings.load(environ={}, paths=paths_in(tmp_path))
    assert settings == Settings(store=Path("~/bentoml").expanduser())
    assert (settings.threads, settings.verify, settings.sync, settings.bandwidth) == (10, True, True, None)


def test_a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default(tmp_path: Path) -> None:
    paths = paths_in(tmp_path, "threads = 2\nrunning = 3\nverify = false\n")
    environ = {"MODELSYNC_THREADS": "4", "MODELSYNC_RUNNING": "5"}
    settings = Settings.load({"threads": 8, "running": None}, environ=environ, paths=paths)
    assert (settings.threads, settings.running, settings.verify) == (8, 5, False)


def test_the_store_is_bentoml_home_with_variables_expanded_until_nothing_changes(tmp_path: Path) -> None:
    environ = {"BENTOML_HOME": "$DATA/models-home", "DATA": "${ROOT}/data", "ROOT": str(tmp_path)}
    assert Settings.load(environ=environ, paths=paths_in(tmp_path)).store == tmp_path / "data/models-home"


def test_a_variable_that_names_itself_does_not_expand_forever() -> None:
    assert expand_path("/a/$X", {"X": "$X"}) == Path("/a/$X")


def test_the_stores_own_variable_and_flag_win_over_bentoml_home(tmp_path: Path) -> None:
    paths = paths_in(tmp_path, f'store = "{tmp_path}/file"\n')
    home = {"BENTOML_HOME": str(tmp_path / "bento")}
    both = {**home, "MODELSYNC_STORE": "~/mine"}
    assert Settings.load(environ={}, paths=paths).store == tmp_path / "file"
    assert Settings.load(environ=home, paths=paths).store == tmp_path / "bento"
    assert Settings.load(environ=both, paths=paths).store == Path.home() / "mine"
    assert Settings.load({"store": tmp_path / "flag"}, environ=both, paths=paths).store == tmp_path / "flag"


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("40 MiB/s", 40 * 2**20),
        ("2.5MB", 2_500_000),
        ("1gib", 2**30),
        ("500000", 500_000),
        ("8 kB/s", 8000),
        ("10M", 10 * 2**20),
    ],
)
def test_a_bandwidth_is_read_in_the_units_people_write(text: str, rate: int) -> None:
    assert parse_bandwidth(text) == rate


def test_off_lifts_a_limit_that_the_file_set(tmp_path: Path) -> None:
    paths = paths_in(tmp_path, 'bandwidth = "1 MiB/s"\n')
    assert Settings.load(environ={}, paths=paths).bandwidth == 2**20
    assert Settings.load({"bandwidth": "off"}, environ={}, paths=paths).bandwidth is None


def test_an_unknown_setting_is_named_with_its_line_and_the_known_ones(tmp_path: Path) -> None:
    paths = paths_in(tmp_path, "# mine\n\nthreads = 4\ntreads = 5\n")
    with pytest.raises(SettingsError) as caught:
        Settings.load(environ={}, paths=paths)
    assert f"{paths.config_file}, line 4: there is no setting 'treads'" in caught.value.message
    assert "threads" in caught.value.hint


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        ("threads = 65", "a number from 1 to 64"),
        ("threads = true", "a number from 1 to 64"),
        ('log_level = "loud"', "debug, info, warning, error"),
        ('verify = "perhaps"', "true or false"),
        ('bandwidth = "12 parsecs"', "40 MiB/s"),
        ('bandwidth = "10 B/s"', "at least 1 KiB/s"),
        ('ca_file = "/no/such/file.pem"', "an existing PEM file"),
        ("store = 3", "a directory"),
        ("keys = 3", "a table"),
        ('log_file = "/tmp"', "a file that is no directory"),
        ("keyring = 1", "true or false"),
        ("[colours]\nbad = 1", "Known are: store, threads"),
        (f'bandwidth = "{"9" * 400}"', "at least 1 KiB/s"),
        (f'ca_file = "{"x" * 300}"', "an existing PEM file"),
        (f'log_file = "{"x" * 300}"', "a file that is no directory"),
        ('store = "a\\u0000b"', "a directory"),
    ],
)
def test_a_bad_value_is_named_with_its_line_and_what_is_allowed(tmp_path: Path, line: str, allowed: str) -> None:
    paths = paths_in(tmp_path, f"# a comment\n{line}\n")
    with pytest.raises(SettingsError) as caught:
        Settings.load(environ={}, paths=paths)
    assert "config.toml, line 2:" in caught.value.message
    assert allowed in caught.value.hint


def test_a_bad_variable_and_a_bad_flag_are_named(tmp_path: Path) -> None:
    paths = paths_in(tmp_path)
    with pytest.raises(SettingsError, match="MODELSYNC_THREADS: threads cannot be 'many'"):
        Settings.load(environ={"MODELSYNC_THREADS": "many"}, paths=paths)
    with pytest.raises(SettingsError, match="--threads: threads cannot be '0'"):
        Settings.load({"threads": "0"}, environ={}, paths=paths)


def test_a_file_that_is_not_toml_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"config\.toml is not TOML: .*line 2"):
        Settings.load(environ={}, paths=paths_in(tmp_path, "threads = 2\n= 3\n"))


def test_a_bad_value_is_repeated_in_a_sentence_however_long_it_is(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load(environ={}, paths=paths_in(tmp_path, f"threads = [{'[1],' * 5000}]\n"))
    assert len(caught.value.sentence) < 400
    assert "threads cannot be [[1], [1]" in caught.value.message


def _as_folder(path: Path) -> None:
    path.mkdir(parents=True)


def _as_link_to_itself(path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(path)


def _below_a_file(path: Path) -> None:
    path.parent.write_text("")


def _closed(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("threads = 4")
    path.chmod(0)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (_as_folder, "Is a directory"),
        (_as_link_to_itself, "Too many levels of symbolic links"),
        (_below_a_file, "Not a directory"),
        *([(_closed, "Permission denied")] if os.geteuid() else []),  # root may read everything
    ],
)
def test_a_settings_file_that_cannot_be_read_is_named_with_the_reason_and_a_next_step(
    tmp_path: Path, make: Callable[[Path], None], why: str
) -> None:
    paths = paths_in(tmp_path)
    make(paths.config_file)
    with pytest.raises(SettingsError) as caught:
        Settings.load(environ={}, paths=paths)
    assert caught.value.sentence == (
        f"The settings file {paths.config_file} cannot be read: {why}. "
        "Make it a file that you may read, or name another with --config."
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"threads = 2\nstore = '/mod\xe8les'\n", "line 2: not UTF-8. Save it as UTF-8."),
        (b"threads = " + b"9" * 5000, "holds a number that is too long"),
        (b"threads = " + b"[" * 5000, "brackets that are too deep"),
        (b"threads = [1,\n", "(at the end, line 1). Correct that line."),
    ],
)
def test_a_settings_file_that_is_broken_is_named_with_a_next_step(tmp_path: Path, content: bytes, words: str) -> None:
    paths = paths_in(tmp_path, "")
    paths.config_file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        Settings.load(environ={}, paths=paths)
    assert str(paths.config_file) in caught.value.message
    assert words in caught.value.sentence
    assert "\n" not in caught.value.sentence


@pytest.mark.parametrize("variable", ["MODELSYNC_CONFIG", "MODELSYNC_CONFIG_DIR", "MODELSYNC_STATE_DIR"])
def test_a_place_in_the_home_of_nobody_is_named_with_its_variable(variable: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable}: '~nobody-has-this-name/x'"):
        Paths.of_platform({variable: "~nobody-has-this-name/x"})


def test_a_settings_file_that_was_named_must_exist(tmp_path: Path) -> None:
    environ = {"MODELSYNC_CONFIG": str(tmp_path / "other.toml")}
    with pytest.raises(SettingsError, match="no settings file"):
        Settings.load(environ=environ, paths=Paths.of_platform(environ))


def test_keys_of_the_screen_come_from_a_table_of_the_file(tmp_path: Path) -> None:
    settings = Settings.load(environ={}, paths=paths_in(tmp_path, '[keys]\npush = "u"\n'))
    assert settings.keys == {"push": "u"}


def test_no_color_takes_colour_away_and_the_own_variable_brings_it_back(tmp_path: Path) -> None:
    paths = paths_in(tmp_path)
    assert Settings.load(environ={"NO_COLOR": "1"}, paths=paths).color is False
    assert Settings.load(environ={"NO_COLOR": "1", "MODELSYNC_COLOR": "true"}, paths=paths).color is True


def test_the_platforms_directories_hold_when_nothing_overrides_them(tmp_path: Path) -> None:
    paths = Paths.of_platform({})
    assert paths.config_file.name == "config.toml"
    assert "modelsync" in str(paths.config_dir)
    assert paths.journals_dir.parent == paths.state_dir


def test_directories_are_made_for_this_person_alone(tmp_path: Path) -> None:
    made = private_dir(tmp_path / "a/b")
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert stat.S_IMODE(made.parent.stat().st_mode) == 0o700


def test_a_private_file_is_replaced_whole_and_leaves_no_draft(tmp_path: Path) -> None:
    target = tmp_path / "f"
    target.write_text("old")
    target.chmod(0o644)
    write_private(target, "new")
    assert (target.read_text(), stat.S_IMODE(target.stat().st_mode)) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('notify = "horn"\n', ("line 1", "off, bell, desktop")),
        ("threads = 4\ntitle = 7\n", ("line 2", "true or false")),
    ],
)
def test_a_bad_way_to_notify_is_named_with_its_line(tmp_path: Path, toml: str, words: tuple[str, str]) -> None:
    paths = paths_in(tmp_path, toml)
    with pytest.raises(SettingsError) as caught:
        Settings.load(environ={}, paths=paths)
    assert all(word in caught.value.sentence for word in words)


@pytest.mark.parametrize(
    ("toml", "line"),
    [
        ('[keys]\n"act.push" = "U"\n"act.pull" = 3\n', 3),
        ('[keys]\nact.push = "U"\nact.pull = 3\n', 3),
        ("keys.act.pull = 3\n", 1),
        ('theme = "x"\n[keys.act]\npull = 3\n', 2),
    ],
)
def test_a_key_that_is_no_text_is_named_with_its_own_line(tmp_path: Path, toml: str, line: int) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load(environ={}, paths=paths_in(tmp_path, toml))
    assert f"config.toml, line {line}: act.pull cannot be 3." in caught.value.message
    assert "a key in quotes" in caught.value.hint


def test_a_key_may_be_written_with_and_without_quotes_around_its_action(tmp_path: Path) -> None:
    settings = Settings.load(environ={}, paths=paths_in(tmp_path, '[keys]\n"act.push" = "U"\nact.pull = "D"\n'))
    assert settings.keys == {"act.push": "U", "act.pull": "D"}


def test_it_is_known_where_each_setting_was_made(tmp_path: Path) -> None:
    toml = 'threads = 4\n\nverify = false\n[keys]\n"act.push" = "U"\nthreads = "t"\n'
    paths = paths_in(tmp_path, toml)
    settings = Settings.load({"title": False}, environ={"MODELSYNC_RUNNING": "3"}, paths=paths)
    assert settings.origins == {
        "threads": f"{paths.config_file}, line 1",
        "verify": f"{paths.config_file}, line 3",
        "keys": f"{paths.config_file}, line 4",
        "keys.act.push": f"{paths.config_file}, line 5",
        "keys.threads": f"{paths.config_file}, line 6",
        "running": "MODELSYNC_RUNNING",
        "title": "--title",
    }


SETTINGS: list[tuple[str, tuple[str, str, object], tuple[object, object, object]]] = [
    ("threads", ("4", "5", "6"), (4, 5, 6)),
    ("bandwidth", ('"4 MiB/s"', "5 MiB/s", "off"), (4 * 2**20, 5 * 2**20, None)),
    ("verify", ("false", "true", False), (False, True, False)),
    ("sync", ("false", "true", False), (False, True, False)),
    ("running", ("4", "5", "6"), (4, 5, 6)),
    ("log_level", ('"error"', "warning", "debug"), ("error", "warning", "debug")),
    ("log_file", ('"/file"', "/env", "/flag"), (Path("/file"), Path("/env"), Path("/flag"))),
    ("keyring", ("false", "true", False), (False, True, False)),
    ("theme", ('"file"', "env", "flag"), ("file", "env", "flag")),
    ("ascii", ("true", "false", True), (True, False, True)),
    ("color", ("false", "true", False), (False, True, False)),
    ("read_only", ("true", "false", True), (True, False, True)),
    ("context", ('"file"', "env", "flag"), ("file", "env", "flag")),
    ("notify", ('"bell"', "off", "desktop"), ("bell", "off", "desktop")),
    ("title", ("false", "true", False), (False, True, False)),
    ("store", ('"/file"', "/env", "/flag"), (Path("/file"), Path("/env"), Path("/flag"))),
]
"""What stands in the file, in the variable and in the flag, and what each of them means."""


@pytest.mark.parametrize(("name", "given", "meant"), SETTINGS, ids=[row[0] for row in SETTINGS])
def test_every_setting_is_taken_from_flag_then_variable_then_file(
    tmp_path: Path, name: str, given: tuple[str, str, object], meant: tuple[object, object, object]
) -> None:
    in_file, variable, flag = given
    paths = paths_in(tmp_path, f"{name} = {in_file}\n")
    environ = {f"MODELSYNC_{name.upper()}": variable}
    loaded = (
        Settings.load(environ={}, paths=paths),
        Settings.load(environ=environ, paths=paths),
        Settings.load({name: flag}, environ=environ, paths=paths),
    )
    assert tuple(getattr(settings, name) for settings in loaded) == meant


def test_no_setting_is_left_out_of_that_table() -> None:
    assert {row[0] for row in SETTINGS} == {item.name for item in fields(Settings)} - {"keys", "origins", "ca_file"}
