"""What every connection begins with: the certificates that are trusted, and whether a proxy stands between.

One rule for the registry and for its object store, so that what works for one does not fail for the other.
"""

import os
import ssl
import urllib.request
from contextlib import suppress
from ipaddress import ip_address, ip_network
from pathlib import Path

import httpx

from modelsync.errors import SettingsError

PORTS = {"http": 80, "https": 443}
"""Where no port is named."""


def tls_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """Trusts the public authorities and this machine's own, or, with SSL_CERT_FILE or SSL_CERT_DIR, those there.

    The authorities in `ca_file` (PEM) are trusted beside them. Raises SettingsError for certificates that cannot be
    read.
    """
    try:
        context = httpx.create_ssl_context()
    except OSError as exc:  # ssl.SSLError is one
        raise SettingsError(
            "The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read.",
            hint="Let it name a file of PEM certificates, or unset it.",
        ) from exc
    if not (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")):
        context.load_default_certs()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as exc:
            raise SettingsError(
                f"The certificates in {ca_file} cannot be read.", hint="ca_file names a file of PEM certificates."
            ) from exc
    return context


def is_loopback(name: str) -> bool:
    """Whether a host is this machine itself, by its name or number alone."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def goes_through_proxy(url: httpx.URL) -> bool:
    """Whether HTTP_PROXY, HTTPS_PROXY or ALL_PROXY stand between here and there, and NO_PROXY does not except it.

    Never for this machine itself: what may go unencrypted because it does not leave it must not be sent to a proxy.
    """
    if is_loopback(url.host):
        return False
    proxies = urllib.request.getproxies()
    if not (proxies.get(url.scheme) or proxies.get("all")):
        return False
    if _is_excepted(url.host, proxies.get("no", "")):
        return False
    return not urllib.request.proxy_bypass(f"{url.host}:{url.port or PORTS.get(url.scheme)}")


def _is_excepted(host: str, no_proxy: str) -> bool:
    """Whether NO_PROXY names it in a form that `urllib` does not read, but curl, Go and what is set up for them do.

    That is a network (10.0.0.0/8), an address in brackets, or a domain with a star (*.example.com).
    """
    for entry in (word.strip().lower() for word in no_proxy.split(",")):
        if entry.startswith("*.") and host.endswith(entry[1:]):
            return True
        with suppress(ValueError):  # one of the two is a name
            if ip_address(host) in ip_network(entry.strip("[]"), strict=False):
                return True
    return False


def proxy_for(url: httpx.URL) -> str:
    """The proxy's address as the environment gives it, for a URL that `goes_through_proxy`; it may hold a password."""
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all", "")
    return proxy if "://" in proxy else f"http://{proxy}"


def unusable_proxy() -> SettingsError:
    """Nobody here could use what the environment names (SOCKS needs a library that is not ours)."""
    return SettingsError(
        "The proxy that the environment names cannot be used.",
        hint="An HTTP proxy can, a SOCKS proxy cannot: let HTTPS_PROXY be like http://host:port, with a password's "
        "special characters in percent form (%23 for #), and unset ALL_PROXY.",
    )


UNUSABLE_PROXY = (ImportError, ValueError, httpx.InvalidURL)
"""What is raised for a proxy that cannot be used."""
