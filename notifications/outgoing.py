"""A reused connection to the mail server, and the meaning of its responses for an email.

For SMTP, this module implements the protocol itself, on the connection that Django's backend opens and authenticates.
This distinguishes a refused recipient from a broken connection, limits the time of each email to MAIL_TIMEOUTS, and
sends commands together if the server supports it (PIPELINING, RFC 2920). Any other backend (a provider's API, a file)
is used as it is.
"""

import smtplib
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.utils.translation import gettext as _

from notifications.mime import compose, envelope_address

# The maximum time for one email on an open connection, as a multiple of EMAIL_TIMEOUT.
MAIL_TIMEOUTS = 2.5
# A server that has received the whole email gets longer than EMAIL_TIMEOUT to confirm it: an email that is given up
# here is sent again, and may then arrive twice (RFC 5321, 4.5.3.2.6).
FINAL_ANSWER_TIMEOUTS = 2.0
GOODBYE_SECONDS = 2.0
CLOSING = 421  # "service not available, closing": about the connection, for any command
# Final responses about the session, not about the email: commands out of order (RFC 5321), the login (RFC 4954).
ABOUT_THE_SESSION = (503, 530, 534, 535, 538)


class RefusedError(Exception):
    """The server will never accept this email (5xx). Contains its response."""


class TryLaterError(Exception):
    """The server doesn't accept this email now (4xx). Contains its response."""


@dataclass(eq=False)
class BrokenConnectionError(Exception):
    """The connection could not be opened, or broke. Nothing is known to be wrong with the email.

    `opened` is false if no email can be sent now. `body_sent`: the whole email was sent, so the server may have it.
    """

    words: str
    opened: bool = True
    timed_out: bool = False
    body_sent: bool = False

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True)
class ReadyEemail:
    """An email as bytes: sending it can only fail because of the server."""

    email: EmailMultiAlternatives
    sender: str
    recipient: str
    data: bytes


def ready(email: EmailMultiAlternatives) -> ReadyEemail:
    """Convert an email to bytes. Raises ValueError if that isn't possible, for example with a newline in a header."""
    return ReadyEemail(
        email=email,
        sender=envelope_address(email.from_email),
        recipient=envelope_address(email.to[0]),
        data=compose(email),
    )


class Outgoing:
    """A connection that is opened for the first email and reused for all others; a context manager."""

    def __init__(self) -> None:
        self._backend: Any = get_connection()
        self._speaks_smtp = isinstance(self._backend, EmailBackend)
        self._served = 0  # emails sent on this connection

    def __enter__(self) -> "Outgoing":
        return self

    def __exit__(self, *_error: object) -> None:
        if not self._speaks_smtp:
            self._backend.close()
        elif self._backend.connection is not None:
            with suppress(OSError):  # the emails were sent, so closing may fail
                self._backend.connection.sock.settimeout(GOODBYE_SECONDS)
                self._backend.connection.quit()
            self._drop()

    def open(self) -> None:
        """Open the connection unless it is open. Raises BrokenConnectionError."""
        try:
            if self._backend.open() and self._speaks_smtp:
                self._backend.connection.ehlo_or_helo_if_needed()
        except OSError as error:  # smtplib's exceptions are OSErrors too
            self._drop()
            words = _("The mail server can’t be reached: %(reason)s") % {"reason": _words(error)}
            raise BrokenConnectionError(words, opened=False, timed_out=_is_timeout(error)) from error

    def send(self, email: ReadyEemail) -> None:
        """Send the email; returns when the server has accepted it.

        Raises RefusedError, TryLaterError or BrokenConnectionError.
        """
        if not self._speaks_smtp:
            self._send_by_backend(email)
            return
        reused = self._served > 0
        ends_at = time.monotonic() + MAIL_TIMEOUTS * settings.EMAIL_TIMEOUT
        try:
            self._send_by_smtp(email, ends_at)
        except BrokenConnectionError as broken:
            # Servers close a connection after some emails or seconds, which says nothing about the next email.
            if not reused or not broken.opened or broken.timed_out or broken.body_sent:
                raise
            self._send_by_smtp(email, ends_at)

    def _send_by_backend(self, email: ReadyEemail) -> None:
        try:
            self._backend.send_messages([email.email])
        except OSError as error:  # smtplib's exceptions are OSErrors too
            self._drop()
            raise BrokenConnectionError(_words(error), timed_out=_is_timeout(error)) from error
        except Exception as error:  # a provider's package has its own exceptions
            raise TryLaterError(_words(error)) from error

    def _send_by_smtp(self, email: ReadyEemail, ends_at: float) -> None:
        self.open()
        smtp: smtplib.SMTP = self._backend.connection
        transaction = _Transaction(smtp, email, ends_at)
        try:
            transaction.run()
        except OSError as error:
            self._drop()
            raise BrokenConnectionError(
                _words(error), timed_out=_is_timeout(error), body_sent=transaction.body_sent
            ) from error
        except BrokenConnectionError:
            self._drop()
            raise
        except (RefusedError, TryLaterError):
            self._reset()
            raise
        self._served += 1

    def _reset(self) -> None:
        """Reset the connection after a refused email, or reconnect if the server can't do that."""
        try:
            code, _reply = self._backend.connection.rset()
        except OSError:
            code = 0
        if code != 250:
            self._drop()

    def _drop(self) -> None:
        """Close without QUIT, because an unresponsive server would make us wait again.

        The backend is replaced, too, because it may hold a half-open connection.
        """
        self._served = 0
        if not self._speaks_smtp:
            self._backend.close()
            return
        if self._backend.connection is not None:
            self._backend.connection.close()
        self._backend = get_connection()


