"""Screens that close once, whatever is still on its way to them.

How it works: Textual's `dismiss` takes the uppermost screen away, whichever that is. Keys that come in a burst, or a
screen that was opened above, make that another one than the screen that is meant. So a screen that was closed already
does nothing, and one with another above it waits until that is gone.
"""

from textual import events
from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, Screen, ScreenResultType


class ClosesOnce(Screen[ScreenResultType]):
    """A screen whose `dismiss` is about itself alone."""

    _late: tuple[ScreenResultType | None] | None = None
    """The answer that waits until this screen is the uppermost again."""

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Closes this screen with its answer; the first one counts."""
        if self.is_active:
            return super().dismiss(result)
        if self._late is None and self in self.app.screen_stack:
            self._late = (result,)
        return AwaitComplete()

    def on_screen_resume(self, _: events.ScreenResume) -> None:
        if self._late is not None:
            (result,), self._late = self._late, None
            self.dismiss(result)


class ModalClosesOnce(ModalScreen[ScreenResultType], ClosesOnce[ScreenResultType]):
    """The same over another screen. Textual looks for styles along the first base only, so that must be its own."""
