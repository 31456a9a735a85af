"""Which local bentos use a model, so that it is not deleted under them (registry contract 5.7)."""

from pathlib import Path

from modelsync.store.safe_yaml import NotYamlError, load_yaml
from modelsync.tag import Tag

BENTO_YAML = "bento.yaml"
_SIZE_MAX = 64 * 1024 * 1024


def bentos_using(home: Path, tag: Tag) -> tuple[str, ...]:
    """The local bentos, `name:version`, that need this version from the store; sorted.

    A bento with a `models` folder of its own needs none (contract 5.7). What cannot be read counts as no use.
    """
    return tuple(
        f"{path.parent.parent.name}:{path.parent.name}"
        for path in sorted((home / "bentos").glob(f"*/*/{BENTO_YAML}"))
        if not (path.parent / "models").exists() and str(tag) in _models_of(path, tag)
    )


def _models_of(path: Path, tag: Tag) -> set[str]:
    try:
        if not path.is_file() or path.stat().st_size > _SIZE_MAX:
            return set()
        data = path.read_bytes()
    except OSError:
        return set()
    lowered = data.lower()  # as BentoML does with every tag
    if tag.name.encode() not in lowered or tag.version.encode() not in lowered:
        return set()  # most bentos: not worth the parsing
    try:
        document = load_yaml(data)
    except NotYamlError:
        return set()
    if not isinstance(document, dict):
        return set()
    lists: list[object] = [document.get("models")]
    services: object = document.get("services")
    if isinstance(services, list):
        lists += [service.get("models") for service in services if isinstance(service, dict)]
    return {_tag_of(entry) for entries in lists if isinstance(entries, list) for entry in entries}


def _tag_of(entry: object) -> str:
    tag: object = entry.get("tag") if isinstance(entry, dict) else entry
    return tag.strip().lower() if isinstance(tag, str) else ""
