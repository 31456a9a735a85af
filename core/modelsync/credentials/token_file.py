"""The file of tokens in plain text, for the person who chose it; mode 0600, or it is not read."""

import json
import stat
from collections.abc import Mapping
from pathlib import Path

from modelsync.account import Context, Token
from modelsync.errors import AuthenticationError
from modelsync.paths import write_private

_NOTE = "Tokens in plain text: whoever reads this file can use them."


class TokenFile:
    """Tokens by endpoint and context."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, context: Context) -> Token | None:
        """The token of a context, or None; raises AuthenticationError when others could have read the file."""
        secret = self._read().get(_key(context))
        return Token(secret) if secret else None

    def set(self, context: Context, token: Token) -> None:
        """Keeps a token; raises AuthenticationError."""
        self._write({**self._read(), _key(context): token.reveal()})

    def delete(self, context: Context) -> None:
        """Removes a token, and the file with the last one; raises AuthenticationError."""
        tokens = self._read()
        if _key(context) in tokens:
            self._write({key: secret for key, secret in tokens.items() if key != _key(context)})

    def _read(self) -> Mapping[str, str]:
        try:
            if stat.S_IMODE(self.path.stat().st_mode) & 0o077:
                raise AuthenticationError(
                    f"Others can read {self.path}, which holds tokens.",
                    hint=f"Run chmod 600 {self.path}, and make new tokens if this machine is shared.",
                )
            data = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as exc:
            raise AuthenticationError(f"{self.path} cannot be read ({exc.strerror}).") from exc
        except ValueError:
            raise self._unreadable() from None  # the parser's own error would quote the file
        tokens = data.get("tokens") if isinstance(data, dict) else None
        if not isinstance(tokens, dict):
            raise self._unreadable()
        return {str(key): secret for key, secret in tokens.items() if isinstance(secret, str)}

    def _write(self, tokens: Mapping[str, str]) -> None:
        try:
            if tokens:
                write_private(self.path, json.dumps({"note": _NOTE, "tokens": dict(tokens)}, indent=2) + "\n")
            else:
                self.path.unlink(missing_ok=True)
        except OSError as exc:
            raise AuthenticationError(
                f"{self.path} cannot be written ({exc.strerror}).",
                hint="Make room, set MODELSYNC_CONFIG_DIR to a place you may write to, or use no file: "
                "the screen keeps a token for its session, the command takes that of BENTO_CLOUD_API_KEY.",
            ) from exc

    def _unreadable(self) -> AuthenticationError:
        return AuthenticationError(
            f"{self.path} does not hold tokens as expected.", hint="Move it away, sign in again."
        )


def _key(context: Context) -> str:
    return f"{context.endpoint} {context.name}"
