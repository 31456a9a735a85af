"""What the details say, as values: facts, files, previews, and which panes are seen."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.cells import cell_len

from modelsync.archive.differences import DifferenceKind, FileDifference
from modelsync.comparison import Direction
from modelsync.errors import StoreError
from modelsync.history import Ending, HistoryEntry
from modelsync.model import BrokenEntry, EntryProblem, Json, LocalModel, ModelFile, RemoteModel, UploadStatus
from modelsync.results import NotListed, RemoteFiles, Verification
from modelsync.store.files import Beginning
from modelsync.tag import Tag
from modelsync_tui import glyphs
from modelsync_tui.answers import Answer, Failed, Reading, Told
from modelsync_tui.arrangement import FACTS, FILES, HISTORY, VERSIONS, Arrangement
from modelsync_tui.catalog import Catalog
from modelsync_tui.detail_words import file_notes, files_titles, version_words
from modelsync_tui.fact import Fact
from modelsync_tui.files import FileReading, FileState, FileTable, with_bytes
from modelsync_tui.inspecting import Uses
from modelsync_tui.integrity import verified_at
from modelsync_tui.manifest_facts import value_text
from modelsync_tui.model_past import past_of
from modelsync_tui.text import wrapped
from modelsync_tui.version_facts import facts_of
from modelsync_tui.versions import Version, versions_of
from modelsync_tui.widgets.facts import laid_out
from modelsync_tui.widgets.lines import Tone
from modelsync_tui.widgets.text_lines import text_lines
from support.tui import NOW, catalog_of, local_model, remote_model

UNUSED = Told(Uses((), (), ()))


def version_of(local: LocalModel | None, remote: RemoteModel | None) -> Version:
    catalog = catalog_of([local] if local else [], [remote] if remote else [])
    name = local.tag.name if local else remote.name if remote else ""
    (version,) = versions_of(catalog, name, NOW)
    return version


def fact(version: Version, name: str, uses: Answer[Uses] = UNUSED, files: FileTable | None = None) -> str:
    found = facts_of(version, uses, files or FileTable(), glyphs.UNICODE)
    return "  ".join(text for row in found if row.name == name for text, _ in row.items)


def files(**sizes: int | None) -> tuple[ModelFile, ...]:
    return tuple(ModelFile(name, size) for name, size in sizes.items())


# Integrity


def moved(outcome: Ending = Ending.PUSHED, *, verified: bool = True, host: str = "r.acme.io") -> HistoryEntry:
    return HistoryEntry(
        began=NOW,
        ended=NOW,
        direction=Direction.PUSH,
        tag=Tag("a", "v"),
        context="prod",
        host=host,
        organization=None,
        outcome=outcome,
        reason="",
        verified=verified,
    )


def test_the_last_transfer_says_whether_the_bytes_were_compared() -> None:
    same = version_of(local_model("a:v"), remote_model("a:v"))
    skipped = moved(Ending.SKIPPED, verified=False)
    assert verified_at(same, (), "r.acme.io") is None
    assert verified_at(same, (skipped, moved()), "r.acme.io") == NOW
    assert verified_at(same, (moved(Ending.PULLED, verified=False), moved()), "r.acme.io") is None
    assert verified_at(same, (moved(),), "other.acme.io") is None
    assert verified_at(same, (replace(moved(), tag=Tag("a", "w")),), "r.acme.io") is None
    assert verified_at(version_of(local_model("a:v", size=1), remote_model("a:v")), (moved(),), "r.acme.io") is None


def test_what_someone_pushed_since_was_not_compared() -> None:
    for later, found in ((timedelta(minutes=1), NOW), (timedelta(hours=1), None)):
        remote = replace(remote_model("a:v"), upload_finished_at=NOW + later)
        assert verified_at(version_of(local_model("a:v"), remote), (moved(),), "r.acme.io") == found


# The past


def test_pushes_of_others_stand_beside_what_was_moved_from_here_the_last_one_first() -> None:
    theirs = replace(remote_model("a:theirs", by="raj"), upload_finished_at=NOW - timedelta(days=2), size_bytes=2048)
    ours = replace(remote_model("a:v"), upload_finished_at=NOW + timedelta(minutes=2))
    failed = replace(remote_model("a:bad", status=UploadStatus.FAILED, reason="disk [/] full"), upload_finished_at=NOW)
    versions = versions_of(catalog_of([local_model("a:v")], [theirs, ours, failed]), "a", NOW)
    pulled = replace(moved(Ending.PULLED), direction=Direction.PULL, ended=NOW + timedelta(hours=1))
    found = past_of((pulled, moved()), versions, "r.acme.io")
    assert [(one.what, one.version, one.who) for one in found] == [
        ("pull", "v", "you"),
        ("push", "v", "you"),
        ("push", "bad", "mia"),
        ("push", "theirs", "raj"),
    ]
    assert [one.words for one in found[2:]] == ["failed: disk [/] full", "2.0 KiB"]


def test_a_later_push_of_someone_else_stands_by_itself_and_another_registry_is_named() -> None:
    again = replace(remote_model("a:v", by="raj"), upload_finished_at=NOW + timedelta(days=1))
    versions = versions_of(catalog_of([], [again]), "a", NOW)
    found = past_of((moved(host="lab.acme.io"),), versions, "r.acme.io")
    assert [one.who for one in found] == ["raj", "you"]
    assert found[1].words.endswith(", to lab.acme.io")


# Versions


def test_versions_of_both_sides_are_one_list_newest_build_first_and_broken_ones_last() -> None:
    catalog = catalog_of(
        [local_model("a:old", days=9), local_model("a:both", days=3), local_model("ab:other")],
        [remote_model("a:both", days=3), remote_model("a:there", days=1)],
    )
    broken = BrokenEntry(Path("/store/a/half"), "a", "half", EntryProblem.HALF_WRITTEN, "no model.yaml")
    found = versions_of(replace(catalog, broken=(broken,)), "a", NOW)
    assert [version.version for version in found] == ["there", "both", "old", "half"]
    assert [version.row.state_word for version in found] == ["remote only", "same", "local only", "half-written"]


def test_what_is_broken_here_and_whole_in_the_registry_is_one_version() -> None:
    broken = BrokenEntry(Path("/store/a/v"), "a", "v", EntryProblem.BROKEN, "unreadable")
    (version,) = versions_of(replace(catalog_of([], [remote_model("a:v")]), broken=(broken,)), "a", NOW)
    assert version.broken is broken
    assert version.remote is not None


# Facts


def test_what_both_sides_agree_on_stands_once() -> None:
    version = version_of(local_model("a:v", labels={"k": "x"}), remote_model("a:v", labels={"k": "x"}))
    assert fact(version, "labels") == "k=x"
    assert fact(version, "size") == "1.0 KiB (1,000 bytes)"


def test_what_differs_stands_with_its_side() -> None:
    version = version_of(
        local_model("a:v", labels={"same": "1", "k": "x", "mine": "m"}, size=5_000_000, days=2),
        remote_model("a:v", labels={"same": "1", "k": "y"}, size=4_000_000, days=3),
    )
    assert fact(version, "labels") == "same=1  ! local k=x  ! remote k=y  ! local mine=m"
    assert fact(version, "size") == "! local 4.8 MiB  remote 3.8 MiB"
    assert fact(version, "built").startswith("! local 2026-11-20")
    assert fact(version, "state") == "! differs"


def test_builds_that_differ_by_less_than_a_minute_are_told_apart() -> None:
    remote = replace(remote_model("a:v"), build_at=NOW - timedelta(days=1, microseconds=-7))
    words = fact(version_of(local_model("a:v"), remote), "built")
    assert ".000000" in words
    assert ".000007" in words


def test_builds_at_the_end_of_time_are_told_apart_too() -> None:
    local, remote = local_model("a:v"), remote_model("a:v")
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    local = replace(local, info=replace(local.info, creation_time=first))
    remote = replace(remote, build_at=first.replace(microsecond=1))
    assert "0001-01-01 00:00:00.000001 UTC" in fact(version_of(local, remote), "built")
    assert fact(version_of(local, replace(remote, build_at=last)), "built").startswith("! local ")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (UploadStatus.SUCCESS, "✓ complete"),
        (UploadStatus.FAILED, "✗ failed: disk full"),
        (UploadStatus.UPLOADING, "? uploading, begun"),
    ],
)
def test_the_upload_says_how_it_stands_and_why(status: UploadStatus, words: str) -> None:
    version = version_of(None, remote_model("a:v", status=status, reason="disk full"))
    assert fact(version, "upload").startswith(words)
    assert "by mia" in fact(version, "pushed")


def test_a_reference_says_what_it_is() -> None:
    remote = replace(remote_model("a:v", status=UploadStatus.PENDING), metadata={"registry": "huggingface"})
    assert "HuggingFace reference" in fact(version_of(None, remote), "upload")


@pytest.mark.parametrize(
    ("uses", "words"),
    [
        (Reading(), "reading …"),
        (Told(Uses(("chat:1",), ("rag:2",), ("prod",))), "local bento chat:1  bento rag:2  deployment prod"),
        (Told(Uses((), (), ())), "nothing known"),
        (Told(Uses(())), ""),
        (
            Told(Uses(("chat:1",), trouble=StoreError("Gone.", hint="Wait."))),
            "local bento chat:1  not known: Gone. Wait.",
        ),
        (Failed(StoreError("Cannot look.", hint="Look again.")), "Cannot look. Look again."),
    ],
)
def test_what_uses_a_version_is_said_or_left_out(uses: Answer[Uses], words: str) -> None:
    assert fact(version_of(local_model("a:v"), None), "used by", uses) == words


def test_signatures_options_context_and_the_latest_are_there() -> None:
    local = local_model("a:v")
    context: dict[str, Json] = {
        "framework_name": "torch",
        "framework_versions": {"torch": "2.8.0"},
        "bentoml_version": "1.4.39",
        "python_version": "",
    }
    signatures: dict[str, Json] = {"__call__": {"batchable": True}, "encode": {}}
    info = replace(local.info, module="bentoml.torch", options={"a": 1}, context=context, signatures=signatures)
    version = version_of(replace(local, info=info, is_latest=True), None)
    assert fact(version, "module") == "bentoml.torch"
    assert fact(version, "options") == "a=1"
    assert fact(version, "context") == "framework=torch  torch=2.8.0  bentoml=1.4.39"
    assert fact(version, "signatures") == "__call__ (batchable)  encode"
    assert fact(version, "latest").startswith("a:latest")
    assert fact(version, "path") == "/store/models/a/v"


def test_a_broken_version_says_why_and_what_to_do() -> None:
    broken = BrokenEntry(Path("/store/a/v"), "a", "v", EntryProblem.BROKEN, "model.yaml\x1b[2J is no YAML")
    (version,) = versions_of(Catalog(broken=(broken,)), "a", NOW)
    assert fact(version, "why") == "model.yaml\ufffd[2J is no YAML"
    assert fact(version, "next step")


def test_hostile_values_become_one_harmless_bounded_line() -> None:
    deep: Json = "end"
    for _ in range(5_000):
        deep = [deep]
    values: list[Json] = [deep, {"k": deep}, "x" * 1_000_000, ["y"] * 1_000_000, {str(n): n for n in range(100_000)}]
    for value in values:
        assert 0 < len(value_text(value)) <= 2_000
    assert value_text("a\x1b]0;x\x07b") == "a\ufffd]0;x\ufffdb"
    assert value_text(None) == "null"
    assert value_text({"a": [1, None, True, "[/b]"]}) == '{"a": [1, null, true, "[/b]"]}'


def test_a_mapping_of_thousands_is_cut_and_says_so() -> None:
    labels = {f"k{number}": "v" for number in range(5_000)}
    assert fact(version_of(local_model("a:v", labels=labels), None), "labels").endswith("and 4,800 more")


@pytest.mark.parametrize("width", [1, 12, 13, 20, 38, 56, 200])
def test_facts_are_laid_out_within_their_width_and_nothing_is_lost(width: int) -> None:
    items = (("k=" + "v" * 500, Tone.PLAIN), ("漢字" * 40, Tone.WARN), ("short", Tone.PLAIN))
    lines = laid_out([Fact("labels", items), Fact("state", (("same", Tone.MUTED),))], width)
    room = max(width, 14)  # a name takes its place always; two cells are what a wide character needs
    assert all(sum(cell_len(text) for text, _ in line) <= room for line in lines)
    words = "".join(text for line in lines for text, _ in line[1:])
    assert words.count("v") == 500
    assert words.count("漢") == 40


@pytest.mark.parametrize("width", [1, 2, 10, 40])
def test_wrapping_keeps_every_word(width: int) -> None:
    text = "The connection was reset at part 31 of 65. " + "x" * 100 + " 漢字漢字"
    lines = wrapped(text, width)
    assert all(cell_len(line) <= max(2, width) for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


# Files


def test_files_of_both_sides_are_compared_by_name_and_size_as_they_come() -> None:
    reading = FileReading(local=True, remote=True)
    assert reading.table.reading
    first = reading.take_local(Told(files(same=1, other=2, mine=3, link=None)))
    assert {row.state for row in first.rows} == {FileState.NOT_COMPARED}
    second = reading.take_remote(Told(RemoteFiles(files(same=1, other=9, theirs=4, link=None))))
    assert second.step > first.step
    assert {row.name: row.state for row in second.rows} == {
        "link": FileState.SAME_SIZE,
        "mine": FileState.LOCAL_ONLY,
        "other": FileState.DIFFERS,
        "same": FileState.SAME_SIZE,
        "theirs": FileState.REMOTE_ONLY,
    }


def test_a_comparison_of_every_byte_says_more_of_files_whose_sizes_are_the_same() -> None:
    reading = FileReading(local=True, remote=True)
    reading.take_local(Told(files(same=1, other=2, grown=3, mine=4)))
    table = reading.take_remote(Told(RemoteFiles(files(same=1, other=2, grown=9))))
    differences = (
        FileDifference("grown", DifferenceKind.SIZE),
        FileDifference("mine", DifferenceKind.ONLY_LOCAL),
        FileDifference("other", DifferenceKind.BYTES),
    )
    found = Verification(
        tag=Tag("a", "v"),
        equal=False,
        verified=False,
        quick=False,
        files=3,
        differences=differences,
        bytes_compared=3,
        seconds=1.0,
    )
    assert {row.name: row.state for row in with_bytes(table, found).rows} == {
        "grown": FileState.DIFFERS,
        "mine": FileState.LOCAL_ONLY,
        "other": FileState.BYTES_DIFFER,
        "same": FileState.SAME_BYTES,
    }


def test_an_archive_that_cannot_be_listed_leaves_the_local_files_uncompared_and_says_why() -> None:
    version = version_of(local_model("a:v"), remote_model("a:v"))
    reading = FileReading(local=True, remote=True)
    reading.take_local(Told(files(a=1)))
    table = reading.take_remote(Told(NotListed("It is compressed.")))
    assert [row.state for row in table.rows] == [FileState.NOT_COMPARED]
    assert file_notes(version, table) == (("It is compressed.",), False)


def test_notes_say_what_is_read_what_failed_and_what_cannot_be() -> None:
    version = version_of(local_model("a:v"), remote_model("a:v"))
    reading = FileReading(local=True, remote=True)
    words, bad = file_notes(version, reading.table)
    assert not bad
    assert len(words) == 2
    reading.take_local(Told(files(a=1)))
    words, bad = file_notes(version, reading.take_remote(Failed(StoreError("It broke.", hint="Try again."))))
    assert (words, bad) == (("It broke. Try again.",), True)
    failed = version_of(None, remote_model("a:v", status=UploadStatus.FAILED))
    assert "its upload failed" in file_notes(failed, FileTable())[0][0]
    named = version_of(None, remote_model("a:V !"))
    assert "no local store" in file_notes(named, FileTable())[0][0]


def test_the_borders_of_the_files_say_whose_they_are_and_what_a_push_sends() -> None:
    version = version_of(local_model("a:v", size=2000), remote_model("a:v"))
    reading = FileReading(local=True, remote=True)
    reading.take_local(Told(files(a=1, b=2)))
    upper, lower = files_titles(version, reading.take_remote(Told(RemoteFiles(files(a=1, b=3)))))
    assert upper == ("Files  local v  vs  remote v", "1 same size  1 differs")
    assert lower[1].startswith("to send if pushed: 2.0 KiB")


def test_a_failed_upload_is_only_offered_to_who_has_the_files() -> None:
    remote = remote_model("a:v", status=UploadStatus.FAILED, reason="disk full.")
    assert version_words(version_of(local_model("a:v"), remote), Catalog())[0].endswith("disk full; P pushes it again")
    assert "P pushes" not in version_words(version_of(None, remote), Catalog())[0]


# The preview


def beginning(data: bytes, size: int | None = None) -> Beginning:
    return Beginning(data, len(data) if size is None else size)


def test_text_is_numbered_lines_made_harmless() -> None:
    assert text_lines(beginning(b"a\tb\r\n\x1b[31mred\n\n\xe6\xbc\xa2\n")) == ("a   b", "\ufffd[31mred", "", "漢")
    assert text_lines(beginning(b"\xef\xbb\xbfbom")) == ("bom",)
    assert text_lines(beginning(b"")) == ()


def test_a_long_line_is_kept_whole() -> None:
    assert text_lines(beginning(b"x" * 60_000)) == ("x" * 60_000,)


@pytest.mark.parametrize("data", [b"\x00\x01", b"PK\x03\x04\x00", b"\xff\xfe\x00a", b"caf\xe9 au lait"])
def test_what_is_no_text_is_told_from_text(data: bytes) -> None:
    assert text_lines(beginning(data)) is None


def test_a_character_that_the_cut_halves_does_not_make_it_binary() -> None:
    data = "aé漢😀".encode()
    for cut in range(1, len(data)):
        assert text_lines(beginning(data[:cut], len(data))) is not None


# The panes


def test_all_panes_are_seen_on_a_large_terminal() -> None:
    panes = Arrangement()
    panes.fit(120, 40)
    assert panes.shown == (VERSIONS, FACTS, FILES, HISTORY)
    assert panes.step(VERSIONS, -1) == HISTORY
    assert panes.turn(FACTS, 1) == FILES


def test_on_a_small_one_three_share_a_place() -> None:
    panes = Arrangement()
    panes.fit(80, 24)
    assert panes.shown == (VERSIONS, FACTS)
    assert panes.turn(VERSIONS, 1) == VERSIONS
    assert panes.tab == FILES
    assert panes.turn(FILES, 1) == HISTORY
    assert panes.step(HISTORY, 1) == VERSIONS


def test_on_a_low_one_all_do() -> None:
    panes = Arrangement()
    panes.fit(80, 12)
    assert len(panes.shown) == 1
    panes.show(VERSIONS)
    assert panes.shown == (VERSIONS,)
    panes.fit(80, 24)
    assert panes.tab == FACTS


def test_the_first_day_that_there_is_is_no_trouble_west_of_greenwich(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    remote = replace(remote_model("a:v"), build_at=datetime.min.replace(tzinfo=UTC))
    try:
        assert fact(version_of(None, remote), "built") == "-"
    finally:
        monkeypatch.undo()
        time.tzset()
