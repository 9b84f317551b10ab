"""Add, withdraw and restore releases."""

import hashlib
import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import IO, Any

from django.core.files.base import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from files.names import readable_name
from licenses.models import Product, Release, Sku
from licenses.models.downloads import Platform, releases_storage

logger = logging.getLogger(__name__)

CHUNK = 1024 * 1024  # bytes
VERSION_LENGTH = 64  # characters
_SHA256 = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"[^\s/\\\x00-\x1f\x7f]+")

Progress = Callable[[str, int], None]  # called with the current step, and the bytes processed since the last call


class ReleaseRejected(Exception):
    """A release was refused and nothing was stored. `sentence` says why and what to do."""

    def __init__(self, sentence: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class StorageFailed(ReleaseRejected):
    """The storage failed. It may succeed later."""


class Outcome(Enum):
    ADDED = "added"
    UNCHANGED = "unchanged"  # this version has the same file already


@dataclass(frozen=True)
class AddResult:
    """The result of adding a release. After a dry run, `release` is not saved."""

    outcome: Outcome
    release: Release
    replaced: Release | None = None


@dataclass(frozen=True)
class ReleaseUpload:
    """The details of a release to add. `sha256` is the expected digest, or empty."""

    product: Product
    version: str
    platform: str
    file_name: str
    sha256: str = ""


def no_progress(_step: str, _count: int) -> None:
    """Report no progress."""


def find_product(name: str) -> Product:
    """The product with this slug, or that of this SKU. Raises ReleaseRejected if there is none or several."""
    name = name.replace("\x00", "")
    if product := Product.objects.filter(slug=name).first():
        return product
    skus = Sku.objects.filter(code=name)
    products = list(Product.objects.filter(skus__in=skus).distinct())
    if len(products) == 1:
        return products[0]
    values = {"name": name, "choices": ", ".join(sorted(product.slug for product in products))}
    if products:
        raise ReleaseRejected(_("“%(name)s” is the SKU of several products. Use one of these: %(choices)s.") % values)
    if skus.exists():
        raise ReleaseRejected(_("The SKU “%(name)s” has no product. Choose its product in the admin.") % values)
    values["choices"] = ", ".join(Product.objects.order_by("slug").values_list("slug", flat=True)) or "-"
    raise ReleaseRejected(_("No product or SKU is named “%(name)s”. Products: %(choices)s.") % values)


def add_release(
    content: IO[bytes], upload: ReleaseUpload, *, dry_run: bool = False, progress: Progress = no_progress
) -> AddResult:
    """Add an installer. `content` must be seekable.

    It is hashed first, so that a file with a wrong digest is never stored, then stored and read back. Adding the
    same file again changes nothing. Raises ReleaseRejected; then nothing is stored.
    """
    upload = _validate_upload(upload)
    sha256, size = _hash_content(content, _("Reading"), progress)
    if size == 0:
        raise ReleaseRejected(_("The file is empty."))
    if upload.sha256 and upload.sha256 != sha256:
        raise ReleaseRejected(
            _("The checksum doesn’t match: the file’s SHA-256 is %(real)s, not %(said)s. Nothing was saved.")
            % {"real": sha256, "said": upload.sha256}
        )
    release = Release(
        product=upload.product,
        version=upload.version,
        platform=upload.platform,
        file_name=upload.file_name,
        stored_name=_random_name(),
        size=size,
        sha256=sha256,
    )
    if known := _existing_version(release):
        return AddResult(Outcome.UNCHANGED, known)
    if dry_run:
        return AddResult(Outcome.ADDED, release, _current(release))
    return _store_and_publish(content, release, progress)


def _validate_upload(upload: ReleaseUpload) -> ReleaseUpload:
    """Validate and normalize the details. Raises ReleaseRejected."""
    version, name = upload.version.strip(), readable_name(upload.file_name).strip(" .")
    if not _VERSION.fullmatch(version) or len(version) > VERSION_LENGTH:
        sentence = ngettext(
            "Enter a version of 1 to %(most)d character without spaces or slashes, for example 17.8.1.",
            "Enter a version of 1 to %(most)d characters without spaces or slashes, for example 17.8.1.",
            VERSION_LENGTH,
        )
        raise ReleaseRejected(sentence % {"most": VERSION_LENGTH})
    platform = upload.platform.strip().lower()
    if platform not in Platform.values:
        raise ReleaseRejected(_("Enter one of these platforms: %(choices)s.") % {"choices": ", ".join(Platform.values)})
    if not name:
        raise ReleaseRejected(_("Enter a file name for browsers to save it under."))
    stated = upload.sha256.strip().lower()
    if stated and not _SHA256.fullmatch(stated):
        raise ReleaseRejected(_("Enter a SHA-256 checksum: 64 characters from 0 to 9 and a to f."))
    return ReleaseUpload(upload.product, version, platform, name, stated)


def _random_name() -> str:
    """A random name, so that file URLs cannot be guessed."""
    token = secrets.token_hex(16)
    return f"{token[:2]}/{token}"


def _hash_content(content: IO[bytes], step: Any, progress: Progress) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    content.seek(0)
    while chunk := content.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
        progress(str(step), len(chunk))
    return digest.hexdigest(), size


def _existing_version(release: Release) -> Release | None:
    """The existing release of this version. Raises ReleaseRejected if it has another file or was withdrawn."""
    existing = Release.objects.filter(
        product=release.product, platform=release.platform, version=release.version
    ).first()
    if existing is None:
        return None
    if existing.sha256 != release.sha256:
        raise ReleaseRejected(
            _("%(release)s already exists with another file (SHA-256 %(sha256)s). Use a new version for the new file.")
            % {"release": existing, "sha256": existing.sha256}
        )
    if existing.withdrawn_at is not None:
        raise ReleaseRejected(
            _("%(release)s was withdrawn. Offer it again in the admin, or use a new version for the file.")
            % {"release": existing}
        )
    return existing


def _current(release: Release) -> Release | None:
    return Release.objects.current().filter(product=release.product, platform=release.platform).first()


def _store_and_publish(content: IO[bytes], release: Release, progress: Progress) -> AddResult:
    stored_name = _store(content, release, progress)
    try:
        with transaction.atomic():
            Product.objects.select_for_update().get(pk=release.product_id)  # one release of a product at a time
            if known := _existing_version(release):
                releases_storage().delete(stored_name)
                return AddResult(Outcome.UNCHANGED, known)
            return AddResult(Outcome.ADDED, release, _make_current(release))
    except BaseException:
        _delete_stored(stored_name)
        raise


def _make_current(release: Release) -> Release | None:
    """Make a release the current one. The caller locks the product. Returns the replaced one."""
    replaced = _current(release)
    if replaced is not None and replaced != release:
        replaced.replaced_at = timezone.now()
        replaced.save(update_fields=["replaced_at"])
    release.replaced_at = release.withdrawn_at = None
    release.save()
    return replaced


def _store(content: IO[bytes], release: Release, progress: Progress) -> str:
    storage = releases_storage()
    name = release.stored_name
    try:
        content.seek(0)
        name = storage.save(release.stored_name, _ProgressFile(content, release.size, progress))
        release.stored_name = name
        with storage.open(name) as stored:
            kept = _hash_content(stored, _("Checking"), progress)
    except Exception as error:  # storages raise their own exceptions
        logger.exception("A release could not be stored.")
        _delete_stored(name)
        raise StorageFailed(
            _("The file couldn’t be saved to release storage: %(reason)s") % {"reason": error}
        ) from error
    except BaseException:
        _delete_stored(name)
        raise
    if kept != (release.sha256, release.size):
        _delete_stored(name)
        raise StorageFailed(
            _("The stored file doesn’t match the original. It may have changed during the upload. Try again.")
        )
    return name


def _delete_stored(name: str) -> None:
    try:
        releases_storage().delete(name)
    except Exception:  # the failure was already reported
        logger.exception("The rest of a release could not be deleted: %s", name)


class _ProgressFile(File):
    """Reports progress while a storage reads the content in chunks."""

    def __init__(self, content: IO[bytes], size: int, progress: Progress) -> None:
        super().__init__(content, name="release")
        self._content = content
        self.size = size
        self._progress = progress

    def chunks(self, chunk_size: int | None = None) -> Any:
        while chunk := self._content.read(chunk_size or CHUNK):
            self._progress(str(_("Storing")), len(chunk))
            yield chunk


def withdraw(release: Release) -> bool:
    """Stop offering a release for download. Returns False if it was withdrawn before."""
    return bool(Release.objects.filter(pk=release.pk, withdrawn_at=None).update(withdrawn_at=timezone.now()))


def offer_again(release: Release) -> bool:
    """Make a withdrawn or replaced release the current one of its platform. Returns False if it is already."""
    with transaction.atomic():
        Product.objects.select_for_update().get(pk=release.product_id)
        release.refresh_from_db()
        if release.replaced_at is None and release.withdrawn_at is None:
            return False
        _make_current(release)
    return True
