"""The fictional vendor of the demo: its products, its stores, and the buyers whose credentials are printed."""

from dataclasses import dataclass
from decimal import Decimal

NAME = "Tarnholt Security"
COLOR = "#0b5cad"
SENDER = "Tarnholt Security <orders@tarnholt.example>"
SUPPORT_EMAIL = "support@tarnholt.example"
STORE_URL = "https://store.tarnholt.example"
INSTALLER_PREFIX = "tarnholt-"  # of the names of its installers
ADMIN_USERNAME = "admin"
AGENT_USERNAME = "demo-agent"


@dataclass(frozen=True)
class DemoProduct:
    slug: str
    name: str
    prefix: str  # of its serial numbers; empty where they do not identify the product
    sku: str  # first part of its SKU codes
    price: Decimal  # net, in euros, for one device and one year


PRODUCTS = (
    DemoProduct("maximum-security", "Maximum Security", "X", "MAX", Decimal("41.95")),
    DemoProduct("internet-security", "Internet Security", "P", "INT", Decimal("33.55")),
    DemoProduct("antivirus-plus-security", "Antivirus+ Security", "A", "AVP", Decimal("25.15")),
    DemoProduct("antivirus-for-mac", "Antivirus for Mac", "M", "MAC", Decimal("25.15")),
    DemoProduct("premium-security", "Premium Security", "", "PRE", Decimal("67.19")),
)
PUBLIC_DOWNLOADS = ("maximum-security", "antivirus-for-mac")  # without an order, as free trials
DEVICE_COUNTS = (1, 3, 5, 10)
SERIAL_PATTERN = "AAAA-0000-0000-0000-0000"


@dataclass(frozen=True)
class DemoStore:
    slug: str
    name: str
    time_zone: str
    language: str
    seller: str
    currency: str
    decimals: int  # of its currency
    rate: Decimal  # units of its currency for one euro
    number_prefix: str  # of its order numbers
    weight: int  # relative number of orders


STORES = (
    DemoStore(
        "tarnholt-eu",
        "Tarnholt Store Europe",
        "Europe/Berlin",
        "en",
        "Orderbridge Reselling Ltd\n12 Example Quay\nDublin 2\nIreland\nVAT ID IE0000000XX",
        "EUR",
        2,
        Decimal(1),
        "TE",
        11,
    ),
    DemoStore(
        "tarnholt-us",
        "Tarnholt Store North America",
        "America/Los_Angeles",
        "en",
        "Orderbridge Reselling Inc.\n400 Sample Street\nPortland, OR 97200\nUSA",
        "USD",
        2,
        Decimal("1.1"),
        "TU",
        6,
    ),
    DemoStore(
        "tarnholt-jp",
        "Tarnholt Store Japan",
        "Asia/Tokyo",
        "en",
        "Orderbridge Reselling K.K.\n1-2-3 Mihon\nMinato-ku, Tokyo 105-0000\nJapan",
        "JPY",
        0,
        Decimal(160),
        "TJ",
        3,
    ),
)


@dataclass(frozen=True)
class DemoBuyer:
    name: str
    email: str
    city: str
    postcode: str
    country: str
    language: str


# Buyers whose credentials the demo prints when it is ready.
BUYER_WITH_PASSWORD = DemoBuyer("Mara Lindqvist", "mara.lindqvist@example.com", "Köln", "50667", "DE", "de")
PASSWORD_ORDER = "TE-20417"  # noqa: S105 (an order number)
ORDER_PASSWORD = "harbour-lantern-62"  # noqa: S105 (of a fictional order)
BUYER_WITH_CARD = DemoBuyer("Jonas Weber", "jonas.weber@example.com", "Wien", "1010", "AT", "en")
CARD_LAST4 = "4242"
BUYER_WITH_PAYPAL = DemoBuyer("Ruth Okafor", "ruth.okafor@example.com", "Dublin", "D02 X285", "IE", "en")
PRINTED_BUYERS = (BUYER_WITH_CARD, BUYER_WITH_PASSWORD, BUYER_WITH_PAYPAL)
