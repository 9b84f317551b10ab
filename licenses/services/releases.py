"""Add releases as drafts, publish, withdraw and restore them."""

import hashlib
import logging
import re
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum
from typing import IO, Any

from django.contrib.auth.models import User
from django.core.files.base import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from files.names import readable_name
from licenses.installer_types import WrongType, require_installer
from licenses.models import Product, Release, Sku
from licenses.models.downloads import Platform, releases_storage
from licenses.versions import compare_versions

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


@dataclass(frozen=True)
class PublicationWarning:
    """Why a release shouldn't be published without a second look. `code` is the same as long as the reason is."""

    code: str
    sentence: Any


class NeedsConfirmation(ReleaseRejected):
    """A release wasn't published, because staff have to confirm these warnings first."""

    def __init__(self, warnings: Collection[PublicationWarning]) -> None:
        super().__init__(" ".join(str(warning.sentence) for warning in warnings))
        self.warnings = warnings


class Outcome(Enum):
    ADDED = "added"
    UNCHANGED = "unchanged"  # this version has the same file already


@dataclass(frozen=True)
class AddResult:
    """The result of adding a release. After a dry run, `release` is not saved."""

    outcome: Outcome
    release: Release


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
    """Add an installer as a draft. `content` must be seekable.

    Its type must fit the platform. It is hashed first, so that a file with a wrong digest is never stored, then stored
    and read back. Adding the same file again changes nothing. Raises ReleaseRejected; then nothing is stored.
    """
    upload = _validate_upload(upload)
    sha256, size = _hash_content(content, _("Reading"), progress)
    if size == 0:
        raise ReleaseRejected(_("The file is empty."))
    try:
        require_installer(content, upload.platform, upload.file_name)
    except WrongType as error:
        raise ReleaseRejected(error.sentence) from error
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
        return AddResult(Outcome.ADDED, release)
    return _store_as_draft(content, release, progress)


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
    if existing.sha256 != release.sha256 and existing.is_draft:
        raise ReleaseRejected(
            _("%(release)s already exists as a draft with another file. Delete the draft, or use a new version.")
            % {"release": existing}
        )
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


def current_release(release: Release) -> Release | None:
    """The release of the same product and platform that buyers get now."""
    return Release.objects.current().filter(product=release.product, platform=release.platform).first()


def _store_as_draft(content: IO[bytes], release: Release, progress: Progress) -> AddResult:
    stored_name = _store(content, release, progress)
    try:
        with transaction.atomic():
            _lock_product(release)
            if known := _existing_version(release):
                releases_storage().delete(stored_name)
                return AddResult(Outcome.UNCHANGED, known)
            release.save()
            return AddResult(Outcome.ADDED, release)
    except BaseException:
        _delete_stored(stored_name)
        raise


def _lock_product(release: Release) -> None:
    """Let other changes of the product's releases wait until this transaction ends."""
    Product.objects.select_for_update().get(pk=release.product_id)


def _make_current(release: Release) -> Release | None:
    """Make a release the current one. The caller locks the product. Returns the replaced one."""
    replaced = current_release(release)
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


# --- Publishing ----------------------------------------------------------------------------------------------


def publication_warnings(release: Release) -> list[PublicationWarning]:
    """Return what staff must confirm before they publish this draft. One query."""
    others = Release.objects.published().filter(
        product=release.product, platform=release.platform, withdrawn_at__isnull=True
    )
    warnings = []
    for other in others.exclude(pk=release.pk).select_related("product").order_by("pk"):
        values = {"version": release.version, "other": other}
        compared = compare_versions(release.version, other.version)
        if compared == 0:
            sentence = _("Version %(version)s means the same as the published %(other)s.") % values
            warnings.append(PublicationWarning(f"same-version-{other.pk}", sentence))
        elif compared < 0:
            sentence = _("Version %(version)s is older than the published %(other)s.") % values
            warnings.append(PublicationWarning(f"older-{other.pk}", sentence))
        if release.sha256 == other.sha256:
            sentence = _("The file is the same as that of the published %(other)s.") % values
            warnings.append(PublicationWarning(f"same-file-{other.pk}", sentence))
    return warnings


def require_stored_file(release: Release, *, is_hashed: bool, progress: Progress = no_progress) -> None:
    """Raise ReleaseRejected unless the stored file exists with the release's size and, if hashed, its SHA-256."""
    try:
        with releases_storage().open(release.stored_name) as stored:
            found = _hash_content(stored, _("Checking"), progress) if is_hashed else ("", stored.size)
    except Exception as error:  # storages raise their own exceptions
        logger.exception("The file of a release could not be read.")
        raise StorageFailed(
            _("The file of %(release)s can’t be read from release storage. Restore it, or delete the draft.")
            % {"release": release}
        ) from error
    if found != (release.sha256 if is_hashed else "", release.size):
        raise ReleaseRejected(
            _("The stored file of %(release)s has changed since its upload. Delete the draft, and upload it again.")
            % {"release": release}
        )


def publish(
    release: Release,
    by: User | None,
    confirmed: Collection[str] = (),
    *,
    is_verified: bool = False,
    progress: Progress = no_progress,
) -> Release | None:
    """Offer a draft to buyers as the current release of its product and platform. Returns the one that it replaces.

    `confirmed` has the codes of the warnings that staff have confirmed. The stored file is read and compared first,
    unless the caller has just done so. Raises NeedsConfirmation, ReleaseRejected.
    """
    if not is_verified:
        require_stored_file(release, is_hashed=True, progress=progress)
    with transaction.atomic():
        _lock_product(release)
        current = Release.objects.select_related("product").filter(pk=release.pk).first()
        if current is None:
            raise ReleaseRejected(_("This draft was deleted in the meantime."))
        if not current.is_draft:
            raise ReleaseRejected(_("%(release)s is already published.") % {"release": current})
        warnings = publication_warnings(current)
        if any(warning.code not in confirmed for warning in warnings):
            raise NeedsConfirmation(warnings)
        release.released_at = current.released_at = timezone.now()
        release.published_by = current.published_by = by
        return _make_current(current)


def delete_draft(release: Release) -> bool:
    """Delete a draft with its file. Returns False if it was published or deleted in the meantime."""
    with transaction.atomic():
        _lock_product(release)
        deleted, _by_model = Release.objects.drafts().filter(pk=release.pk).delete()
        if deleted:
            transaction.on_commit(lambda: _delete_stored(release.stored_name))
    return bool(deleted)


# --- Withdrawing ---------------------------------------------------------------------------------------------


def withdraw(release: Release) -> bool:
    """Stop offering a release for download. Returns False if it is a draft, or was withdrawn before."""
    offered = Release.objects.published().filter(pk=release.pk, withdrawn_at=None)
    return bool(offered.update(withdrawn_at=timezone.now()))


def offer_again(release: Release) -> bool:
    """Make a withdrawn or replaced release the current one of its platform. Returns False for all others."""
    with transaction.atomic():
        _lock_product(release)
        release.refresh_from_db()
        if release.is_draft or (release.replaced_at is None and release.withdrawn_at is None):
            return False
        _make_current(release)
    return True
