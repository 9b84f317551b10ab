"""Convert an email to bytes.

Python's own generator folds every header again, and takes longer than the rest of a delivery. Our headers are short and
known. Long or non-ASCII headers still use the standard library.
"""

import base64
import re
import secrets
from email.header import Header
from email.utils import formataddr, formatdate, parseaddr
from functools import lru_cache

from django.core.mail import BadHeaderError, EmailMultiAlternatives
from django.utils.encoding import punycode

SHORT_LINE = 76  # characters; longer headers are folded
ADDRESS_HEADERS = ("From", "To", "Reply-To")  # encoded name by name
# An address in the most common form, which needs no parsing.
_PLAIN_ADDRESS = re.compile(r"[0-9A-Za-z_.+\-]+@[0-9A-Za-z.\-]+")
LONGEST_LINE = 998  # bytes, without the line ending (RFC 5322, 2.1.1)


def compose(mail: EmailMultiAlternatives) -> bytes:
    """Return headers, text and alternatives as `multipart/alternative`, in UTF-8, with CRLF line endings.

    Raises BadHeaderError for a newline in a header, and ValueError for an address without @.
    """
    boundary = f"=_{secrets.token_hex(16)}"
    headers = {
        "From": _address(mail.from_email),
        "To": ", ".join(_address(address) for address in mail.to),
        "Subject": str(mail.subject),
        "Date": formatdate(),
    }
    if mail.reply_to:
        headers["Reply-To"] = ", ".join(_address(address) for address in mail.reply_to)
    headers |= mail.extra_headers
    headers |= {"MIME-Version": "1.0", "Content-Type": f'multipart/alternative; boundary="{boundary}"'}
    parts = [(mail.body, "text/plain"), *mail.alternatives]
    lines = [_header(name, value) for name, value in headers.items()]
    for content, mimetype in parts:
        lines += [b"", b"--%s" % boundary.encode(), *_part(str(content), str(mimetype))]
    return b"\r\n".join([*lines, b"", b"--%s--" % boundary.encode(), b""])


@lru_cache(1024)
def envelope_address(address: str) -> str:
    """Return the bare address for the SMTP envelope, in ASCII. Raises ValueError if it has no @."""
    if _PLAIN_ADDRESS.fullmatch(address):
        return address
    mailbox, at, domain = parseaddr(address)[1].rpartition("@")
    if not at:
        raise ValueError(f"{address} is not a mail address.")
    return f"{mailbox}@{punycode(domain)}"


@lru_cache(1024)
def _address(address: str) -> str:
    if _PLAIN_ADDRESS.fullmatch(address):
        return address
    _refuse_newlines("address", address)
    name, _bare = parseaddr(address)
    name = name if name.isascii() else Header(name, "utf-8").encode(linesep="\r\n")
    return formataddr((name, envelope_address(address)))


def _header(name: str, value: str) -> bytes:
    short = value.isascii() and value.isprintable() and len(name) + len(value) + 2 <= SHORT_LINE
    if not short and name not in ADDRESS_HEADERS:
        _refuse_newlines(name, value)
        charset = "us-ascii" if value.isascii() else "utf-8"
        value = Header(value, charset, header_name=name).encode(linesep="\r\n")
    return f"{name}: {value}".encode("ascii")


def _refuse_newlines(name: str, value: str) -> None:
    if "\n" in value or "\r" in value:
        raise BadHeaderError(f"A newline in {name} would make a header of its own.")


def _part(content: str, mimetype: str) -> list[bytes]:
    body = content.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode()
    if max(map(len, body.split(b"\r\n"))) > LONGEST_LINE:
        encoding, body = b"base64", base64.encodebytes(body).replace(b"\n", b"\r\n")
    else:
        encoding = b"7bit" if body.isascii() else b"8bit"
    return [
        b'Content-Type: %s; charset="utf-8"' % mimetype.encode("ascii"),
        b"Content-Transfer-Encoding: %s" % encoding,
        b"",
        body,
    ]
