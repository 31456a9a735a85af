"""Every setting: its default, its parser, and the order in which file, environment and flags win."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from math import inf
from pathlib import Path
from reprlib import Repr
from typing import Self

from modelsync.errors import SettingsError
from modelsync.paths import CONFIG_FILE_NAME, Paths

THREADS_MAX = 64
RUNNING_MAX = 16
BANDWIDTH_MIN = 1024
"""Bytes per second; below it a part could not finish before its address expires."""
BANDWIDTH_ALLOWED = 'a rate like "40 MiB/s", at least 1 KiB/s, or "off"'
"""For a person."""
BENTOML_HOME_DEFAULT = "~/bentoml"
LOG_LEVELS = ("debug", "info", "warning", "error")
NOTICES = ("off", "bell", "desktop")


@dataclass(frozen=True, slots=True)
class Settings:
    """How this run behaves."""

    store: Path
    """BentoML's directory, the one that holds `models/` (registry contract 5.1)."""
    threads: int = 10
    """Ceiling of part threads, shared by all transfers; 1 to 64."""
    bandwidth: int | None = None
    """Bytes per second of both directions together; None: no limit."""
    verify: bool = True
    """Whether each part's MD5 is compared with its ETag."""
    sync: bool = True
    """Whether a pull is flushed to disk before it counts as installed."""
    running: int = 2
    """Transfers that run side by side."""
    log_level: str = "info"
    log_file: Path | None = None
    """Where the log is written; None: the platform's place."""
    keyring: bool = True
    """Whether the OS keyring may be asked; without it a token is kept for the session or in a file."""
    theme: str | None = None
    """The screen's colours; None: those that were picked on the screen last, else the dark ones."""
    ascii: bool = False
    """Whether the screen draws with ASCII only."""
    color: bool = True
    read_only: bool = False
    """Whether every push is refused."""
    ca_file: Path | None = None
    """A PEM file with the certificates to trust; None: the system's."""
    context: str | None = None
    """The kept context to use; None: the current one."""
    notify: str = "bell"
    """How the end of a long transfer is told to a person who looks elsewhere: off, bell or desktop."""
    title: bool = True
    """Whether the terminal's title shows how far the transfers are."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Action id to key, for the screen."""
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Where each setting that was given stands, for a person: a file and its line, a variable or a flag. A key of the
    table `keys` stands there as `keys.` and its action."""

    @classmethod
    def load(
        cls,
        flags: Mapping[str, object] | None = None,
        *,
        environ: Mapping[str, str] = os.environ,
        paths: Paths | None = None,
    ) -> Self:
        """Default, then file, then environment, then flags (a None flag was not given); later ones win.

        Raises SettingsError with the file and line, variable or flag, and the values that are allowed. Variables
        MODELSYNC_* that name no setting are left alone: other programs of the family read theirs.
        """
        paths = paths or Paths.of_platform(environ)
        values: dict[str, object] = {}
        default_file = paths.config_file == paths.config_dir / CONFIG_FILE_NAME
        from_file = _from_file(paths.config_file, must_exist=not default_file)
        origins: dict[str, str] = {}
        for given in from_file, _from_environment(environ), _from_flags(flags or {}):
            for name, raw, where in given:
                if name.startswith(_KEYS):
                    _key(name, raw, where)
                else:
                    values[name] = _value(name, raw, where, environ)
                origins[name] = where
        if "store" not in values:
            values["store"] = _value("store", BENTOML_HOME_DEFAULT, "BENTOML_HOME", environ)
        return cls(**values, origins=origins)  # type: ignore[arg-type]  # each parser gives its own field's type


def parse_bandwidth(text: str) -> int | None:
    """Reads "40 MiB/s", "2.5MB", "500000" as bytes per second, and "off" as None; raises ValueError.

    A bare letter is a power of 1024, as curl, wget and rsync read it: "10M" is 10 MiB/s.
    """
    if text.strip().lower() in ("off", "none", "unlimited"):
        return None
    match = re.fullmatch(_BANDWIDTH, text.strip().lower())
    if match is None:
        raise ValueError(text)
    rate = float(match["number"]) * _UNITS[match["unit"] or "b"]
    if not BANDWIDTH_MIN <= rate < inf:
        raise ValueError(text)
    return int(rate)


def expand_path(text: str, environ: Mapping[str, str]) -> Path:
    """`~` and `$VARS` expanded until nothing changes, as BentoML does (registry contract 5.1), then made absolute.

    Raises ValueError for the home of a user who does not exist, and for a NUL character, which no path may hold.
    """
    if "\0" in text:
        raise ValueError(text)
    for _ in range(_EXPANSIONS_MAX):
        try:
            expanded = str(Path(_VARIABLE.sub(lambda m: environ.get(m[1] or m[2], m[0]), text)).expanduser())
        except RuntimeError as exc:
            raise ValueError(text) from exc
        if expanded == text:
            break
        text = expanded
    return Path(text).absolute()


_UNITS = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_UNITS |= {letter + ending: 2**power for letter, power in (("k", 10), ("m", 20), ("g", 30)) for ending in ("", "ib")}
_BANDWIDTH = r"(?P<number>\d+(\.\d+)?)\s*(?P<unit>[kmg](i?b)?|b)?(/s)?"
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_KEYS, _KEY = "keys.", "f6"
"""What comes before an action's id in the name of a key of the table `keys`; a key for an example."""
_EXPANSIONS_MAX = 16
"""A variable that names itself would expand forever."""
_SHOWN = Repr()
"""How a value that cannot be is repeated: in one sentence, however long or deep it is."""
_SHOWN.maxstring = _SHOWN.maxother = _SHOWN.maxlong = 120


