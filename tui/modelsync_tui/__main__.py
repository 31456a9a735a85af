"""The command `modelsync-tui`: flags, the checks before the screen, and one sentence when something ends it."""

import argparse
import gc
import os
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelsync.settings import Settings
    from modelsync.store import StoreListing
    from modelsync_tui.session import Session

EXIT_FAILED, EXIT_USAGE = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the application; returns the exit code."""
    options = _parser().parse_args(arguments)
    if not (sys.stderr.isatty() and sys.stdin.isatty()):
        _tell("modelsync-tui draws on a terminal, and this is none. The command `modelsync` works anywhere.")
        return EXIT_USAGE
    from modelsync.crashes import forbid_core_dumps
    from modelsync.errors import ModelsyncError

    forbid_core_dumps()
    gc.disable()  # until the first frame is drawn: nothing made until then is garbage
    with ExitStack() as stack:
        environ = dict(os.environ)
        try:
            if options.demo:
                _tell("Preparing the demo: a registry and a store of its own ...")
                from modelsync_tui.demo import start_demo

                environ.update(stack.enter_context(start_demo()).environ)
            return _run(options, environ)
        except ModelsyncError as error:
            _tell(error.sentence)
            return error.exit_code


def _run(options: argparse.Namespace, environ: dict[str, str]) -> int:
    from modelsync import logs
    from modelsync.paths import Paths
    from modelsync.settings import Settings
    from modelsync_tui.session import Session

    if options.config is not None:
        environ["MODELSYNC_CONFIG"] = options.config
    paths = Paths.of_platform(environ)
    settings = Settings.load(_flags(options), environ=environ, paths=paths)
    paths = paths.with_log(settings.log_file)
    log_file = logs.start(paths, settings.log_level)
    session = Session(settings, paths, environ)
    scan = _Scan(session)  # the store is read while Textual is loaded
    _check_keys(settings)
    if options.context is not None:
        session.credentials.check_named(options.context)
    os.environ.pop("NO_COLOR", None)  # it is in the settings now; Textual would draw greys for it
    from modelsync_tui.app import ModelsyncApp

    app = ModelsyncApp(session, scan, plain=not _draws_unicode())
    code = app.run()
    session.close()
    if app.failure is not None:
        where = f" The details are in {log_file}." if log_file else ""
        _tell(f"modelsync-tui met a defect of its own and had to end.{where}")
        return EXIT_FAILED
    return code if isinstance(code, int) else app.return_code or 0


class _Scan:
    """A reading of the store that is under way; calling it waits for the result."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._listing: StoreListing | None = None
        self._thread = threading.Thread(target=self._read, name="modelsync-first-scan", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        from modelsync.errors import ModelsyncError

        try:
            self._listing = self._session.scan()
        except ModelsyncError:
            return  # whoever asks reads again, and tells why

    @property
    def ready(self) -> bool:
        """Whether calling it would not wait."""
        return not self._thread.is_alive()

    def __call__(self) -> "StoreListing":
        self._thread.join()
        return self._session.scan() if self._listing is None else self._listing


def _check_keys(settings: "Settings") -> None:
    if not settings.keys:
        return
    from modelsync.errors import SettingsError
    from modelsync_tui import keys, own_keys

    def where(action_id: str) -> str:
        return settings.origins[f"keys.{action_id}"]

    for action_id in own_keys.unknown_ids(settings.keys):
        known = ", ".join(sorted(action.id for action in keys.ACTIONS))
        raise SettingsError(f"{where(action_id)}: there is no action {action_id!r}.", hint=f"Allowed: {known}.")
    for action_id, key in own_keys.unknown_keys(settings.keys):
        allowed = "a letter, a name like f5 or pageup, ctrl+ and one of these; several with commas"
        raise SettingsError(f"{where(action_id)}: {action_id} cannot be {key!r}.", hint=f"Allowed: {allowed}.")
    for clash in own_keys.clashes(settings.keys):
        raise SettingsError(
            f"{where(clash.action_id)}: {clash.action_id} cannot be {clash.key!r}, the key of {clash.other_id}.",
            hint=f"Choose another key, or give {clash.other_id} another one.",
        )


def _draws_unicode() -> bool:
    """Whether the terminal, to which Textual writes on stderr, takes more than ASCII."""
    encoding = (sys.__stderr__.encoding if sys.__stderr__ else "") or ""
    return encoding.lower().replace("-", "").replace("_", "") in ("utf8", "utf8mb4", "cp65001")


def _flags(options: argparse.Namespace) -> dict[str, object]:
    """The settings among the flags; None was not given."""
    return {
        "store": options.store,
        "context": options.context,
        "theme": options.theme,
        "read_only": options.read_only,
        "ascii": options.ascii,
        "color": options.color,
        "keyring": options.keyring,
        "log_file": options.log_file,
        "log_level": "debug" if options.debug else None,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="modelsync-tui",
        description="Browse BentoML's local store and a registry side by side, and move models between them.",
        epilog="The same without a screen: modelsync --help",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    parser.add_argument("--demo", action="store_true", help="try it with a registry and a store made for the purpose")
    parser.add_argument("--config", metavar="FILE", help="the settings file to use (see `modelsync locate`)")
    parser.add_argument("--context", metavar="NAME", help="the kept context to use, instead of the current one")
    parser.add_argument("--store", metavar="DIR", help="BentoML's directory, instead of $BENTOML_HOME or ~/bentoml")
    parser.add_argument("--theme", metavar="NAME", help="modelsync-dark, modelsync-light or modelsync-high-contrast")
    parser.add_argument("--read-only", action="store_true", default=None, help="refuse every push")
    parser.add_argument("--ascii", action="store_true", default=None, help="draw with ASCII characters only")
    parser.add_argument("--no-color", dest="color", action="store_false", default=None, help="draw without colours")
    parser.add_argument(
        "--no-keyring", dest="keyring", action="store_false", default=None, help="do not ask the OS keyring"
    )
    parser.add_argument("--log-file", metavar="FILE", help="write the log there")
    parser.add_argument("--debug", action="store_true", help="write more into the log file")
    return parser


class _Version(argparse.Action):
    """Looks the version up when it is asked for: that costs a tenth of the first frame."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"{parser.prog} {version('modelsync-tui')}")
        parser.exit()


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
