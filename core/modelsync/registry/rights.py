"""Whether a token may push, found out without pushing."""

from modelsync.http.stopping import Stop
from modelsync.registry.client import Registry

_ROWS = 10
"""Of the versions that are there; nearly always the first has a name that can be asked about."""


def ask_to_push(registry: Registry, *, control: Stop | None = None) -> bool:
    """Asks for an upload address of a version that is there, and drops it: that needs the right to write and changes
    nothing (contract 1.1, row 15). False when it cannot be told, as for a registry without models.

    Raises PermissionDeniedError for a token that may not push, and what any call of the registry raises.
    """
    tags = [model.tag for model in registry.models(count=_ROWS, control=control).items if model.tag is not None]
    if not tags:
        return False
    registry.presign_upload(tags[0], control=control)
    return True