def _switch(raw: object) -> bool:
    match raw:
        case bool():
            return raw
        case str() if raw.lower() in ("1", "true", "yes", "on"):
            return True
        case str() if raw.lower() in ("0", "false", "no", "off"):
            return False
    raise ValueError(raw)


def _number(low: int, high: int) -> Callable[[object], int]:
    def read(raw: object) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int | str):
            raise ValueError(raw)
        number = int(raw)
        if not low <= number <= high:
            raise ValueError(raw)
        return number

    return read


def _one_of(allowed: tuple[str, ...]) -> Callable[[object], str]:
    def read(raw: object) -> str:
        if isinstance(raw, str) and raw.lower() in allowed:
            return raw.lower()
        raise ValueError(raw)

    return read


def _text(raw: object) -> str:
    if isinstance(raw, str) and raw.strip():
        return raw.strip()
    raise ValueError(raw)


def _bandwidth(raw: object) -> int | None:
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        raise ValueError(raw)
    return parse_bandwidth(str(raw))


def _directory(raw: object) -> Path:
    if not isinstance(raw, Path):
        raise ValueError(raw)
    return raw


def _log_file(raw: object) -> Path:
    if not isinstance(raw, Path) or raw.is_dir():
        raise ValueError(raw)
    return raw


def _file(raw: object) -> Path:
    if not isinstance(raw, Path) or not raw.is_file():
        raise ValueError(raw)
    return raw


def _keys(raw: object) -> Mapping[str, str]:
    if isinstance(raw, Mapping):
        return {action: key for action, key in _flat(raw) if isinstance(key, str)}
    raise ValueError(raw)