class _Transaction:
    """One email over an open connection: MAIL, RCPT, DATA, the email, the final dot."""

    def __init__(self, smtp: smtplib.SMTP, email: ReadyEemail, ends_at: float) -> None:
        self.smtp = smtp
        self.email = email
        self.body_sent = False
        self._ends_at = ends_at

    def run(self) -> None:
        commands = [self._mail_command(), f"RCPT TO:<{self.email.recipient}>", "DATA"]
        ask = self._ask_together if self.smtp.has_extn("pipelining") else self._ask_one_by_one
        replies = ask(commands)
        code, reply = replies[-1]
        problem = next((answer for answer in replies[:-1] if answer[0] not in (250, 251)), None)
        if problem is None and code == 354:
            self._send_body()
            return
        if code == 354:  # it waits for an email without a recipient: send an empty one
            self._send(b".\r\n")
            self._reply()
        _judge(*(problem or (code, reply)))

    def _mail_command(self) -> str:
        command = f"MAIL FROM:<{self.email.sender}>"
        if self.smtp.has_extn("size"):
            command += f" SIZE={len(self.email.data)}"
        if self.smtp.has_extn("8bitmime") and not self.email.data.isascii():
            command += " BODY=8BITMIME"
        return command

    def _ask_together(self, commands: list[str]) -> list[tuple[int, bytes]]:
        self._send("".join(f"{command}\r\n" for command in commands).encode("ascii"))
        return [self._reply() for _command in commands]

    def _ask_one_by_one(self, commands: list[str]) -> list[tuple[int, bytes]]:
        replies = []
        for command in commands:
            self._send(f"{command}\r\n".encode("ascii"))
            replies.append(self._reply())
            if replies[-1][0] not in (250, 251, 354):
                break
        return replies

    def _send_body(self) -> None:
        self.body_sent = True
        # A dot is added to lines that begin with one (RFC 5321, 4.5.2). All our lines end with CRLF.
        self._send(self.email.data.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        code, reply = self._reply(patience=FINAL_ANSWER_TIMEOUTS)
        if code != 250:
            self.body_sent = False  # the server says that it has not accepted the email
            _judge(code, reply)

    def _send(self, data: bytes) -> None:
        self._wait_at_most(1)
        self.smtp.send(data)

    def _reply(self, patience: float = 1) -> tuple[int, bytes]:
        self._wait_at_most(patience)
        return self.smtp.getreply()

    def _wait_at_most(self, patience: float) -> None:
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError(_("The mail server took too long to accept this email."))
        assert self.smtp.sock is not None
        self.smtp.sock.settimeout(min(left, settings.EMAIL_TIMEOUT * patience))


def _judge(code: int, reply: bytes) -> None:
    """Raise what an answer other than yes means."""
    words = f"{code} {reply.decode(errors='replace')}"
    if code == CLOSING or code in ABOUT_THE_SESSION or not 400 <= code < 600:
        raise BrokenConnectionError(words)
    raise (TryLaterError if code < 500 else RefusedError)(words)


def _is_timeout(error: BaseException | None) -> bool:
    # smtplib wraps the timeout of a read into an SMTPServerDisconnected.
    return isinstance(error, TimeoutError) or (error is not None and _is_timeout(error.__context__))


def _words(error: Exception) -> str:
    if _is_timeout(error):
        return _("The mail server didn’t respond in time.")
    if isinstance(error, smtplib.SMTPResponseException):
        reply = error.smtp_error
        return f"{error.smtp_code} {reply.decode(errors='replace') if isinstance(reply, bytes) else reply}"
    return str(error) or type(error).__name__
