"""Mail servers that accept everything, each in a separate process, for both sides."""

import asyncio
import logging
import multiprocessing
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from types import TracebackType

from aiosmtpd.smtp import SMTP, Envelope, Session

END = b"\r\n.\r\n"
GREETING = b"220 sink ESMTP\r\n"
EHLO = b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 10000000\r\n"
OK = b"250 OK\r\n"


class _Session(asyncio.Protocol):
    def __init__(self, sink: "Sink") -> None:
        self.sink = sink
        self.buffer = bytearray()
        self.in_mail = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.sink.connections.value += 1
        transport.write(GREETING)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        answers = []
        while (answer := self._next_answer()) is not None:
            answers.append(answer)
        if answers:
            self.transport.write(b"".join(answers))

    def _next_answer(self) -> bytes | None:
        """Return the response to the first command in the buffer; None if it is incomplete."""
        mark = END if self.in_mail else b"\r\n"
        end = self.buffer.find(mark)
        if end < 0:
            return None
        verb = b"." if self.in_mail else bytes(self.buffer[:4]).upper()
        del self.buffer[: end + len(mark)]
        self.in_mail = verb == b"DATA"
        if verb == b".":
            self.sink.count.value += 1
        return {b"EHLO": EHLO, b"DATA": b"354 Go on\r\n", b"QUIT": b"221 Bye\r\n"}.get(verb, OK)


class Sink:
    """A minimal server: it finds the end of an email, and accepts it.

    Counts emails since `clear`, and all connections.
    """

    def __init__(self) -> None:
        context = multiprocessing.get_context("fork")
        self.count: Synchronized[int] = context.Value("i", 0, lock=False)
        self.connections: Synchronized[int] = context.Value("i", 0, lock=False)
        self._port: Synchronized[int] = context.Value("i", 0, lock=False)
        self._ready: Event = context.Event()
        self._process = context.Process(target=self._serve, daemon=True)

    def __enter__(self) -> "Sink":
        self._process.start()
        self._ready.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        self._process.join()

    @property
    def port(self) -> int:
        return self._port.value

    def clear(self) -> None:
        self.count.value = 0

    def _serve(self) -> None:
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        server = await asyncio.get_running_loop().create_server(self._session, "127.0.0.1", 0)
        self._port.value = server.sockets[0].getsockname()[1]
        self._ready.set()
        await server.serve_forever()

    def _session(self) -> asyncio.BaseProtocol:
        return _Session(self)


class WholeServer(Sink):
    """A standards-compliant server: aiosmtpd, which parses and checks every command and line."""

    def _session(self) -> asyncio.BaseProtocol:
        self.connections.value += 1
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        return SMTP(self, hostname="sink")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (its name)
        self.count.value += 1
        return "250 OK"
