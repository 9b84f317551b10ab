"""The invented vendor of the demo: its products, its stores, and three orders to begin with.

Sample content, loaded into the database as staff would enter it. None of it exists.
"""

from dataclasses import dataclass
from decimal import Decimal

NAME = "Tarnholt Security"
COLOR = "#0b5cad"
SENDER = "Tarnholt Security <orders@tarnholt.example>"
SUPPORT = "support@tarnholt.example"
STORE_URL = "https://store.tarnholt.example"
ADMIN = "admin"
AGENT = "sample-agent"


@dataclass(frozen=True)
class SampleProduct:
    slug: str
    name: str
    prefix: str  # what its serial numbers begin with; empty: they tell nothing
    sku: str  # how its SKUs begin
    price: Decimal  # net, in euro, for one device and one year


PRODUCTS = (
    SampleProduct("maximum-security", "Maximum Security", "X", "MAX", Decimal("41.95")),
    SampleProduct("internet-security", "Internet Security", "P", "INT", Decimal("33.55")),
    SampleProduct("antivirus-plus-security", "Antivirus+ Security", "A", "AVP", Decimal("25.15")),
    SampleProduct("antivirus-for-mac", "Antivirus for Mac", "M", "MAC", Decimal("25.15")),
    SampleProduct("premium-security", "Premium Security", "", "PRE", Decimal("67.19")),
)
DEVICES = (1, 3, 5, 10)
SERIAL_PATTERN = "AAAA-0000-0000-0000-0000"


@dataclass(frozen=True)
class SampleStore:
    slug: str
    name: str
    time_zone: str
    language: str
    seller: str
    currency: str
    decimals: int
    rate: Decimal  # of its currency to the euro
    number_prefix: str
    weight: int  # its share of the orders


STORES = (
    SampleStore(
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
    SampleStore(
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
    SampleStore(
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
class Buyer:
    name: str
    email: str
    city: str
    postcode: str
    country: str
    language: str


# Whom the table at the start speaks of.
WITH_PASSWORD = Buyer("Mara Lindqvist", "mara.lindqvist@example.com", "Köln", "50667", "DE", "de")
PASSWORD_ORDER = "TE-20417"  # noqa: S105 (an order number)
ORDER_PASSWORD = "harbour-lantern-62"  # noqa: S105 (of an invented order)
WITH_CARD = Buyer("Jonas Weber", "jonas.weber@example.com", "Wien", "1010", "AT", "en")
CARD_LAST4 = "4242"
WITH_PAYPAL = Buyer("Ruth Okafor", "ruth.okafor@example.com", "Dublin", "D02 X285", "IE", "en")
