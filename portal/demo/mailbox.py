"""The demo's mailbox: a folder with one file for each email. The file names sort by time."""

import email
import email.policy
import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

FILE_NAME = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[0-9a-f]{8}\.eml")


@dataclass(frozen=True)
class StoredEmail:
    """An email in the mailbox, with the fields that an email program shows."""

    file_name: str
    message: EmailMessage

    def header(self, name: str) -> str:
        """A header's text on one line; empty if the header is missing. Undecodable headers may hold line breaks."""
        return str(self.message.get(name, "")).replace("\r", "").replace("\n", " ")

    @property
    def sender(self) -> str:
        return self.header("From")

    @property
    def recipient(self) -> str:
        return self.header("To")

    @property
    def subject(self) -> str:
        return self.header("Subject")

    @property
    def date(self) -> datetime | None:
        try:
            return parsedate_to_datetime(self.header("Date"))
        except ValueError:
            return None

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(name, str(value)) for name, value in self.message.items()]

    @property
    def text(self) -> str:
        return self._body("plain")

    @property
    def html(self) -> str:
        return self._body("html")

    def _body(self, kind: str) -> str:
        part = self.message.get_body(preferencelist=(kind,))
        return str(part.get_content()) if part is not None else ""


def store_email(folder: Path, content: bytes) -> Path:
    """Write an email to the folder atomically. Returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}Z-{secrets.token_hex(4)}.eml"
    unfinished = target.with_suffix(".part")
    unfinished.write_bytes(content)
    os.replace(unfinished, target)
    return target


def list_file_names(folder: Path) -> list[str]:
    """The file names of all stored emails, newest first."""
    if not folder.is_dir():
        return []
    return sorted((entry.name for entry in os.scandir(folder) if FILE_NAME.fullmatch(entry.name)), reverse=True)


def read_email(folder: Path, file_name: str) -> StoredEmail:
    """Read a stored email. Raises FileNotFoundError, also for names that `store_email` never creates."""
    if not FILE_NAME.fullmatch(file_name):
        raise FileNotFoundError(file_name)
    message = email.message_from_bytes((folder / file_name).read_bytes(), policy=email.policy.default)
    return StoredEmail(file_name, message)
