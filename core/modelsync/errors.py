"""Every error the engine raises, as one tree.

    ModelsyncError
      UsageError                what was asked cannot be (exit code 2)
        InvalidTagError         not a tag by BentoML's rules
        SettingsError           a setting is unknown or has a bad value
      AuthenticationError       no account, or the registry refused it (exit code 3)
        NotSignedInError        no account is kept and none is in the environment
        TokenRefusedError       401, or 403 without a view on the organization
        PermissionDeniedError   the token lacks a scope, or the store's URL was refused twice
        KeyringError            the OS keyring is missing, locked or silent
      NotFoundError             (exit code 4)
        LocalModelNotFoundError
        RemoteModelNotFoundError
      UnreachableError          registry or object store cannot be reached (exit code 5)
        TlsError                its certificate is not trusted
        NotARegistryError       something else answers there (HTML, wrong path)
        RegistryUnavailableError  it answers, but with trouble (5xx, storage trouble)
        AnswerLostError         what was asked may have been done: its answer never came
      TransferError             a push or pull failed (exit code 1)
        PartError               one part could not be moved after its retries
        IntegrityError          bytes arrived that are not the ones that were sent
          ArchiveError          the archive is cut, malformed or not the model asked for
          UnsafeArchiveError    the archive holds a member that must not be written
        RemoteChangedError      the object changed while it was read
        SourceChangedError      a local file changed while it was sent
        UploadInProgressError   someone else is uploading this version
        RegistryRefusedError    the registry said no to a request (400)
          UploadGoneError       the store does not know the multipart upload, or all its parts (any more)
      StoreError                the local store cannot be read or written (exit code 1)
        NoSpaceError            not enough room on disk
        StoreLockedError        another process works on this version
        BrokenModelError        model.yaml is missing or unreadable
      Cancelled                 a person stopped it (exit code 130)
        StillUploadingError     ... and the registry could not be told

A message is one sentence for a person; `hint` is the next step. Errors of httpx, the OS, tarfile, YAML and keyring
become these in one place each, always `from exc`.
"""

from typing import ClassVar, Self


class ModelsyncError(Exception):
    """Anything the engine can say no with; `exit_code` is the command's."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def sentence(self) -> str:
        """The message and the next step, on one line."""
        return f"{self.message} {self.hint}".rstrip()


class UsageError(ModelsyncError):
    """What was asked cannot be."""

    exit_code: ClassVar[int] = 2


class InvalidTagError(UsageError):
    """Not a tag by BentoML's rules (registry contract 5.2)."""


class SettingsError(UsageError):
    """A setting is unknown or has a value that is not allowed."""


class AuthenticationError(ModelsyncError):
    """No account, or the registry refused it."""

    exit_code: ClassVar[int] = 3


class NotSignedInError(AuthenticationError):
    """No account is kept and none is in the environment."""


class TokenRefusedError(AuthenticationError):
    """The registry does not know the token, or it has expired."""


class PermissionDeniedError(AuthenticationError):
    """The token is known but may not do this."""


class KeyringError(AuthenticationError):
    """The OS keyring is missing, locked or does not answer."""


class NotFoundError(ModelsyncError):
    """What was asked for is not there."""

    exit_code: ClassVar[int] = 4


class LocalModelNotFoundError(NotFoundError):
    """The local store has no such model."""


class RemoteModelNotFoundError(NotFoundError):
    """The registry has no such model."""


class UnreachableError(ModelsyncError):
    """The registry or its object store cannot be reached."""

    exit_code: ClassVar[int] = 5


class TlsError(UnreachableError):
    """The other side's certificate is not trusted."""


class NotARegistryError(UnreachableError):
    """Something answers at the endpoint, but not a registry (registry contract 1.0: HTML with 200)."""


class RegistryUnavailableError(UnreachableError):
    """The registry answers, but with trouble of its own; trying again may help."""


class AnswerLostError(UnreachableError):
    """A request that must not be made twice blindly may have been done: its answer never came. Look what is there."""


class TransferError(ModelsyncError):
    """A push or pull failed."""


class PartError(TransferError):
    """One part could not be moved, after its retries."""


class IntegrityError(TransferError):
    """Bytes arrived that are not the ones that were sent."""


class ArchiveError(IntegrityError):
    """The archive is cut, malformed, or not the model that was asked for."""


class UnsafeArchiveError(IntegrityError):
    """The archive holds a member that must not be written; the message names it."""


class RemoteChangedError(TransferError):
    """The object in the registry's store changed while it was read."""


class SourceChangedError(TransferError):
    """A local file changed while it was sent; the message names it."""


class UploadInProgressError(TransferError):
    """Someone began to upload this version a short while ago."""


class RegistryRefusedError(TransferError):
    """The registry said no to a request (400), in its own words."""


class UploadGoneError(RegistryRefusedError):
    """The object store does not know the multipart upload: it was completed, dropped or never begun (contract 3.2).

    Or it does not have all parts that it had confirmed.
    """


class StoreError(ModelsyncError):
    """The local store cannot be read or written."""


class NoSpaceError(StoreError):
    """Not enough room on disk."""


class StoreLockedError(StoreError):
    """Another process works on this version; the message says which."""


class BrokenModelError(StoreError):
    """A model directory without a readable model.yaml."""


class Cancelled(ModelsyncError):  # noqa: N818 - it is a person's wish, not a fault
    """A person stopped it."""

    exit_code: ClassVar[int] = 130

    def __init__(self, message: str = "Cancelled.", *, hint: str = "") -> None:
        super().__init__(message, hint=hint)


class Interrupted(Cancelled):
    """The program was told to end: what a pull has fetched stays, so that the next run goes on from it."""

    def __init__(self) -> None:
        super().__init__("Interrupted.", hint="Start the same command again to go on.")


class StillUploadingError(Cancelled):
    """A person stopped a push, but the registry does not know: others are told that it is still uploading."""

    @classmethod
    def of(cls, tag: str, cause: ModelsyncError) -> Self:
        """`cause` is why the registry could not be told."""
        return cls(
            f"{tag} is cancelled, but the registry could not be told: {cause.message}",
            hint="It says uploading for an hour. Push it again, or cancel it again, when the registry answers.",
        )
