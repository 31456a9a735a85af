"""`modelsync delete`: local versions that go, after a plan and a question."""

import sys
from functools import partial

from modelsync.errors import Cancelled, LocalModelNotFoundError, ModelsyncError, UsageError
from modelsync.model import BrokenEntry, LocalModel
from modelsync.pruning import DeleteItem, DeletePlan, Deletion, delete, keep_last, plan_delete
from modelsync.store import ModelStore
from modelsync.store.bentos import bentos_using
from modelsync.tag import Tag
from modelsync.transfer.journal import Journals
from modelsync_cli.jobs import exit_code
from modelsync_cli.output import size_text
from modelsync_cli.session import Session, count_of, is_set

EXIT_REFUSED = 1
_YES = ("y", "yes")


def run(session: Session) -> int:
    """Deletes what was named or chosen; 1 when a version that was named stays because a bento uses it."""
    tags, keep, names = _asked(session)
    store = session.store()
    entries = _older(store, names, keep) if keep is not None else _named(store, tags)
    plan = plan_delete(entries, partial(bentos_using, store.home), force_used=is_set(session.args, "force_used"))
    if is_set(session.args, "dry_run"):
        return _would_delete(session, plan)
    _tell(session, plan)
    if not plan.going:
        session.output.note("Nothing to delete.")
    elif not _agreed(session, plan):
        raise Cancelled("Nothing was deleted.")
    session.start_log()
    codes = []
    for deletion in delete(plan, store, Journals(session.paths.journals_dir)):
        _report(session, deletion)
        codes.append(deletion.error.exit_code if deletion.error else 0)
    for item in plan.refused:
        _report_refused(session, item)
    if plan.refused and keep is None:
        codes.append(EXIT_REFUSED)
    return exit_code(codes)


def _asked(session: Session) -> tuple[list[Tag], int | None, list[str]]:
    """Either tags, or how many to keep of which names; raises UsageError before anything is looked at."""
    args = session.args
    names: list[str] = args.names or []
    keep = count_of(args, "keep_last", hint="Keep 1 or more; name the tags to delete all.")
    if keep is None:
        if names:
            raise UsageError("--name goes with --keep-last N.", hint="Say how many to keep, or name tags like iris:v1.")
        if not args.tags:
            raise UsageError("No version was named.", hint="Name tags like iris:v1, or say --name NAME --keep-last N.")
        return [Tag.parse(tag) for tag in args.tags], None, []
    if args.tags or not names:
        raise UsageError("--keep-last goes with --name NAME, and with no tags.", hint="Say --name NAME --keep-last N.")
    return [], keep, names


def _named(store: ModelStore, tags: list[Tag]) -> list[LocalModel | BrokenEntry]:
    broken = {(entry.name, entry.version): entry for entry in store.scan().broken}
    return [broken.get((tag.name, tag.version)) or store.get(tag) for tag in tags]


def _older(store: ModelStore, names: list[str], keep: int) -> tuple[LocalModel, ...]:
    models: list[LocalModel] = []
    for name in names:
        versions = store.versions(name)
        if not versions:
            raise LocalModelNotFoundError(
                f"The local store {store.home} has no {name}.", hint="See what it has: modelsync ls local"
            )
        models += versions
    return keep_last(models, keep)


def _tell(session: Session, plan: DeletePlan) -> None:
    for item in plan.going:
        users = f", used by {', '.join(item.used_by)}" if item.used_by else ""
        session.output.note(f"delete  {item.tag}  {size_text(item.size_bytes)}{users}")
    for item in plan.refused:
        session.output.note(f"keep    {item.tag}  used by {', '.join(item.used_by)}")


def _would_delete(session: Session, plan: DeletePlan) -> int:
    """Says what a run would do; its exit code is that of such a run, as far as can be known."""
    for item in plan.going:
        _record(session, item, "would delete", item.size_bytes)
    for item in plan.refused:
        _report_refused(session, item)
    if plan.going:
        session.output.note(f"{_versions(plan)}, {size_text(plan.bytes_freed)}; nothing was deleted.")
    return EXIT_REFUSED if plan.refused and not session.args.names else 0


def _agreed(session: Session, plan: DeletePlan) -> bool:
    if is_set(session.args, "yes"):
        return True
    if not sys.stdin.isatty():
        raise UsageError(
            f"{_versions(plan)} would be deleted, and there is no terminal to ask on.", hint="Agree with --yes."
        )
    question = f"Delete {_versions(plan)} from this machine and free {size_text(plan.bytes_freed)}? [y/N] "
    return session.output.ask(question).lower() in _YES


def _versions(plan: DeletePlan) -> str:
    return "1 version" if len(plan.going) == 1 else f"{len(plan.going)} versions"


def _report(session: Session, deletion: Deletion) -> None:
    item, error = deletion.item, deletion.error
    outcome = "failed" if error else "deleted"
    _record(session, item, outcome, deletion.bytes_freed, error)
    if error:
        session.output.error(error)


def _record(
    session: Session, item: DeleteItem, outcome: str, bytes_freed: int, error: ModelsyncError | None = None
) -> None:
    session.output.record(
        {
            "tag": str(item.tag),
            "outcome": outcome,
            "bytes_freed": bytes_freed,
            "used_by": list(item.used_by),
            "error": error.sentence if error else None,
        },
        (outcome, str(item.tag), size_text(bytes_freed)),
    )


def _report_refused(session: Session, item: DeleteItem) -> None:
    users = ", ".join(item.used_by)
    sentence = f"{item.tag} stays: the local bento {users} uses it. Delete it all the same with --force-used."
    session.output.record(
        {
            "tag": str(item.tag),
            "outcome": "refused",
            "bytes_freed": 0,
            "used_by": list(item.used_by),
            "error": sentence,
        },
        ("refused", str(item.tag), f"used by {users}"),
    )
    session.output.warn(sentence)
