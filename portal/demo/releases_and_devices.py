"""Installers, install guides and activated devices of the demo."""

from datetime import datetime, timedelta
from io import BytesIO
from random import Random

from django.utils import timezone

from licenses.installer_types import DMG_TRAILER_BYTES
from licenses.models import Device, InstallGuide, License, Product, Release
from licenses.models.downloads import Platform
from licenses.services.releases import ReleaseUpload, add_release, publish
from portal.demo import vendor
from portal.sample_content.text_files import CONTENT, files_by_language, read_text_file

MEGABYTE = 1024 * 1024
DEVICE_NAMES = ("Kitchen laptop", "Mara’s phone", "Office", "Old desktop", "Tablet")
DEVICE_PLATFORMS = ("Windows 11", "macOS 15", "Android 15", "Windows 10", "iOS 18")

# Product slug, platform, versions from the oldest on, megabytes. The first is large enough to try resuming a download.
INSTALLERS = (
    ("maximum-security", Platform.WINDOWS, ("17.7.1", "17.8.2"), 64),
    ("maximum-security", Platform.MACOS, ("11.8.0",), 4),
    ("internet-security", Platform.WINDOWS, ("17.8.2",), 4),
    ("antivirus-plus-security", Platform.WINDOWS, ("17.8.2",), 4),
    ("antivirus-for-mac", Platform.MACOS, ("11.8.0",), 4),
)

GUIDES_FOLDER = CONTENT / "guides"


def create_releases() -> None:
    """Create installers with random bytes, and install guides for each product's platforms and each language."""
    for slug, platform, versions, megabytes in INSTALLERS:
        product = Product.objects.get(slug=slug)
        for version in versions:
            if Release.objects.filter(product=product, platform=platform, version=version).exists():
                continue
            suffix = "dmg" if platform == Platform.MACOS else "exe"
            offered = ReleaseUpload(product, version, platform, f"{vendor.INSTALLER_PREFIX}{slug}-{version}.{suffix}")
            content = _installer(f"{slug} {platform} {version}", megabytes, platform)
            publish(add_release(BytesIO(content), offered).release, None, is_verified=True)
    for demo_product in vendor.PRODUCTS:
        product = Product.objects.get(slug=demo_product.slug)
        platforms = {platform for slug, platform, *_rest in INSTALLERS if slug == product.slug} or {Platform.WINDOWS}
        for language, file in files_by_language(GUIDES_FOLDER):
            if file.stem in platforms:
                metadata, body = read_text_file(file)
                InstallGuide.objects.get_or_create(
                    product=product,
                    platform=file.stem,
                    language=language,
                    defaults={"title": metadata["title"].format(name=product.name), "body": body},
                )


def _installer(name: str, megabytes: int, platform: str) -> bytes:
    """Return the content of an installer; the same arguments always return the same bytes.

    It has the signature of a Windows program or of a Mac disk image, because releases are checked for it.
    """
    about = f"This file is part of a demo and installs nothing: {name}\n".encode()
    filling = Random(name).randbytes(megabytes * MEGABYTE)  # noqa: S311 (filling, no secret)
    if platform == Platform.MACOS:
        return about + filling + b"koly".ljust(DMG_TRAILER_BYTES, b"\0")
    return b"MZ " + about + filling


def create_devices(now: datetime) -> None:
    """Create devices of two printed buyers, as reported by an activation server."""
    emails = [buyer.email for buyer in (vendor.BUYER_WITH_PASSWORD, vendor.BUYER_WITH_CARD)]
    licenses = License.objects.filter(licensed_lines__order__store_email__in=emails, activated_at__isnull=False)
    for license in licenses.distinct().order_by("pk"):
        activated_at = license.activated_at or now
        for number in range(max(1, (license.devices or 1) - 1)):
            Device.objects.get_or_create(
                license=license,
                vendor_id=f"demo-{license.pk}-{number}",
                defaults={
                    "name": DEVICE_NAMES[number % len(DEVICE_NAMES)],
                    "platform": DEVICE_PLATFORMS[number % len(DEVICE_PLATFORMS)],
                    "activated_at": activated_at,
                    "last_seen_at": max(activated_at, now - timedelta(days=number, hours=3)),
                },
            )


def create_releases_and_devices() -> None:
    create_releases()
    create_devices(timezone.now())
