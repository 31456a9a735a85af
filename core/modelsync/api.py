"""The public functions: everything that a push or pull needs, put together from settings and the kept account."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from modelsync import sync
from modelsync.account import Account
from modelsync.credentials import Credentials
from modelsync.errors import UsageError
from modelsync.history import History
from modelsync.paths import Paths
from modelsync.registry.client import Registry
from modelsync.registry.retry import Waiting
from modelsync.results import PullResult, PushResult, Verification
from modelsync.settings import THREADS_MAX, Settings
from modelsync.store import ModelStore
from modelsync.sync.sides import Sides
from modelsync.tag import Tag, TagReference
from modelsync.transfer.bandwidth import Bandwidth
from modelsync.transfer.control import Control
from modelsync.transfer.data import DataClient
from modelsync.transfer.journal import Journals
from modelsync.transfer.progress import Progress, ProgressSnapshot
from modelsync.transfer.watch import watching
from modelsync.transfer.workers import THREADS_DEFAULT, Workers

OnProgress = Callable[[ProgressSnapshot], object]
"""Called a few times a second, on a thread of its own, and once at the end."""


def open_sides(
    settings: Settings,
    account: Account,
    paths: Paths,
    *,
    workers: Workers | None = None,
    waiting: Waiting | None = None,
) -> Sides:
    """Puts store, registry, threads and connections together, and tidies the store; the caller closes them.

    `workers` are those of sides that are open already: threads and limit then hold for all together. `waiting` is told
    in a sentence when the registry is asked again after trouble.
    """
    context = replace(account.context, read_only=True) if settings.read_only else account.context
    sides = Sides(
        store=open_store(settings, paths),
        registry=Registry(replace(account, context=context), ca_file=settings.ca_file, waiting=waiting),
        workers=workers or Workers(settings.threads, Bandwidth(settings.bandwidth)),
        data=DataClient(ca_file=settings.ca_file),
        journals=Journals(paths.journals_dir),
        verify=settings.verify,
        sync_to_disk=settings.sync,
        history=History(paths.history_file),
    )
    sides.tidy()
    return sides


def open_store(settings: Settings, paths: Paths) -> ModelStore:
    """The local store, with what is known of it kept in the platform's cache directory."""
    return ModelStore(settings.store, cache_file=paths.models_cache_file)


def push(
    tag: str | Tag,
    *,
    force: bool = False,
    threads: int = THREADS_DEFAULT,
    context: str | None = None,
    on_progress: OnProgress | None = None,
) -> PushResult:
    """Uploads a version of the local store; `name` and `name:latest` mean the newest one.

    Nothing is sent when the registry has it already (`result.outcome` says so) unless `force`. The account is that of
    BENTO_CLOUD_API_KEY and BENTO_CLOUD_API_ENDPOINT, else the kept one; the store is BENTOML_HOME. `threads` is 1 to
    64. Raises a ModelsyncError, whose message is a sentence and whose `hint` is the next step.
    """
    reference = TagReference.parse(str(tag))
    with _sides(threads, context) as sides, _progress(on_progress) as progress:
        return sync.push(sync.resolve_local(reference, sides.store), sides, force=force, progress=progress)


def pull(
    tag: str | Tag,
    *,
    force: bool = False,
    threads: int = THREADS_DEFAULT,
    context: str | None = None,
    query: str | None = None,
    verify: bool = False,
    on_progress: OnProgress | None = None,
) -> PullResult:
    """Downloads a version into the local store; `name` and `name:latest` mean the newest one that was uploaded whole.

    Nothing is fetched when the store has it already unless `force`; then the old version stays until the new one is
    whole. `query` narrows what `latest` means, in the registry's own language (`label:stage=prod`). `verify` recomputes
    the object's ETag from what arrives; `result.verified` says whether that could be done. Otherwise as push.
    """
    reference = TagReference.parse(str(tag))
    with _sides(threads, context) as sides, _progress(on_progress) as progress:
        control = Control()
        found = sync.resolve_remote(reference, sides.registry, query=query or "", control=control)
        return sync.pull(found, sides, force=force, verify=verify, control=control, progress=progress)


def verify(
    tag: str | Tag,
    *,
    quick: bool = False,
    threads: int = THREADS_DEFAULT,
    context: str | None = None,
    on_progress: OnProgress | None = None,
) -> Verification:
    """Compares a version of the local store with the registry's, byte for byte; neither is changed, nothing stored.

    `name` and `name:latest` mean the newest local one. With `quick` only names and sizes are compared, and the result
    is never `verified`. A difference is a result and no error; otherwise as push.
    """
    reference = TagReference.parse(str(tag))
    with _sides(threads, context) as sides, _progress(on_progress) as progress:
        local = sides.store.resolve(reference)
        return sync.verify(local.tag, sides, quick=quick, progress=progress)


@contextmanager
def _sides(threads: int, context: str | None) -> Iterator[Sides]:
    if not 1 <= threads <= THREADS_MAX:
        raise UsageError(f"threads={threads} is not possible.", hint=f"Choose 1 to {THREADS_MAX}.")
    paths = Paths.of_platform()
    settings = Settings.load({"threads": threads}, paths=paths)
    account = Credentials(paths, keyring=settings.keyring).account(context, default=settings.context)
    sides = open_sides(settings, account, paths)
    try:
        yield sides
    finally:
        sides.close()


@contextmanager
def _progress(on_progress: OnProgress | None) -> Iterator[Progress]:
    progress = Progress()
    if on_progress is None:
        yield progress
        return
    with watching(progress, on_progress):
        yield progress
