"""Installers, install guides and activated devices of the demo."""

from datetime import datetime, timedelta
from io import BytesIO
from random import Random

from django.utils import timezone

from licenses.models import Device, InstallGuide, License, Product
from licenses.models.downloads import Platform
from licenses.services.releases import ReleaseUpload, add_release
from portal.demo import vendor

MEGABYTE = 1024 * 1024
DEVICE_NAMES = ("Kitchen laptop", "Mara’s phone", "Office", "Old desktop", "Tablet")
DEVICE_PLATFORMS = ("Windows 11", "macOS 15", "Android 15", "Windows 10", "iOS 18")

# Product slug, platform, versions from the oldest on, megabytes. The first is large enough to try resuming.
INSTALLERS = (
    ("maximum-security", Platform.WINDOWS, ("17.7.1", "17.8.2"), 64),
    ("maximum-security", Platform.MACOS, ("11.8.0",), 4),
    ("internet-security", Platform.WINDOWS, ("17.8.2",), 4),
    ("antivirus-plus-security", Platform.WINDOWS, ("17.8.2",), 4),
    ("antivirus-for-mac", Platform.MACOS, ("11.8.0",), 4),
)

GUIDE = {
    "en": (
        "Install {name}",
        "1. Open the file that you downloaded.\n"
        "2. Follow the steps on the screen. If another security program is found, let it be removed.\n"
        "3. Enter your serial number when you are asked for it. It’s on the page of your order.\n"
        "4. Restart the computer.\n\n"
        "A renewal needs no new serial number: the one that you have carries on.\n",
    ),
    "de": (
        "{name} installieren",
        "1. Öffnen Sie die heruntergeladene Datei.\n"
        "2. Folgen Sie den Schritten. Wird ein anderes Schutzprogramm gefunden, lassen Sie es entfernen.\n"
        "3. Geben Sie Ihre Seriennummer ein, wenn danach gefragt wird. Sie steht auf der Seite Ihrer Bestellung.\n"
        "4. Starten Sie den Computer neu.\n\n"
        "Eine Verlängerung braucht keine neue Seriennummer: Die bisherige gilt weiter.\n",
    ),
}


def create_releases() -> None:
    """Create installers, which hold random bytes, and an install guide for each product and language."""
    for slug, platform, versions, megabytes in INSTALLERS:
        product = Product.objects.get(slug=slug)
        for version in versions:
            suffix = "dmg" if platform == Platform.MACOS else "exe"
            offered = ReleaseUpload(product, version, platform, f"{vendor.INSTALLER_PREFIX}{slug}-{version}.{suffix}")
            add_release(BytesIO(_installer(f"{slug} {platform} {version}", megabytes)), offered)
    for demo_product in vendor.PRODUCTS:
        product = Product.objects.get(slug=demo_product.slug)
        for language, (title, body) in GUIDE.items():
            InstallGuide.objects.get_or_create(
                product=product,
                platform="",
                language=language,
                defaults={"title": title.format(name=product.name), "body": body},
            )


def _installer(name: str, megabytes: int) -> bytes:
    """Return the content of an installer; the same name gives the same bytes."""
    first_line = f"This file is part of a demo and installs nothing: {name}\n".encode()
    return first_line + Random(name).randbytes(megabytes * MEGABYTE)  # noqa: S311 (filling, no secret)


def create_devices(now: datetime) -> None:
    """Create devices of two printed buyers, as an activation server would have reported them."""
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
