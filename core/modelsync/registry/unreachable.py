"""Why the registry or its object store cannot be reached, or broke off: httpx's errors in a person's words."""

import errno
import socket
import ssl
from collections.abc import Iterator

import httpx

from modelsync.errors import NotARegistryError, TlsError, UnreachableError
from modelsync.http.connecting import goes_through_proxy
from modelsync.registry.words import quoted

TRY_LATER = "Try again in a while."
CHECK_ENDPOINT = "Check the endpoint: it is the address of the registry itself, without a page behind it."

_CERTIFICATE_EXPIRED = 10
_CERTIFICATE_OTHER_NAME = (62, 64)


def unreachable(error: httpx.RequestError, host: str) -> UnreachableError:
    """What a person is told of it; the error names the host and a next step, and is not raised."""
    if isinstance(error, httpx.ConnectError) and _is_of_a_proxy(error):
        return UnreachableError(
            f"The proxy on the way to {host} does not answer.",
            hint="Check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY, or except the host in NO_PROXY.",
        )
    for cause in causes_of(error):
        match cause:
            case ssl.SSLCertVerificationError():
                return _untrusted(cause, host)
            case ssl.SSLError() if cause.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
                return TlsError(f"{host} does not speak https.", hint="Check the port, or use an http:// address.")
            case ssl.SSLError() if not isinstance(cause, ssl.SSLEOFError):
                return TlsError(
                    f"No secure connection to {host} ({quoted(cause.reason or 'TLS failure')}).",
                    hint="Check the endpoint and the proxy.",
                )
            case socket.gaierror():
                return UnreachableError(
                    f"The name {host} is not known.", hint="Check its spelling, the network and the VPN."
                )
            case ConnectionRefusedError():
                return UnreachableError(f"Nothing answers at {host}.", hint="Check that it runs, and the port.")
            case OSError() if cause.errno in (
                errno.ENETUNREACH,
                errno.EHOSTUNREACH,
                errno.ENETDOWN,
                errno.EADDRNOTAVAIL,
            ):
                return UnreachableError(f"There is no way to {host}.", hint="Check the network and the VPN.")
            case _:
                continue
    match error:
        case httpx.ProxyError() if is_sign_in(error):
            return proxy_asks_for_sign_in(host)
        case httpx.ProxyError():
            return UnreachableError(
                f"The proxy does not let through to {host}.", hint="Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY."
            )
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return UnreachableError(
                f"{host} does not answer in time.", hint="Check the network and the VPN, then try again."
            )
        case httpx.TimeoutException():
            return UnreachableError(f"{host} took too long to answer.", hint=TRY_LATER)
        case httpx.ConnectError():
            return UnreachableError(f"{host} cannot be reached.", hint="Check the endpoint and the network.")
        case httpx.DecodingError() | httpx.UnsupportedProtocol() | httpx.TooManyRedirects():
            return NotARegistryError(f"{host} answers, but not as a registry does.", hint=CHECK_ENDPOINT)
        case _:
            return UnreachableError(f"{host} broke off the connection.", hint=TRY_LATER)


def _untrusted(cause: ssl.SSLCertVerificationError, host: str) -> TlsError:
    if cause.verify_code == _CERTIFICATE_EXPIRED:
        return TlsError(
            f"The certificate of {host} has expired.", hint="Ask whoever keeps it; check this machine's clock."
        )
    if cause.verify_code in _CERTIFICATE_OTHER_NAME:
        return TlsError(f"The certificate of {host} is for another name.", hint="Check the endpoint's spelling.")
    return TlsError(
        f"The certificate of {host} is not trusted ({quoted(cause.verify_message)}).",
        hint="If an authority of your own signed it, name its file in the setting ca_file or in SSL_CERT_FILE.",
    )


def _is_of_a_proxy(error: httpx.ConnectError) -> bool:
    """Whether it is the proxy that could not be connected to: a failure beyond it comes as a ProxyError, or by TLS."""
    try:
        proxied = goes_through_proxy(error.request.url)
    except RuntimeError:  # it was not raised by a request
        return False
    return proxied and not any(isinstance(cause, ssl.SSLError) for cause in causes_of(error))


def is_sign_in(error: BaseException) -> bool:
    """Whether a proxy refused a tunnel for want of the right password; asking again may lock the account."""
    return isinstance(error, httpx.ProxyError) and str(error).startswith("407")


def proxy_asks_for_sign_in(host: str) -> UnreachableError:
    """For a 407, whoever answers it."""
    return UnreachableError(
        f"The proxy on the way to {host} asks for a sign-in.",
        hint="Put user and password into HTTPS_PROXY or HTTP_PROXY, special characters in percent form (%40 for @).",
    )


def is_unknown_name(error: BaseException) -> bool:
    """Whether a name was asked for that no server of names will know a moment later either."""
    return any(isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN for cause in causes_of(error))


def causes_of(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it, the last first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
