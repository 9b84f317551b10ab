"""The demo's SMTP server: accepts every email and stores it as a file."""

import asyncio
import threading
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from portal.demo import mailbox

MAX_BYTES = 50_000_000


class MailServer:
    """Listens on a free port of `host` in a separate thread, from `start` to `stop`."""

    def __init__(self, folder: Path, host: str) -> None:
        self._folder = folder
        self._host = host
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail", daemon=True)

    def start(self) -> str:
        """Start listening. Returns the URL for the setting EMAIL_URL."""
        server = self._loop.run_until_complete(self._loop.create_server(self._protocol, self._host, 0))
        self._thread.start()
        return f"smtp://{self._host}:{server.sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _protocol(self) -> SMTP:
        return SMTP(self, hostname="demo", loop=self._loop, data_size_limit=MAX_BYTES, enable_SMTPUTF8=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        content = envelope.content or b""
        try:
            mailbox.store_email(self._folder, content.encode() if isinstance(content, str) else content)
        except OSError as error:
            return f"451 4.3.0 The email could not be stored: {error.strerror}"
        return "250 2.0.0 Stored"
