"""Which scopes of a token open which kind of call (registry contract 1.0)."""

from __future__ import annotations

from enum import Enum

from modelsync_registry.accounts import Caller
from modelsync_registry.errors import BadRequestError


class Access(Enum):
    """What a call does; the value names the scopes that allow it."""

    VIEW = frozenset({"api", "read_organization", "write_organization", "operate_organization"})
    UPDATE = frozenset({"api", "write_organization", "operate_organization"})


def check_scopes(caller: Caller, access: Access) -> None:
    """Raises BadRequestError when no scope of the caller's token allows `access`; Yatai answers 400 here, not 403."""
    if not caller.scopes & access.value:
        raise BadRequestError(
            f"the scopes of this api token ({', '.join(sorted(caller.scopes))}) do not allow this call, "
            f"which needs one of: {', '.join(sorted(access.value))}"
        )
