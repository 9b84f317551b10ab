"""Links to installers: good for 15 minutes by their signature alone, without a session or a cookie."""

from datetime import timedelta
from uuid import UUID

from django.core import signing
from django.urls import reverse

from files.names import readable_name
from licenses.models import Download

GOOD_FOR = timedelta(minutes=15)
_signer = signing.TimestampSigner(salt="licenses.download_links")
# What stands in a header's plain file name; all else is told in the second, encoded one (RFC 6266, RFC 8187).
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 !#$&'()+,-.;=@[]^_`{}~")
_ENCODED_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~")


class Forged(Exception):
    """Nothing that was signed here."""


class Expired(Exception):
    """Signed here, and too old. `download_id` is what it was for."""

    def __init__(self, download_id: UUID) -> None:
        super().__init__(download_id)
        self.download_id = download_id


def path_for(download: Download) -> str:
    """The address from which this download can be had, from now for 15 minutes."""
    return reverse("licenses:installer", args=[_signer.sign(download.pk.hex)])


def read(token: str) -> UUID:
    """The id of the Download that a link is for. Raises Forged or Expired."""
    try:
        return UUID(hex=_signer.unsign(token, max_age=GOOD_FOR))
    except signing.SignatureExpired as expired:
        raise Expired(UUID(hex=_signer.unsign(token))) from expired
    except (signing.BadSignature, ValueError) as error:
        raise Forged from error


def disposition(file_name: str) -> str:
    """A Content-Disposition that saves a file under its name, whatever the name is."""
    name = readable_name(file_name) or "download"
    plain = "".join(character if character in _PLAIN else "_" for character in name)
    if plain == name:
        return f'attachment; filename="{plain}"'
    encoded = "".join(
        chr(byte) if chr(byte) in _ENCODED_PLAIN else f"%{byte:02X}" for byte in name.encode("utf-8", "replace")
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
