"""One connection to a server."""

import http.client

from modelsync.http.whole_head import WholeHeadResponse


class Connection(http.client.HTTPConnection):
    """Sends the head of a request together with a body that is known as a whole.

    `http.client` sends one after the other, and each wakes the server.
    """

    response_class = WholeHeadResponse
    whole_body = b""
    """Goes out with the next head."""

    def send(self, data: object) -> None:
        body, self.whole_body = self.whole_body, b""
        super().send(data + body if isinstance(data, bytes) and body else data)  # type: ignore[arg-type]
