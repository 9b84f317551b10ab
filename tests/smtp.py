"""A real SMTP server for tests, in a separate thread, with rules for each stage of an email.

    with MailServer() as server:
        server.at("RCPT", lambda envelope: "550 5.1.1 No such user")
        server.at("DATA", lambda envelope: SILENT)

Stages are the commands that a server responds to: MAIL, RCPT and DATA (after the whole email). A rule returns None to
accept, a response line, Slow(seconds), SILENT (never respond) or DROP (close the connection).
"""

import asyncio
import email
import email.policy
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from enum import Enum
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


class Mute(Enum):
    SILENT = "silent"
    DROP = "drop"


SILENT = Mute.SILENT
DROP = Mute.DROP


@dataclass(frozen=True)
class Slow:
    seconds: float


Rule = Callable[[Envelope], "str | Mute | Slow | None"]


class MailServer:
    """Listens on 127.0.0.1. `emails` are the accepted ones, even if the client did not get the response."""

    def __init__(self, *, pipelining: bool = True) -> None:
        self.port = 0  # the same port after a restart
        self.emails: list[EmailMessage] = []
        self.recipients: list[str] = []  # of the envelopes, in the same order
        self.connections = 0
        self.asked: Counter[str] = Counter()  # how often each stage was reached
        self.refusals = 0  # how often it refused permanently (5xx)
        self._pipelining = pipelining
        self._rules: dict[str, Rule] = {}

    def __enter__(self) -> "MailServer":
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(self._loop.create_server(self._connection, "127.0.0.1", self.port))
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Refuse connections from now on, and drop those that are open."""
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _hang_up(self) -> None:
        self._server.close()
        clients = asyncio.all_tasks() - {asyncio.current_task()}
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    def at(self, stage: str, rule: Rule) -> None:
        self._rules[stage] = rule

    def behave(self) -> None:
        """Accept everything again."""
        self._rules.clear()

    @property
    def times_received(self) -> Counter[str]:
        """Return how often each Message-ID was received."""
        return Counter(str(mail["Message-ID"]) for mail in self.emails)

    # --- aiosmtpd's side ----------------------------------------------------------------------------

    def _connection(self) -> SMTP:
        self.connections += 1
        return SMTP(self, hostname="mail.test", loop=self._loop, data_size_limit=10_000_000)

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [responses[0], "250-PIPELINING", *responses[1:]] if self._pipelining else responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._obey("MAIL", server, envelope)
        if answer is None:
            envelope.mail_from = address
        return answer or "250 2.1.0 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)  # for the rule to see
        answer = await self._obey("RCPT", server, envelope)
        if answer is not None:
            envelope.rcpt_tos.remove(address)
        return answer or "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return await self._obey("DATA", server, envelope) or "250 2.0.0 Taken"

    async def _obey(self, stage: str, server: SMTP, envelope: Envelope) -> str | None:
        """Apply the stage's rule. Returns the response line, or None to accept."""
        self.asked[stage] += 1
        rule = self._rules.get(stage)
        wish = rule(envelope) if rule else None
        self.refusals += isinstance(wish, str) and wish.startswith("5")
        if stage == "DATA" and not isinstance(wish, str):
            self.emails.append(_parse(envelope.content))
            self.recipients += envelope.rcpt_tos
        if isinstance(wish, Slow):
            await asyncio.sleep(wish.seconds)
            return None
        if wish is SILENT:
            await asyncio.Event().wait()
        if wish is DROP:
            assert server.transport is not None
            server.transport.abort()
            await asyncio.Event().wait()
        return wish if isinstance(wish, str) else None


def _parse(content: Any) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message
