"""Whether a person still is where they asked for something: a question that comes late must not get other keys."""

from textual.app import App
from textual.widgets import Input


class InFront:
    """Begins when something is asked for; the last wish of several is the one that counts."""

    def __init__(self, app: App[object]) -> None:
        self._app = app
        self._wishes = 0

    def wish(self) -> "Wish":
        """One more wish, made on the screen that is shown now."""
        self._wishes += 1
        return Wish(self._app, self, self._wishes)

    def is_last(self, number: int) -> bool:
        """Whether nothing was wished for since."""
        return number == self._wishes


class Wish:
    """What a person asked for, and where."""

    def __init__(self, app: App[object], wishes: InFront, number: int) -> None:
        self._app = app
        self._screen = app.screen
        self._wishes = wishes
        self._number = number

    @property
    def is_last(self) -> bool:
        """Whether the same person has asked for nothing of the kind since."""
        return self._wishes.is_last(self._number)

    @property
    def has_keys(self) -> bool:
        """Whether its screen has no other above it, and nobody types into a field there."""
        return self._app.screen is self._screen and not isinstance(self._screen.focused, Input)
