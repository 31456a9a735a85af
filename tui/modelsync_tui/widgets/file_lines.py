"""The files of one transfer as lines, or why there are none."""

from collections.abc import Sequence
from enum import StrEnum

from textual.strip import Strip

from modelsync.queue import TransferRow
from modelsync.transfer.files import FilesNow
from modelsync_tui import glyphs
from modelsync_tui.widgets.file_rows import file_counts, file_head, file_line
from modelsync_tui.widgets.following import FollowingLines
from modelsync_tui.widgets.lines import Piece, Tone
from modelsync_tui.widgets.transfer_rows import WIDE_CELLS
from modelsync_tui.widgets.transfer_story import story_lines


class FilesShown(StrEnum):
    """Which files get a line."""

    ALL = "all"
    ACTIVE = "active"
    """Those that are being moved."""


class FileLines(FollowingLines, can_focus=False):
    """The files of one transfer in the order of its archive, a line each; only visible ones are worked out."""

    def __init__(self) -> None:
        super().__init__(id="files")
        self._row: TransferRow | None = None
        self._shown: Sequence[int] = ()
        """Which of the files have a line."""
        self.which = FilesShown.ALL

    def show(self, row: TransferRow | None) -> None:
        """Looks at another transfer, or at a later moment of it."""
        if row is None or self._row is None or row.id != self._row.id:
            self.look_anew()
        self._row = row
        files = self._files
        if files is None:
            self._shown = ()
        else:
            self._shown = range(len(files)) if self.which is FilesShown.ALL else files.moving
        self.lines_changed()
        if files is not None and files.moving and self.which is FilesShown.ALL:
            self.follow(files.moving[0] + self._heads)

    def show_others(self) -> None:
        """All, or those that are being moved."""
        self.which = FilesShown.ACTIVE if self.which is FilesShown.ALL else FilesShown.ALL
        self.look_anew()
        self.show(self._row)

    def title(self) -> tuple[str, str]:
        """For the upper border: the transfer, and its files counted."""
        if self._row is None:
            return "Files", ""
        files = self._files
        subject = f"Files  {self._row.request.direction} {self._row.request.tag}"
        return subject, file_counts(files) if files is not None else ""

    def lower_title(self) -> tuple[str, str]:
        """For the lower border: which files have a line, and the keys that change it."""
        shown = "/".join(f"[{which}]" if which is self.which else which for which in FilesShown)
        return "", f"v {shown}  f parts" if self._files is not None else "f parts"

    def line_count(self) -> int:
        if story := self._story():
            return len(story)
        return len(self._shown) + self._heads if self._shown else 1

    def render_line(self, y: int) -> Strip:
        if y == 0 and self._heads and self._shown and not self._story():  # whatever is scrolled, the heads stay
            width = self.scrollable_content_region.width
            return self.strip((file_head(width, glyphs.of(self.app)),), width)
        return super().render_line(y)

    def line(self, index: int, width: int) -> Sequence[Piece]:
        if story := self._story():
            return (story[index],)
        files = self._files
        if files is None or not self._shown:
            return ((f" No file is {self.which} now.  v shows all.", Tone.MUTED),)
        characters = glyphs.of(self.app)
        if index < self._heads:
            return (file_head(width, characters),)
        return file_line(files[self._shown[index - self._heads]], width, characters)

    @property
    def _files(self) -> FilesNow | None:
        return self._row.progress.files if self._row is not None else None

    @property
    def _heads(self) -> int:
        return 1 if self.size.width >= WIDE_CELLS else 0

    def _story(self) -> Sequence[Piece]:
        return story_lines(self._row, "files", there=bool(self._files), width=self.size.width)