def _flat(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """A table with its tables: TOML reads `act.push = "U"`, without quotes, as a table of a table."""
    for name, raw in table.items():
        if isinstance(raw, Mapping):
            yield from _flat(raw, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", raw


_SWITCH = _switch, "true or false"
_RULES: Mapping[str, tuple[Callable[[object], object], str]] = {
    "store": (_directory, "a directory"),
    "threads": (_number(1, THREADS_MAX), f"a number from 1 to {THREADS_MAX}"),
    "bandwidth": (_bandwidth, BANDWIDTH_ALLOWED),
    "verify": _SWITCH,
    "sync": _SWITCH,
    "running": (_number(1, RUNNING_MAX), f"a number from 1 to {RUNNING_MAX}"),
    "log_file": (_log_file, "a file that is no directory"),
    "keyring": _SWITCH,
    "log_level": (_one_of(LOG_LEVELS), ", ".join(LOG_LEVELS)),
    "theme": (_text, "a theme's name"),
    "ascii": _SWITCH,
    "color": _SWITCH,
    "read_only": _SWITCH,
    "ca_file": (_file, "an existing PEM file"),
    "context": (_text, "a context's name"),
    "notify": (_one_of(NOTICES), ", ".join(NOTICES)),
    "title": _SWITCH,
    "keys": (_keys, 'a table of action = "key"'),
}
"""How each setting is read, which raises ValueError, and what it may be, for a person."""
_PATHS = ("store", "log_file", "ca_file")
"""Those in which `~` and variables are expanded first."""


def _value(name: str, raw: object, where: str, environ: Mapping[str, str]) -> object:
    rule = _RULES.get(name)
    if rule is None:
        raise SettingsError(f"{where}: there is no setting {name!r}.", hint=f"Known are: {', '.join(_RULES)}.")
    read, allowed = rule
    try:
        if name in _PATHS and isinstance(raw, str | Path):
            return read(expand_path(_text(str(raw)), environ))
        return read(raw)
    except (ValueError, OSError) as exc:  # OSError: a path that is too long, or below a folder that is closed to us
        shown = _SHOWN.repr(str(raw) if isinstance(raw, Path) else raw)
        why = f" ({exc.strerror})" if isinstance(exc, OSError) else ""
        raise SettingsError(f"{where}: {name} cannot be {shown}{why}.", hint=f"Allowed: {allowed}.") from exc


def _key(name: str, raw: object, where: str) -> None:
    """Raises SettingsError for a key that is not written as text."""
    if not isinstance(raw, str):
        action = name.removeprefix(_KEYS)
        raise SettingsError(f"{where}: {action} cannot be {raw!r}.", hint=f'Allowed: a key in quotes, like "{_KEY}".')


_Given = Iterator[tuple[str, object, str]]
"""Name, raw value, and where it stands, for a person."""


def _from_file(path: Path, *, must_exist: bool) -> _Given:
    try:
        data = path.read_bytes()
    except FileNotFoundError as exc:
        if must_exist:
            raise SettingsError(f"There is no settings file {path}.", hint="Create it, or name another.") from exc
        return
    except OSError as exc:
        raise SettingsError(
            f"The settings file {path} cannot be read: {exc.strerror}.",
            hint="Make it a file that you may read, or name another with --config.",
        ) from exc
    text, table = _toml(path, data)
    for name, raw in table.items():
        line = _line_of(name, text)
        yield name, raw, f"{path}, line {line}"
        if name == "keys" and isinstance(raw, Mapping):
            for action, key in _flat(raw):
                yield f"{_KEYS}{action}", key, f"{path}, line {_line_of(action, text, after_line=line)}"


def _toml(path: Path, data: bytes) -> tuple[str, dict[str, object]]:
    """The text of a file and what it says; raises SettingsError with the line where there is one."""
    import tomllib  # only when there is a file: it costs a tenth of a listing's time

    try:
        text = data.decode()
        return text, tomllib.loads(text)
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise SettingsError(f"The settings file {path}, line {line}: not UTF-8.", hint="Save it as UTF-8.") from exc
    except tomllib.TOMLDecodeError as exc:
        what = str(exc).replace("(at end of document)", f"(at the end, line {len(data.splitlines())})")
        raise SettingsError(f"The settings file {path} is not TOML: {what}.", hint="Correct that line.") from exc
    except (ValueError, RecursionError) as exc:  # where tomllib itself gives up
        raise SettingsError(
            f"The settings file {path} holds a number that is too long, or brackets that are too deep.",
            hint="Take it out, or name another file with --config.",
        ) from exc


def _line_of(name: str, text: str, *, after_line: int = 0) -> int:
    """The first line that sets a name or begins its table; `after_line` where none does."""
    spelled = rf"(?:\[*|keys\.)\s*[\"']?{re.escape(name)}[\"']?\s*[\]=.]"
    lines = text.splitlines()
    return next(
        (at for at, line in enumerate(lines, 1) if at >= after_line and re.match(spelled, line.strip())),
        after_line or 1,
    )


def _from_environment(environ: Mapping[str, str]) -> _Given:
    if environ.get("BENTOML_HOME"):
        yield "store", environ["BENTOML_HOME"], "BENTOML_HOME"
    if environ.get("NO_COLOR"):
        yield "color", False, "NO_COLOR"
    for item in fields(Settings):
        variable = f"MODELSYNC_{item.name.upper()}"
        raw = environ.get(variable)
        if raw and item.name != "keys":
            yield item.name, raw, variable


def _from_flags(flags: Mapping[str, object]) -> _Given:
    for name, raw in flags.items():
        if raw is not None:
            yield name, raw, f"--{name.replace('_', '-')}"
