"""Where a token is to be kept: the choice, and what is known of the keyring so far."""

import time

from modelsync.account import TokenSource
from modelsync.credentials import KeyringStatus
from modelsync.errors import ModelsyncError
from modelsync_tui.sign_in import KEYRING_LOOK_S
from modelsync_tui.widgets.pick import Option, Pick


class KeepPick(Pick[TokenSource]):
    """The keyring where there is one, unless a person chose; until it is found, the seconds are counted."""

    def __init__(self, credentials_file: str, *, id: str) -> None:
        """`credentials_file` is what a person reads of the path of the file for tokens."""
        self._file = f"0600  {credentials_file}".rstrip()
        self._status: KeyringStatus | None = None
        self._since = time.monotonic()
        super().__init__(self._places(), TokenSource.SESSION, id=id)

    def keyring_seen(self, status: KeyringStatus) -> None:
        """The keyring has answered."""
        self._status = status
        if self.is_attached:
            take = status.usable and not self.touched
            self.set_options(self._places(), TokenSource.KEYRING if take else self.chosen)

    def keyring_failed(self, error: ModelsyncError) -> None:
        """Looking for it went wrong, which says the same."""
        self.keyring_seen(KeyringStatus(usable=False, name="", reason=error.message))

    def tick(self) -> None:
        """Counts the seconds while the keyring is looked for."""
        if self._status is None:
            self.set_options(self._places(), self.chosen)

    def _places(self) -> tuple[Option[TokenSource], ...]:
        status = self._status
        if status is None:
            seconds = min(time.monotonic() - self._since, KEYRING_LOOK_S)
            words = f"looking, {seconds:.0f} of at most {KEYRING_LOOK_S:.0f} s"
        else:
            words = status.name if status.usable else status.reason
        return (
            Option(TokenSource.KEYRING, "System keyring", words, enabled=status is not None and status.usable),
            Option(TokenSource.SESSION, "Only this session", "forgotten when you quit"),
            Option(TokenSource.FILE, "File, plain text", self._file),
        )
