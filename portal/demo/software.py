"""What the invented vendor ships: installers with their guides, and devices that are in use."""

from datetime import datetime, timedelta
from io import BytesIO
from random import Random

from django.utils import timezone

from licenses.models import Device, InstallGuide, License, Product
from licenses.models.downloads import Platform
from licenses.services.releases import Offered, add_release
from portal.demo import vendor

MEGABYTE = 1024 * 1024
NAMES = ("Kitchen laptop", "Mara’s phone", "Office", "Old desktop", "Tablet")
PLATFORMS = ("Windows 11", "macOS 15", "Android 15", "Windows 10", "iOS 18")

# Product, platform, versions from the oldest, megabytes. The first is large enough to break off and go on with.
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
        "3. Enter your serial number when you are asked for it. It stands on the page of your order.\n"
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


def make_releases() -> None:
    """Installers that install nothing, and how one would install them."""
    for slug, platform, versions, megabytes in INSTALLERS:
        product = Product.objects.get(slug=slug)
        for version in versions:
            suffix = "dmg" if platform == Platform.MACOS else "exe"
            offered = Offered(product, version, platform, f"tarnholt-{slug}-{version}.{suffix}")
            add_release(BytesIO(_installer(f"{slug} {platform} {version}", megabytes)), offered)
    for sample in vendor.PRODUCTS:
        product = Product.objects.get(slug=sample.slug)
        for language, (title, body) in GUIDE.items():
            InstallGuide.objects.get_or_create(
                product=product,
                platform="",
                language=language,
                defaults={"title": title.format(name=product.name), "body": body},
            )


def _installer(name: str, megabytes: int) -> bytes:
    """A file of that size, the same at every call."""
    first = f"This is a sample of a trial and installs nothing: {name}\n".encode()
    return first + Random(name).randbytes(megabytes * MEGABYTE)  # noqa: S311 (filling, no secret)


def make_devices(now: datetime) -> None:
    """Devices of the people in the table, as an activation server would have reported them."""
    people = [buyer.email for buyer in (vendor.WITH_PASSWORD, vendor.WITH_CARD)]
    licenses = License.objects.filter(licensed_lines__order__store_email__in=people, activated_at__isnull=False)
    for license in licenses.distinct().order_by("pk"):
        activated_at = license.activated_at or now
        for number in range(max(1, (license.devices or 1) - 1)):
            Device.objects.get_or_create(
                license=license,
                vendor_id=f"sample-{license.pk}-{number}",
                defaults={
                    "name": NAMES[number % len(NAMES)],
                    "platform": PLATFORMS[number % len(PLATFORMS)],
                    "activated_at": activated_at,
                    "last_seen_at": max(activated_at, now - timedelta(days=number, hours=3)),
                },
            )


def load() -> None:
    make_releases()
    make_devices(timezone.now())
