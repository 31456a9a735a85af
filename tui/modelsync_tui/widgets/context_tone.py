"""The tone of a context's name, so that production looks like production."""

from typing import TYPE_CHECKING

from modelsync_tui.widgets.tones import Tone

if TYPE_CHECKING:
    from modelsync.account import Context


def context_tone(context: "Context") -> Tone:
    """Its own colour in the theme; that of danger stands out also where there are no colours."""
    from modelsync.account import context_color  # there is no context yet when the first frame is drawn

    return Tone(context_color(context))
