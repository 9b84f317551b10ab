"""Signed links to installers, valid for 15 minutes without a session or cookie.

Links of an order are for a Download, which is recorded. Links of the public downloads page are for a Release.
"""

from datetime import timedelta
from uuid import UUID

from django.core import signing
from django.urls import reverse

from files.names import readable_name
from licenses.models import Download, Release

LINK_LIFETIME = timedelta(minutes=15)
_signer = signing.TimestampSigner(salt="licenses.download_links")
_public_signer = signing.TimestampSigner(salt="licenses.public_downloads")
# Characters allowed in the plain `filename`; others need `filename*` (RFC 6266, RFC 8187).
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 !#$&'()+,-.;=@[]^_`{}~")
_ENCODED_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~")


class InvalidLink(Exception):
    """The link's signature is invalid."""


class ExpiredLink(Exception):
    """The link has expired. `download_id` is the Download that it was for."""

    def __init__(self, download_id: UUID) -> None:
        super().__init__(download_id)
        self.download_id = download_id


class ExpiredPublicLink(Exception):
    """The link of the public downloads page has expired."""


def download_path(download: Download) -> str:
    """The URL path of a download, valid for 15 minutes from now."""
    return reverse("licenses:installer", args=[_signer.sign(download.pk.hex)])


def public_download_path(release: Release) -> str:
    """The URL path of an installer that anyone may download, valid for 15 minutes from now."""
    return reverse("licenses:public_installer", args=[_public_signer.sign(str(release.pk))])


def read_public_token(token: str) -> int:
    """The id of the Release that a public link is for. Raises InvalidLink or ExpiredPublicLink."""
    try:
        return int(_public_signer.unsign(token, max_age=LINK_LIFETIME))
    except signing.SignatureExpired as expired:
        raise ExpiredPublicLink from expired
    except (signing.BadSignature, ValueError) as error:
        raise InvalidLink from error


def read_download_token(token: str) -> UUID:
    """The id of the Download that a link is for. Raises InvalidLink or ExpiredLink."""
    try:
        return UUID(hex=_signer.unsign(token, max_age=LINK_LIFETIME))
    except signing.SignatureExpired as expired:
        raise ExpiredLink(UUID(hex=_signer.unsign(token))) from expired
    except (signing.BadSignature, ValueError) as error:
        raise InvalidLink from error


def content_disposition(file_name: str) -> str:
    """The Content-Disposition header for a file of this name."""
    name = readable_name(file_name) or "download"
    plain = "".join(character if character in _PLAIN else "_" for character in name)
    if plain == name:
        return f'attachment; filename="{plain}"'
    encoded = "".join(
        chr(byte) if chr(byte) in _ENCODED_PLAIN else f"%{byte:02X}" for byte in name.encode("utf-8", "replace")
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
