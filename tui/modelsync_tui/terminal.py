"""What is told to the terminal itself: its title, a bell, a desktop notice."""

from collections.abc import Callable, Mapping

from modelsync_tui.text import cut, literal

_ESC, _BELL, _STRING_END = "\x1b", "\x07", "\x1b\\"
_TITLE_CELLS_MAX, _NOTICE_CELLS_MAX = 80, 200
_DEAF_TERMINALS = ("", "dumb", "linux")
"""They would print what they do not understand."""


class TerminalVoice:
    """Writes control sequences that draw nothing; says nothing to terminals that would show them as text."""

    def __init__(self, write: Callable[[str], object], environ: Mapping[str, str], *, title: bool, notify: str) -> None:
        """`write` sends to the terminal; `title` and `notify` are the settings of these names."""
        self._write = write
        self._environ = environ
        deaf = environ.get("TERM", "") in _DEAF_TERMINALS
        self._shows_titles = title and not deaf
        self._notify = "off" if deaf else notify
        self._title = ""
        self.focused: bool | None = None
        """Whether the terminal has the focus; None while it has not said so."""

    def title(self, words: str) -> None:
        """Shows these words as the terminal's title; none of them give back the title that was there before."""
        words = cut(literal(words), _TITLE_CELLS_MAX)
        if not self._shows_titles or words == self._title:
            return
        if not words:
            self._write(f"{_title('')}{_ESC}[23;2t")  # without a memory for titles, at least ours is gone
        else:
            self._write(("" if self._title else f"{_ESC}[22;2t") + _title(words))
        self._title = words

    def call(self, words: str) -> None:
        """Calls a person who looks elsewhere; says nothing to one who has this terminal before them."""
        if self._notify == "off" or self.focused:
            return
        self._write(self._notice(cut(literal(words), _NOTICE_CELLS_MAX)) if self._notify == "desktop" else _BELL)

    def _notice(self, words: str) -> str:
        """OSC 777 for terminals of its family, OSC 9 for all others; through tmux where that is in between."""
        is_777 = "VTE_VERSION" in self._environ or self._environ.get("TERM", "").startswith(("rxvt", "foot"))
        if is_777:
            notice = f"{_ESC}]777;notify;modelsync;{words.replace(';', ',')}{_STRING_END}"
        else:
            notice = f"{_ESC}]9;{words}{_STRING_END}"
        if "TMUX" not in self._environ:
            return notice
        return f"{_ESC}Ptmux;{notice.replace(_ESC, _ESC * 2)}{_STRING_END}"


def _title(words: str) -> str:
    return f"{_ESC}]2;{words}{_BELL}"
