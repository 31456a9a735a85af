"""The sentences of the sign-in screen."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelsync.browser_login import GIVE_UP_AFTER_S
from modelsync_tui import text
from modelsync_tui.sign_in import BrowserPage, OrganizationNeeded

if TYPE_CHECKING:
    from modelsync.credentials.yatai import YataiContext

NARROW_BELOW_CELLS = 80
BROWSER = "Open browser to make a token"
BROWSER_SHORT = "Browser"
MAY_NOT_PUSH = (
    "This token may read, not push: it lacks the scope write_organization (or api). "
    "Enter keeps it for reading only; or paste another one."
)
MENU_KEYS = "123456789"
"""The keys of the menu of contexts to import; more of them are not offered."""


def promise(width: int) -> str:
    """What a person may rely on, above the last line."""
    sent = "Nothing is sent until you press Sign in."
    return f"  {sent} The token is never shown or logged." if width >= NARROW_BELOW_CELLS else f"  {sent}"


def keys(enter: str, leave: str, width: int) -> str:
    """The last line."""
    local_only = "browse the local store only" if width >= NARROW_BELOW_CELLS else "offline"
    escape = "back" if leave == "Back" else local_only
    return f" {enter} sign in  Tab next  ^b browser  Esc {escape}  ^q quit"


def waiting(told: str, seconds: float, ellipsis: str) -> str:
    """What is waited for, and since when."""
    counted = f"  {seconds:.0f} s, Esc stops waiting" if seconds >= 1 else ""
    return f"{told}{ellipsis}{counted}"


def page(page: BrowserPage, seconds: float, ellipsis: str) -> str:
    """The page that a person opens, on a line of its own so that it can be copied whole."""
    lead = (
        "Your browser opens this page; confirm there"
        if page.opened
        else "Open this page in any browser, on any machine"
    )
    return (
        f"{lead}:\n{text.literal(page.url)}\n"
        f"If it shows a code, it must be {text.literal(page.code)}\n"
        f"Waiting{ellipsis}  {seconds:.0f} of at most {GIVE_UP_AFTER_S:.0f} s, Esc stops waiting"
    )


def found(contexts: "Sequence[YataiContext]", file: str) -> str:
    """That BentoML kept contexts, and how."""
    tokens = "token" if len(contexts) == 1 else "tokens"
    return f"Found {file}: {text.count_text(len(contexts), 'context')}, {tokens} in plain text."


def found_line(context: "YataiContext") -> str:
    """One of them in a menu."""
    who = f"  {text.literal(context.email)}" if context.email else ""
    return f"{text.literal(context.name)}  {text.literal(context.endpoint)}{who}"


def choose_organization(needed: OrganizationNeeded) -> str:
    """Why the organization is asked for."""
    if needed.reason:
        return f"{text.literal(needed.reason)} Choose one of yours, then sign in."
    return f"You are in {len(needed.names)} organizations: choose where models go, then sign in."
