"""What is typed, one thing after the other: the next key waits until the one before it has done what it does.

How it works: Textual hands a key to what has the focus and takes the next one at once, while the first still climbs
from queue to queue up to the binding that acts on it. Of keys that come together, because the screen was busy or a
program types for its person, the later ones so went where the focus had been: a token behind Tab into the field before
it, the letters behind `/` to the list, as commands. Here a fence follows each key on its way, and what comes meanwhile
is kept until the fence is back; where the key has opened a screen, until that screen has begun.
"""

import asyncio
from collections import deque

from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.screen import Screen

STUCK_AFTER_S = 0.5
"""A fence can be lost with a widget that is removed, and a handler may take long: typing goes on all the same."""


class TypedInOrder(App[object], inherit_bindings=False):
    """An application whose keys and pastes act one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: deque[events.Key | events.Paste] = deque()
        self._fence: _Fence | None = None
        """The one that is under way."""

    async def on_event(self, event: events.Event) -> None:
        """Textual's, which may be called again for the same event when it has climbed up to here."""
        if isinstance(event, _Fence):
            event.stop()
            await self._is_back(event)
        elif isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            self._kept.append(event)
            if self._fence is None:
                await self._take_next()
        else:
            await super().on_event(event)

    async def _take_next(self) -> None:
        """Lets what was typed first act, and sends a fence behind it."""
        while self._kept and self._fence is None:
            event = self._kept.popleft()
            target: MessagePump = self.focused or self.screen
            screen = self.screen
            await super().on_event(event)
            self._send(target if event.is_forwarded else self.screen, screen)

    def _send(self, target: MessagePump, screen: Screen[object]) -> None:
        fence = _Fence(screen)
        if target.post_message(fence):
            self._fence = fence
            asyncio.get_running_loop().call_later(STUCK_AFTER_S, self._give_up, fence)

    def _give_up(self, fence: "_Fence") -> None:
        if self._fence is fence:
            self.post_message(fence)

    async def _is_back(self, fence: "_Fence") -> None:
        if self._fence is not fence:
            return  # it was waited for long enough
        self._fence = None
        if self.screen is not fence.screen:
            self._send(self.screen, self.screen)  # a screen's focus is set by what is in its queue already
        await self._take_next()


class _Fence(events.Event, bubble=True):
    """Climbs behind a key, from queue to queue."""

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__()
        self.screen = screen
        """The one that was seen when the key was typed."""
