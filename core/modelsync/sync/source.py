"""Where a version's archive is read from: signed addresses of the object store, or the registry itself."""

from dataclasses import dataclass

from modelsync.errors import RegistryRefusedError
from modelsync.model import RemoteModel
from modelsync.registry.targets import DataTarget
from modelsync.sync.sides import Sides
from modelsync.tag import Tag
from modelsync.transfer.control import Control
from modelsync.transfer.download import Fetch


@dataclass(frozen=True, slots=True)
class Source:
    """One version's archive in the registry."""

    fetch: Fetch
    signed: bool
    """Whether the object store is asked; the registry's own download is one stream without ranges (contract 1, 21)."""


def open_source(sides: Sides, remote: RemoteModel, tag: Tag, control: Control) -> Source:
    """By the registry's strategy (contract 3.1); one that signs nothing is asked for the bytes itself."""
    registry = sides.registry
    signed = remote.transmission_strategy != "proxy" and registry.presign_download(tag, control=control) is not None

    def presigned(control: Control) -> DataTarget:
        target = registry.presign_download(tag, control=control)
        if target is None:
            raise RegistryRefusedError("The registry stopped signing download addresses.", hint="Try again.")
        return target

    def proxied(_control: Control) -> DataTarget:
        return registry.proxy_download(tag)

    target_for = presigned if signed else proxied
    return Source(Fetch(target_for, sides.data, sides.workers.bandwidth, sides.retry), signed)
