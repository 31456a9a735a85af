"""The card of the sign-in screen: its fields, what can be chosen, and the sentence at its end."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from modelsync.account import TokenSource
from modelsync.credentials import KeyringStatus
from modelsync.errors import ModelsyncError
from modelsync_tui import glyphs, sign_in_words, text
from modelsync_tui.dialogs.card import bracketed, choice
from modelsync_tui.sign_in import OrganizationNeeded, SignInWish
from modelsync_tui.widgets.keep_pick import KeepPick
from modelsync_tui.widgets.pick import Option, Pick
from modelsync_tui.widgets.tick import Tick
from modelsync_tui.widgets.token_input import TokenInput

if TYPE_CHECKING:
    from modelsync.credentials.yatai import YataiContext


class SignInForm(Vertical):
    """Holds what a person wishes; asks nobody."""

    class Changed(Message):
        """Another account is meant: what was said of the one before no longer holds."""

    class PlaceNamed(Message):
        """A person has left the field of the context or of the endpoint."""

    def __init__(self, first: SignInWish, *, credentials_file: str, yatai_file: str, leave: str, enter: str) -> None:
        """`leave` and `enter`: the word for going on without, and the character or word for the Enter key."""
        super().__init__(id="card")
        self._yatai_file = yatai_file
        self._leave = leave
        self._enter = enter
        self._context_field = Input(first.context, id="context", compact=True, select_on_focus=False)
        self._endpoint_field = Input(first.endpoint, id="endpoint", compact=True, select_on_focus=False)
        self._token_field = TokenInput(id="token")
        self._organization = Pick[str]((), "", id="organization")
        self._keep = KeepPick(credentials_file, id="where")
        self._read_only = Tick("for reading only", "refuses every push", id="read-only")
        self._may_import = False
        self._import_in_the_way = False

    def compose(self) -> ComposeResult:
        self.border_title = Content("Sign in to BentoCloud or another registry")
        yield from _row("field", "Context", bracketed(self._context_field))
        yield from _row("field", "Endpoint", bracketed(self._endpoint_field))
        yield from _row("field", "API token", bracketed(self._token_field))
        yield from _row("picked", "Org", (self._organization,), id="organization-row")
        yield from _row("picked", "Save to", (self._keep,), id="where-row")
        yield from _row("picked", "Use it", (self._read_only,))
        with Horizontal(id="choices"):
            yield choice("Sign in", self._enter, id="sign-in")
            yield choice(sign_in_words.BROWSER, "^b", id="browser")
            yield choice(self._leave, "", id="offline")
        with Vertical(id="import-block"):
            yield Static(id="found", markup=False)
            with Horizontal(id="import-row"):
                yield choice("Import it", "F2", id="import")
                yield Static("The file is only read.", markup=False)
        yield Static(id="message", markup=False)

    # What a person wishes

    @property
    def wish(self) -> SignInWish:
        return SignInWish(
            self._endpoint_field.value.strip(),
            self._context_field.value.strip(),
            self._organization.chosen if self._asks_organization else "",
            self._read_only.on if self._read_only.touched else None,
        )

    @property
    def typed_token(self) -> str:
        return self._token_field.value.strip()

    @property
    def kept_in(self) -> TokenSource:
        """Where the token is to be kept."""
        return self._keep.chosen

    @on(Input.Changed, "#context, #endpoint, #token")
    def _changed(self) -> None:
        self.query_one("#organization-row").display = False
        self._show_import()
        self.post_message(self.Changed())

    @on(Input.Blurred, "#context, #endpoint")
    def _place_left(self) -> None:
        self.post_message(self.PlaceNamed())

    # What it is told

    def fill(self, context: str, endpoint: str) -> None:
        """Puts another account's place into the fields, and empties the token's."""
        self._context_field.value = context
        self._endpoint_field.value = endpoint
        self.forget_token()

    def forget_token(self) -> None:
        self._token_field.value = ""

    def ask_token(self) -> None:
        """Puts the cursor where a token is pasted."""
        self.screen.set_focus(self._token_field)

    def ask_organization(self, needed: OrganizationNeeded) -> None:
        """Shows the organizations to choose from, with the cursor on them."""
        chosen = self._organization.chosen
        self._organization.set_options(
            [Option(name, text.literal(name), "") for name in needed.names],
            chosen if chosen in needed.names else needed.first,
        )
        self.query_one("#organization-row").display = True
        self._show_import()
        self.screen.set_focus(self._organization)

    def suggest_read_only(self, read_only: bool) -> None:
        """What is known of the context, unless a person decided."""
        if not self._read_only.touched:
            self._read_only.set(read_only)

    def make_read_only(self) -> None:
        """The token may not push: ticked as if a person had done it."""
        self._read_only.set(on=True)
        self._read_only.touched = True

    def keyring_seen(self, status: KeyringStatus) -> None:
        self._keep.keyring_seen(status)

    def keyring_failed(self, error: ModelsyncError) -> None:
        self._keep.keyring_failed(error)

    def tick(self) -> None:
        """Counts the seconds that are waited for the keyring."""
        self._keep.tick()

    def offer_import(self, found: "tuple[YataiContext, ...]") -> None:
        """Says that there are contexts of BentoML's."""
        self._may_import = bool(found)
        self.query_one("#found", Static).update(Content(sign_in_words.found(found, self._yatai_file)))
        label = "Import it" if len(found) == 1 else "Import one of them"
        button = self.query_one("#import", Button)
        button.label = Content(f"[ {label}  F2 ]")
        button.refresh(layout=True)
        self._show_import()

    def fit(self, width: int) -> None:
        """Says less where the screen is narrow."""
        words = sign_in_words.BROWSER if width >= sign_in_words.NARROW_BELOW_CELLS else sign_in_words.BROWSER_SHORT
        button = self.query_one("#browser", Button)
        button.label = Content(f"[ {words}  ^b ]")
        button.refresh(layout=True)

    def make_room(self, wanted: bool) -> None:
        """Hides the offer to import while its place is needed."""
        self._import_in_the_way = wanted
        self._show_import()

    def say(self, words: str, *, kind: str = "") -> None:
        """The sentence at the end; `kind` is a class of its look."""
        message = self.query_one("#message", Static)
        message.set_classes(kind)
        message.update(Content(words))

    def mark(self, words: str, *, bad: bool) -> None:
        """The same with the character of what went wrong, or of what needs an eye."""
        characters = glyphs.of(self.app)
        mark, kind = (characters.failed, "-bad") if bad else (characters.differs, "-warn")
        self.say(f"{mark} {words}", kind=kind)

    @property
    def _asks_organization(self) -> bool:
        return bool(self.query_one("#organization-row").display)

    def _show_import(self) -> None:
        in_the_way = self._asks_organization or self._import_in_the_way
        self.query_one("#import-block").display = self._may_import and not in_the_way


def _row(kind: str, label: str, widgets: Iterable[Widget], *, id: str | None = None) -> ComposeResult:
    with Horizontal(classes=kind, id=id):
        yield Static(label, markup=False)
        yield from widgets
