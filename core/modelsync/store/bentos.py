"""Which local bentos use a model, so that it is not deleted under them (registry contract 5.7)."""

from collections.abc import Collection, Mapping
from pathlib import Path

from modelsync.safe_yaml import NotYamlError, load_yaml
from modelsync.tag import Tag

BENTO_YAML = "bento.yaml"
_SIZE_MAX = 64 * 1024 * 1024


def bentos_using(home: Path, tags: Collection[Tag]) -> Mapping[Tag, tuple[str, ...]]:
    """For each of these versions the local bentos, `name:version`, that need it from the store; sorted.

    Reads each bento once, however many versions are asked about. A bento with a `models` folder of its own needs none
    (contract 5.7). What cannot be read counts as no use.
    """
    wanted = {str(tag): tag for tag in tags}
    found: dict[Tag, list[str]] = {tag: [] for tag in tags}
    for path in sorted((home / "bentos").glob(f"*/*/{BENTO_YAML}")) if wanted else ():
        if (path.parent / "models").exists():
            continue
        for used in _models_of(path, found):
            if tag := wanted.get(used):
                found[tag].append(f"{path.parent.parent.name}:{path.parent.name}")
    return {tag: tuple(bentos) for tag, bentos in found.items()}


def _models_of(path: Path, wanted: Collection[Tag]) -> set[str]:
    try:
        if not path.is_file() or path.stat().st_size > _SIZE_MAX:
            return set()
        data = path.read_bytes()
    except OSError:
        return set()
    lowered = data.lower()  # as BentoML does with every tag
    if not any(tag.name.encode() in lowered and tag.version.encode() in lowered for tag in wanted):
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
