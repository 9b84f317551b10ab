"""About 300 orders of the fictional vendor, in the portal's own JSON Lines format.

The random generator has a fixed seed, so only the dates differ between two calls: they are relative to now.
Everything that the order page can show occurs: renewals, upgrades, wallets, refunds, missing serial numbers.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from portal.demo.vendor import (
    BUYER_WITH_CARD,
    BUYER_WITH_PASSWORD,
    BUYER_WITH_PAYPAL,
    CARD_LAST4,
    DEVICE_COUNTS,
    ORDER_PASSWORD,
    PASSWORD_ORDER,
    PRODUCTS,
    STORES,
    DemoBuyer,
    DemoProduct,
    DemoStore,
)

JsonObject = dict[str, Any]

SEED = 20417
RANDOM_ORDERS = 290  # older than RECENT_ORDER_HOURS, in addition to those of vendor.PRINTED_BUYERS
LICENSE_TERM = timedelta(days=365)
MAX_ORDER_AGE = timedelta(days=900)
# Hours since the newest orders. Within three days the import still sends confirmations, which fill the inbox.
RECENT_ORDER_HOURS = (2, 7, 19, 30, 52)
RETURNING_BUYER_SHARE = 0.25
EXTENDED_DOWNLOAD_SHARE = 0.15
EXTENDED_DOWNLOAD_PRICE = Decimal("8.39")
TAX_PERCENT = {"DE": "19", "AT": "20", "FR": "20", "IE": "23", "NL": "21", "US": "8.25", "CA": "5", "JP": "10"}

FIRST_NAMES = ("Alma", "Bruno", "Carla", "Dario", "Edda", "Fabian", "Greta", "Hugo", "Ines", "Jakob", "Mila", "Rosa")
LAST_NAMES = ("Adler", "Brandt", "Castell", "Dorn", "Engel", "Falk", "Grimm", "Hagen", "Iversen", "Jansen", "Novak")
STORE_CITIES = {
    "tarnholt-eu": (
        ("Hamburg", "20095", "DE", "de"),
        ("Graz", "8010", "AT", "de"),
        ("Lyon", "69002", "FR", "fr"),
        ("Cork", "T12 AB34", "IE", "en"),
        ("Utrecht", "3511", "NL", "nl"),
    ),
    "tarnholt-us": (
        ("Portland", "97201", "US", "en"),
        ("Austin", "78701", "US", "en"),
        ("Toronto", "M5H 2N2", "CA", "en"),
    ),
    "tarnholt-jp": (("Osaka", "530-0001", "JP", "en"), ("Sapporo", "060-0001", "JP", "en")),
}
ORDER_STATUSES = ("completed",) * 30 + ("pending", "cancelled", "refunded", "partially_refunded", "charged_back")
CARD_BRANDS = ("visa", "mastercard", "amex", "discover", "jcb")


@dataclass
class OwnedLicense:
    """A license that a later order can renew or upgrade."""

    buyer: DemoBuyer
    store: DemoStore
    product: DemoProduct
    serial: str
    devices: int
    expires_on: date


@dataclass
class OrderGenerator:
    """Generates orders whose dates are relative to `now`."""

    now: datetime
    random: Random = field(default_factory=lambda: Random(SEED))  # noqa: S311 (demo content, no secret)
    numbers: dict[str, int] = field(default_factory=dict)
    licenses: list[OwnedLicense] = field(default_factory=list)

    def generate(self) -> Iterator[JsonObject]:
        """Yield the orders of vendor.PRINTED_BUYERS, then the random ones, oldest first."""
        yield from self.printed_orders()
        self.licenses.clear()  # the printed buyers get no further orders
        recent_ages = [timedelta(hours=hours) for hours in RECENT_ORDER_HOURS]
        longest = int(MAX_ORDER_AGE.total_seconds())
        ages = [timedelta(seconds=self.random.randint(4 * 86400, longest)) for _order in range(RANDOM_ORDERS)]
        for age in sorted(ages + recent_ages, reverse=True):
            yield self.random_order(self.now - age)

    # --- Whole orders ----------------------------------------------------------------------------------

    def printed_orders(self) -> Iterator[JsonObject]:
        """The orders of the buyers whose credentials the demo prints."""
        europe = STORES[0]
        maximum, internet, antivirus, *_others = PRODUCTS
        card = {"method": "card", "brand": "visa", "last4": CARD_LAST4}
        wallet = card | {"wallet": "apple_pay", "device_last4": "1881"}

        old = self.new_order(europe, BUYER_WITH_CARD, self.now - timedelta(days=395), card)
        self.add_license(old, europe, BUYER_WITH_CARD, antivirus, devices=3)
        yield self.with_totals(old, europe)
        renewed = self.new_order(europe, BUYER_WITH_CARD, self.now - timedelta(days=31), card)
        self.add_extension(renewed, self.licenses[-1], self.licenses[-1].product, "renewal")
        yield self.with_totals(renewed, europe)
        second = self.new_order(europe, BUYER_WITH_CARD, self.now - timedelta(days=12), wallet)
        self.add_license(second, europe, BUYER_WITH_CARD, maximum, devices=5)
        self.add_extended_download(second, europe)
        yield self.with_totals(second, europe)

        known = self.new_order(europe, BUYER_WITH_PASSWORD, self.now - timedelta(days=9), card | {"last4": "0005"})
        known |= {"number": PASSWORD_ORDER, "password": ORDER_PASSWORD}
        self.add_license(known, europe, BUYER_WITH_PASSWORD, maximum, devices=3)
        self.add_extended_download(known, europe)
        yield self.with_totals(known, europe)

        paypal = self.new_order(europe, BUYER_WITH_PAYPAL, self.now - timedelta(hours=5), {"method": "paypal"})
        self.add_license(paypal, europe, BUYER_WITH_PAYPAL, internet, devices=1)
        yield self.with_totals(paypal, europe)

    def random_order(self, placed_at: datetime) -> JsonObject:
        expiring = self.take_expiring_license(placed_at.date())
        if expiring is not None:
            return self.renewal_or_upgrade(expiring, placed_at)
        store, buyer = self.random_buyer()
        order = self.new_order(store, buyer, placed_at, self.random_payment())
        order["status"] = (
            self.random.choice(ORDER_STATUSES) if placed_at < self.now - timedelta(days=4) else "completed"
        )
        for _item in range(self.random.choice((1, 1, 1, 1, 2))):
            self.add_license(order, store, buyer, self.random.choice(PRODUCTS), self.random.choice(DEVICE_COUNTS))
        if self.random.random() < EXTENDED_DOWNLOAD_SHARE:
            self.add_extended_download(order, store)
        if order["status"] in ("pending", "cancelled") or self.random.random() < 0.03:
            for line in order["lines"]:
                line.pop("licenses", None)  # the serial number is not delivered yet, or missing
        return self.with_refund(self.with_totals(order, store), store)

    def renewal_or_upgrade(self, owned: OwnedLicense, placed_at: datetime) -> JsonObject:
        """A renewal, or an upgrade to the first product."""
        order = self.new_order(owned.store, owned.buyer, placed_at, self.random_payment())
        upgrade = owned.product is not PRODUCTS[0] and self.random.random() < 0.3
        product = PRODUCTS[0] if upgrade else owned.product
        self.add_extension(order, owned, product, "upgrade" if upgrade else "renewal")
        return self.with_totals(order, owned.store)

    def take_expiring_license(self, day: date) -> OwnedLicense | None:
        """Remove and return a license that expires within 20 days of `day`; each is taken with a chance of 66 %."""
        for owned in self.licenses:
            if abs((owned.expires_on - day).days) < 20 and self.random.random() < 0.66:
                self.licenses.remove(owned)
                return owned
        return None

    # --- Parts of an order -----------------------------------------------------------------------------

    def new_order(self, store: DemoStore, buyer: DemoBuyer, placed_at: datetime, payment: JsonObject) -> JsonObject:
        number = self.numbers.get(store.slug, 20500) + self.random.randint(1, 9)
        self.numbers[store.slug] = number
        order: JsonObject = {
            "store": store.slug,
            "number": f"{store.number_prefix}-{number}",
            "placed_at": placed_at.isoformat(timespec="seconds"),
            "updated_at": placed_at.isoformat(timespec="seconds"),
            "status": "completed",
            "email": buyer.email,
            "language": buyer.language,
            "currency": store.currency,
            "payment": payment,
            "billing": {
                "name": buyer.name,
                "lines": [f"Example Street {self.random.randint(1, 120)}"],
                "city": buyer.city,
                "postcode": buyer.postcode,
                "country": buyer.country,
            },
            "lines": [],
        }
        if self.random.random() < 0.6:
            day = placed_at.date()
            seller = ", ".join(store.seller.splitlines())
            order["invoice"] = {"number": f"{day.year}-{number}", "issued_on": day.isoformat(), "seller": seller}
        return order

    def add_license(
        self, order: JsonObject, store: DemoStore, buyer: DemoBuyer, product: DemoProduct, devices: int
    ) -> None:
        placed = datetime.fromisoformat(order["placed_at"])
        owned = OwnedLicense(buyer, store, product, self.random_serial(product), devices, placed.date() + LICENSE_TERM)
        activated = placed + timedelta(hours=self.random.randint(1, 90))
        license = {
            "serial": owned.serial,
            "devices": devices,
            "starts_on": placed.date().isoformat(),
            "expires_on": owned.expires_on.isoformat(),
            "activated_at": activated.isoformat(timespec="seconds") if activated < self.now else None,
        }
        line = self.add_line(order, store, product.price * (1 + Decimal(devices - 1) / 5))
        line |= {"sku": sku_code(product, devices), "name": product_title(product, devices), "licenses": [license]}
        self.licenses.append(owned)

    def add_extension(self, order: JsonObject, owned: OwnedLicense, product: DemoProduct, kind: str) -> None:
        line = self.add_line(order, owned.store, product.price * (1 + Decimal(owned.devices - 1) / 5), discount=True)
        starts_on = datetime.fromisoformat(order["placed_at"]).date()
        license = {
            "serial": owned.serial,
            "devices": owned.devices,
            "expires_on": (max(owned.expires_on, starts_on) + LICENSE_TERM).isoformat(),
        }
        line |= {
            "sku": sku_code(product, owned.devices),
            "name": product_title(product, owned.devices),
            "licenses": [license],
        }
        line |= {"kind": kind, "extends": owned.serial}

    def add_extended_download(self, order: JsonObject, store: DemoStore) -> None:
        line = self.add_line(order, store, EXTENDED_DOWNLOAD_PRICE)
        line |= {"sku": "EDS-2Y", "name": "Extended Download Service", "kind": "extended_download"}

    def add_line(self, order: JsonObject, store: DemoStore, euro: Decimal, *, discount: bool = False) -> JsonObject:
        """Add a line with prices only, and return it for the caller to add the product."""
        price = round_amount(euro * store.rate, store)
        off = round_amount(price * Decimal("0.2"), store) if discount else Decimal(0)
        rate = TAX_PERCENT[order["billing"]["country"]]
        tax = round_amount((price - off) * Decimal(rate) / 100, store)
        line: JsonObject = {
            "id": str(len(order["lines"]) + 1),
            "kind": "new",
            "quantity": 1,
            "unit_price": str(price),
            "discount": str(off),
            "tax_rate": rate,
            "tax": str(tax),
            "total": str(price - off + tax),
        }
        order["lines"].append(line)
        return line

    def with_totals(self, order: JsonObject, store: DemoStore) -> JsonObject:
        sums = {
            name: sum((Decimal(line[column]) for line in order["lines"]), Decimal(0))
            for name, column in (
                ("subtotal", "unit_price"),
                ("discount", "discount"),
                ("tax", "tax"),
                ("total", "total"),
            )
        }
        return order | {"totals": {name: str(value) for name, value in sums.items()}}

    def with_refund(self, order: JsonObject, store: DemoStore) -> JsonObject:
        lines = order["lines"]
        if order["status"] == "partially_refunded" and len(lines) == 1:
            order["status"] = "refunded"
        if order["status"] not in ("refunded", "partially_refunded"):
            return order
        returned = lines if order["status"] == "refunded" else lines[-1:]
        at = datetime.fromisoformat(order["placed_at"]) + timedelta(days=self.random.randint(1, 3), hours=2)
        refund = {
            "id": f"R-{order['number']}",
            "amount": str(sum((Decimal(line["total"]) for line in returned), Decimal(0))),
            "at": at.isoformat(timespec="seconds"),
            "lines": [{"id": line["id"], "quantity": 1} for line in returned],
        }
        return order | {"refunds": [refund], "updated_at": refund["at"]}

    # --- Random values -----------------------------------------------------------------------------------

    def random_buyer(self) -> tuple[DemoStore, DemoBuyer]:
        if self.licenses and self.random.random() < RETURNING_BUYER_SHARE:
            earlier = self.random.choice(self.licenses)
            return earlier.store, earlier.buyer
        store = self.random.choices(STORES, [store.weight for store in STORES])[0]
        first, last = self.random.choice(FIRST_NAMES), self.random.choice(LAST_NAMES)
        email = f"{first}.{last}@{self.random.choice(('example.com', 'example.org', 'example.net'))}".lower()
        return store, DemoBuyer(f"{first} {last}", email, *self.random.choice(STORE_CITIES[store.slug]))

    def random_payment(self) -> JsonObject:
        method = self.random.choices(("card", "wallet", "paypal", "bank_transfer"), (60, 15, 17, 8))[0]
        if method in ("paypal", "bank_transfer"):
            return {"method": method}
        card: JsonObject = {"method": "card", "brand": self.random.choice(CARD_BRANDS), "last4": self.random_digits(4)}
        if method == "wallet":
            card |= {"wallet": self.random.choice(("apple_pay", "google_pay")), "device_last4": self.random_digits(4)}
        return card

    def random_serial(self, product: DemoProduct) -> str:
        """A serial number such as XAAB-1234-…; T, which is no product's prefix, stands in for a missing prefix."""
        letters = "".join(self.random.choices("BCDFGHJKLRSTVWZ", k=3))
        return "-".join([f"{product.prefix or 'T'}{letters}", *(self.random_digits(4) for _group in range(4))])

    def random_digits(self, count: int) -> str:
        return "".join(self.random.choices("0123456789", k=count))


def sku_code(product: DemoProduct, devices: int) -> str:
    return f"{product.sku}-{devices}D-1Y"


def product_title(product: DemoProduct, devices: int) -> str:
    return f"{product.name}, {devices} {'device' if devices == 1 else 'devices'}, 1 year"


def round_amount(value: Decimal, store: DemoStore) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-store.decimals))


def write_orders_file(path: Path, now: datetime) -> int:
    """Write all orders to a JSON Lines file atomically. Returns the number of orders."""
    lines = [json.dumps(order, ensure_ascii=False) + "\n" for order in OrderGenerator(now).generate()]
    unfinished = path.with_suffix(".part")
    unfinished.write_text("".join(lines), encoding="utf-8")
    unfinished.replace(path)
    return len(lines)
