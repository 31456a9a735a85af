"""`modelsync locate`: where all files are."""

from modelsync.errors import SettingsError
from modelsync_cli.session import Session


def run(session: Session) -> int:
    """Prints every place, also when the settings are wrong: then this is where a person looks."""
    paths = session.paths
    try:
        store = {"store": session.settings.store}
        paths = paths.with_log(session.settings.log_file)
    except SettingsError as error:
        store = {}
        session.output.error(error)
    places = store | {
        "settings": paths.config_file,
        "contexts": paths.contexts_file,
        "tokens in plain text": paths.credentials_file,
        "journals": paths.journals_dir,
        "history": paths.history_file,
        "unfinished queues": paths.queues_dir,
        "screen": paths.screen_file,
        "cache": paths.cache_dir,
        "log": paths.log_file,
    }
    if session.output.as_json:
        session.output.record({name.replace(" ", "_"): str(path) for name, path in places.items()}, ())
    else:
        session.output.table([(name, str(path)) for name, path in places.items()])
    return 0
