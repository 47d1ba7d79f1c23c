"""How long the head of a request may be: the parser keeps whatever comes, and one client could fill the memory."""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from backend.telemetry.logs import get_logger

HEAD_BYTES = 65_536  # an address, a token, cookies and a trace's context together are far below
_SENTENCE = (
    "L'en-tête de la requête est trop long : 64 Ko au plus.\nThe head of the request is too long: 64 kB at most.\n"
).encode()
_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%s" % (len(_SENTENCE), _SENTENCE)
)
log = get_logger("filage.access")


class BoundedHeads(HttpToolsProtocol):
    """uvicorn's protocol, which answers 431 to whoever sends more than HEAD_BYTES beside a body, and hangs up."""

    _head = 0  # bytes of the address and the headers that were read
    _beside = 0  # bytes received beside bodies: a header without an end, trailers, the sizes of chunks

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():  # what was on its way when it was refused
            return
        self._beside += len(data)
        super().data_received(data)
        if self._beside > HEAD_BYTES and not self.transport.is_closing():
            self._refuse()

    def on_message_begin(self) -> None:
        self._head = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        self._beside -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._beside = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        if self._head > HEAD_BYTES:
            self._refuse()
        else:
            super().send_400_response(msg)

    def _count(self, number: int) -> None:
        self._head += number
        if self._head > HEAD_BYTES:
            raise httptools.HttpParserError  # nothing more is read, and uvicorn calls send_400_response

    def _refuse(self) -> None:
        log.warning("head_too_large", most_bytes=HEAD_BYTES)
        self.transport.write(_REFUSAL)
        self.transport.close()
