"""About 300 orders of the invented vendor, in the portal's own format.

The same at every call but for the dates, which are counted back from now. Each part of the page
about orders has somebody who needs it: renewals, upgrades, wallets, refunds, missing serial numbers.
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
    CARD_LAST4,
    DEVICES,
    ORDER_PASSWORD,
    PASSWORD_ORDER,
    PRODUCTS,
    STORES,
    WITH_CARD,
    WITH_PASSWORD,
    WITH_PAYPAL,
    Buyer,
    SampleProduct,
    SampleStore,
)

Json = dict[str, Any]

SEED = 20417
MANY = 290  # beside those of the people in the table
YEAR = timedelta(days=365)
OLDEST = timedelta(days=900)
# Placed within the last three days, so that their confirmations arrive in the inbox.
NEW_HOURS = (2, 7, 19, 30, 52)
RETURNING_SHARE = 0.25
EXTENDED_DOWNLOAD_SHARE = 0.15
EXTENDED_DOWNLOAD_PRICE = Decimal("8.39")
TAX = {"DE": "19", "AT": "20", "FR": "20", "IE": "23", "NL": "21", "US": "8.25", "CA": "5", "JP": "10"}

FIRST_NAMES = ("Alma", "Bruno", "Carla", "Dario", "Edda", "Fabian", "Greta", "Hugo", "Ines", "Jakob", "Mila", "Rosa")
LAST_NAMES = ("Adler", "Brandt", "Castell", "Dorn", "Engel", "Falk", "Grimm", "Hagen", "Iversen", "Jansen", "Novak")
PLACES = {
    "tarnholt-eu": (
        ("Hamburg", "20095", "DE", "de"),
        ("Graz", "8010", "AT", "de"),
        ("Lyon", "69002", "FR", "en"),
        ("Cork", "T12 AB34", "IE", "en"),
        ("Utrecht", "3511", "NL", "en"),
    ),
    "tarnholt-us": (
        ("Portland", "97201", "US", "en"),
        ("Austin", "78701", "US", "en"),
        ("Toronto", "M5H 2N2", "CA", "en"),
    ),
    "tarnholt-jp": (("Osaka", "530-0001", "JP", "en"), ("Sapporo", "060-0001", "JP", "en")),
}
STATUSES = ("completed",) * 30 + ("pending", "cancelled", "refunded", "partially_refunded", "charged_back")
CARD_BRANDS = ("visa", "mastercard", "amex", "discover", "jcb")


@dataclass
class Owned:
    """A license that somebody has, so that a later order can carry it on."""

    buyer: Buyer
    store: SampleStore
    product: SampleProduct
    serial: str
    devices: int
    expires_on: date


@dataclass
class Maker:
    """Makes one order after the other; `now` is what the dates are counted back from."""

    now: datetime
    random: Random = field(default_factory=lambda: Random(SEED))  # noqa: S311 (sample content, no secret)
    numbers: dict[str, int] = field(default_factory=dict)
    owned: list[Owned] = field(default_factory=list)

    def all(self) -> Iterator[Json]:
        """Every order, oldest first."""
        yield from self.of_the_people_in_the_table()
        self.owned.clear()  # what they can find is what the table says
        new = [timedelta(hours=hours) for hours in NEW_HOURS]
        old = [timedelta(seconds=self.random.randint(4 * 86400, int(OLDEST.total_seconds()))) for _ in range(MANY)]
        for age in sorted(old + new, reverse=True):
            yield self.any_order(self.now - age)

    # --- Whole orders ----------------------------------------------------------------------------------

    def of_the_people_in_the_table(self) -> Iterator[Json]:
        """Those whose credentials are printed at the start."""
        europe, maximum, internet, antivirus, *_others = STORES[0], *PRODUCTS
        card = {"method": "card", "brand": "visa", "last4": CARD_LAST4}
        wallet = card | {"wallet": "apple_pay", "device_last4": "1881"}

        old = self.order(europe, WITH_CARD, self.now - timedelta(days=395), card)
        self.add_license(old, europe, WITH_CARD, antivirus, devices=3)
        yield self.total(old, europe)
        renewed = self.order(europe, WITH_CARD, self.now - timedelta(days=31), card)
        self.add_carried_on(renewed, self.owned[-1], self.owned[-1].product, "renewal")
        yield self.total(renewed, europe)
        second = self.order(europe, WITH_CARD, self.now - timedelta(days=12), wallet)
        self.add_license(second, europe, WITH_CARD, maximum, devices=5)
        self.add_extended_download(second, europe)
        yield self.total(second, europe)

        known = self.order(europe, WITH_PASSWORD, self.now - timedelta(days=9), card | {"last4": "0005"})
        known |= {"number": PASSWORD_ORDER, "password": ORDER_PASSWORD}
        self.add_license(known, europe, WITH_PASSWORD, maximum, devices=3)
        self.add_extended_download(known, europe)
        yield self.total(known, europe)

        paypal = self.order(europe, WITH_PAYPAL, self.now - timedelta(hours=5), {"method": "paypal"})
        self.add_license(paypal, europe, WITH_PAYPAL, internet, devices=1)
        yield self.total(paypal, europe)

    def any_order(self, placed_at: datetime) -> Json:
        carried = self.expiring_at(placed_at.date())
        if carried is not None:
            return self.carrying_on(carried, placed_at)
        store, buyer = self.any_buyer()
        order = self.order(store, buyer, placed_at, self.any_payment())
        order["status"] = self.random.choice(STATUSES) if placed_at < self.now - timedelta(days=4) else "completed"
        for _item in range(self.random.choice((1, 1, 1, 1, 2))):
            self.add_license(order, store, buyer, self.random.choice(PRODUCTS), self.random.choice(DEVICES))
        if self.random.random() < EXTENDED_DOWNLOAD_SHARE:
            self.add_extended_download(order, store)
        if order["status"] in ("pending", "cancelled") or self.random.random() < 0.03:
            for line in order["lines"]:
                line.pop("licenses", None)  # not yet delivered, or lost on its way
        return self.with_refund(self.total(order, store), store)

    def carrying_on(self, owned: Owned, placed_at: datetime) -> Json:
        """A renewal, or an upgrade to the vendor's largest product with a prefix."""
        order = self.order(owned.store, owned.buyer, placed_at, self.any_payment())
        upgrade = owned.product is not PRODUCTS[0] and self.random.random() < 0.3
        product = PRODUCTS[0] if upgrade else owned.product
        self.add_carried_on(order, owned, product, "upgrade" if upgrade else "renewal")
        return self.total(order, owned.store)

    def expiring_at(self, day: date) -> Owned | None:
        """A license near its end, for two in three such moments; each is carried on once."""
        for owned in self.owned:
            if abs((owned.expires_on - day).days) < 20 and self.random.random() < 0.66:
                self.owned.remove(owned)
                return owned
        return None

    # --- Parts of an order -----------------------------------------------------------------------------

    def order(self, store: SampleStore, buyer: Buyer, placed_at: datetime, payment: Json) -> Json:
        number = self.numbers.get(store.slug, 20500) + self.random.randint(1, 9)
        self.numbers[store.slug] = number
        order: Json = {
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

    def add_license(self, order: Json, store: SampleStore, buyer: Buyer, product: SampleProduct, devices: int) -> None:
        placed = datetime.fromisoformat(order["placed_at"])
        owned = Owned(buyer, store, product, self.serial(product), devices, placed.date() + YEAR)
        activated = placed + timedelta(hours=self.random.randint(1, 90))
        license = {
            "serial": owned.serial,
            "devices": devices,
            "starts_on": placed.date().isoformat(),
            "expires_on": owned.expires_on.isoformat(),
            "activated_at": activated.isoformat(timespec="seconds") if activated < self.now else None,
        }
        line = self.line(order, store, product.price * (1 + Decimal(devices - 1) / 5))
        line |= {"sku": sku(product, devices), "name": title(product, devices), "licenses": [license]}
        self.owned.append(owned)

    def add_carried_on(self, order: Json, owned: Owned, product: SampleProduct, kind: str) -> None:
        line = self.line(order, owned.store, product.price * (1 + Decimal(owned.devices - 1) / 5), discount=True)
        starts_on = datetime.fromisoformat(order["placed_at"]).date()
        license = {
            "serial": owned.serial,
            "devices": owned.devices,
            "expires_on": (max(owned.expires_on, starts_on) + YEAR).isoformat(),
        }
        line |= {"sku": sku(product, owned.devices), "name": title(product, owned.devices), "licenses": [license]}
        line |= {"kind": kind, "extends": owned.serial}

    def add_extended_download(self, order: Json, store: SampleStore) -> None:
        line = self.line(order, store, EXTENDED_DOWNLOAD_PRICE)
        line |= {"sku": "EDS-2Y", "name": "Extended Download Service", "kind": "extended_download"}

    def line(self, order: Json, store: SampleStore, euro: Decimal, *, discount: bool = False) -> Json:
        """Add a line with its prices; what was sold is for the caller."""
        price = amount(euro * store.rate, store)
        off = amount(price * Decimal("0.2"), store) if discount else Decimal(0)
        rate = TAX[order["billing"]["country"]]
        tax = amount((price - off) * Decimal(rate) / 100, store)
        line: Json = {
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

    def total(self, order: Json, store: SampleStore) -> Json:
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

    def with_refund(self, order: Json, store: SampleStore) -> Json:
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

    # --- Chance ------------------------------------------------------------------------------------------

    def any_buyer(self) -> tuple[SampleStore, Buyer]:
        if self.owned and self.random.random() < RETURNING_SHARE:
            earlier = self.random.choice(self.owned)
            return earlier.store, earlier.buyer
        store = self.random.choices(STORES, [store.weight for store in STORES])[0]
        first, last = self.random.choice(FIRST_NAMES), self.random.choice(LAST_NAMES)
        email = f"{first}.{last}@{self.random.choice(('example.com', 'example.org', 'example.net'))}".lower()
        return store, Buyer(f"{first} {last}", email, *self.random.choice(PLACES[store.slug]))

    def any_payment(self) -> Json:
        method = self.random.choices(("card", "wallet", "paypal", "bank_transfer"), (60, 15, 17, 8))[0]
        if method in ("paypal", "bank_transfer"):
            return {"method": method}
        card: Json = {"method": "card", "brand": self.random.choice(CARD_BRANDS), "last4": self.digits(4)}
        if method == "wallet":
            card |= {"wallet": self.random.choice(("apple_pay", "google_pay")), "device_last4": self.digits(4)}
        return card

    def serial(self, product: SampleProduct) -> str:
        """XAAB-1234-…: the prefix stands first; a product without one begins with a letter that is none."""
        letters = "".join(self.random.choices("BCDFGHJKLRSTVWZ", k=3))
        return "-".join([f"{product.prefix or 'T'}{letters}", *(self.digits(4) for _group in range(4))])

    def digits(self, count: int) -> str:
        return "".join(self.random.choices("0123456789", k=count))


def sku(product: SampleProduct, devices: int) -> str:
    return f"{product.sku}-{devices}D-1Y"


def title(product: SampleProduct, devices: int) -> str:
    return f"{product.name}, {devices} {'device' if devices == 1 else 'devices'}, 1 year"


def amount(value: Decimal, store: SampleStore) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-store.decimals))


def write(path: Path, now: datetime) -> int:
    """Write all orders to a JSON Lines file, which is there wholly or not at all. Returns how many."""
    lines = [json.dumps(order, ensure_ascii=False) + "\n" for order in Maker(now).all()]
    unfinished = path.with_suffix(".part")
    unfinished.write_text("".join(lines), encoding="utf-8")
    unfinished.replace(path)
    return len(lines)
