"""Both ends of TLS: a server's context and that of a client who trusts it."""

import ssl
from functools import cache
from tempfile import NamedTemporaryFile

from support.certificates import GOOD_PEM, KEY_PEM


@cache
def server_end(certificate_pem: str = GOOD_PEM) -> ssl.SSLContext:
    """For a server on 127.0.0.1 or localhost, or wherever this certificate of `support.certificates` is for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(KEY_PEM + certificate_pem)
        file.flush()
        context.load_cert_chain(file.name)
    return context


@cache
def client_end(certificate_pem: str = GOOD_PEM) -> ssl.SSLContext:
    """Trusts that server and nobody else."""
    return ssl.create_default_context(cadata=certificate_pem)
