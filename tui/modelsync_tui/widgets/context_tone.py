"""The tone of a context's name, so that production looks like production."""

from modelsync.account import Context, context_color
from modelsync_tui.widgets.lines import Tone


def context_tone(context: Context) -> Tone:
    """Its own colour in the theme; that of danger stands out also where there are no colours."""
    return Tone(context_color(context))
