"""What the portal knows about the person behind one email address."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from django.db.models import Count, Max
from django.utils.translation import get_language_info, gettext

from desk.access import may_view
from desk.person_keys import make_person_key
from desk.similar import SimilarPerson, find_similar
from notifications.models import Message, OptOut
from orders.admin_cells import minute
from orders.models import Order, Store
from orders.models.orders import OrderQuerySet
from orders.money import format_money
from refunds.ledger import CurrencyTotals, sum_by_currency

MAX_ORDERS_READ = 200  # newest orders, whose names, addresses, languages and stores are shown
MAX_SHOWN = 10  # distinct values of each

T = TypeVar("T")


class _OrderFacts(NamedTuple):
    """An order's data about its buyer."""

    number_key: str
    store: str
    language: str
    store_email: str
    contact_email: str
    billing_name: str
    billing_company: str
    billing_address: str
    billing_postcode: str
    billing_city: str
    billing_country: str
    card_last4: str


_COLUMNS = [name if name != "store" else "store__name" for name in _OrderFacts._fields]


class Person:
    """Reads only what `user` may view, and nothing before it is needed."""

    def __init__(self, email_key: str, user: Any) -> None:
        self.email_key = email_key
        self.user = user

    def may_view(self, *models: type[Any]) -> bool:
        return may_view(self.user, *models)

    @cached_property
    def key(self) -> str:
        return make_person_key(self.email_key)

    @property
    def orders(self) -> OrderQuerySet:
        """All orders of the address; none without the permission."""
        return Order.objects.for_email_key(self.email_key if self.may_view(Order) else "")

    @cached_property
    def _facts(self) -> list[_OrderFacts]:
        rows = self.orders.newest_first().values_list(*_COLUMNS)[:MAX_ORDERS_READ]
        return [_OrderFacts(*row) for row in rows] if self.may_view(Order) else []

    @property
    def number_keys(self) -> list[str]:
        """The numbers of the newest orders."""
        return _different(facts.number_key for facts in self._facts)

    @property
    def names(self) -> list[str]:
        return _different(facts.billing_name for facts in self._facts)[:MAX_SHOWN]

    @property
    def emails(self) -> list[str]:
        """The addresses as written by stores and in corrections, including those that were corrected."""
        both = (each.strip() for facts in self._facts for each in (facts.contact_email, facts.store_email))
        return _different(both)[:MAX_SHOWN]

    @property
    def billing_addresses(self) -> list[str]:
        return _different(map(_one_line, self._facts))[:MAX_SHOWN]

    @property
    def languages(self) -> list[str]:
        return _different(_language_name(facts.language) for facts in self._facts)[:MAX_SHOWN]

    @property
    def stores(self) -> list[str]:
        return _different(facts.store for facts in self._facts)[:MAX_SHOWN] if self.may_view(Store) else []

    @cached_property
    def totals(self) -> list[str]:
        """The totals of all orders, one line for each currency."""
        return [_money_line(each) for each in sum_by_currency(self.orders)] if self.may_view(Order) else []

    @cached_property
    def bounces(self) -> str:
        """How many emails to the address bounced, and when the last one did; empty if none bounced."""
        if not self.may_view(Message):
            return ""
        bounced = Message.objects.filter(recipient_key=self.email_key, status=Message.Status.BOUNCED)
        found = bounced.aggregate(number=Count("pk"), last_at=Max("bounced_at"))
        if not found["number"]:
            return ""
        values = {"number": found["number"], "day": minute(found["last_at"])}
        return gettext("%(number)d, the last one on %(day)s") % values

    @cached_property
    def unsubscribed(self) -> str:
        """Since when the address gets no follow-ups, and why; empty if it gets them."""
        opt_out = OptOut.objects.filter(email_key=self.email_key).first() if self.may_view(OptOut) else None
        if opt_out is None:
            return ""
        values = {"day": minute(opt_out.since), "source": opt_out.get_source_display()}
        return gettext("unsubscribed since %(day)s (%(source)s)") % values

    def facts(self) -> list[tuple[str, list[str]]]:
        """The facts at the top of the page: labels with values. Values that the user may not see are omitted."""
        found = []
        if self.may_view(Order):
            found += [
                (gettext("Names"), self.names),
                (gettext("Email addresses on the orders"), self.emails),
                (gettext("Billing addresses"), self.billing_addresses),
                (gettext("Languages"), self.languages),
            ]
            found += [(gettext("Stores"), self.stores)] if self.may_view(Store) else []
            found.append((gettext("Money"), self.totals))
        if self.may_view(Message):
            found.append((gettext("Bounced emails"), [self.bounces or gettext("none")]))
        if self.may_view(OptOut):
            found.append((gettext("Follow-up emails"), [self.unsubscribed or gettext("not unsubscribed")]))
        return found

    @cached_property
    def similar(self) -> list[SimilarPerson]:
        """Addresses that may belong to the same person. Makes two queries."""
        names_and_cards = _different((facts.billing_name, facts.card_last4) for facts in self._facts)
        return find_similar(self.email_key, names_and_cards)


def _different(values: Iterable[T]) -> list[T]:
    """Return each value that isn't empty once, in the sequence of their first occurrence."""
    return list(dict.fromkeys(value for value in values if value))


def _one_line(facts: _OrderFacts) -> str:
    town = f"{facts.billing_postcode} {facts.billing_city}".strip()
    parts = [facts.billing_company, *facts.billing_address.splitlines(), town, facts.billing_country]
    return ", ".join(part.strip() for part in parts if part.strip())


def _language_name(code: str) -> str:
    try:
        return str(get_language_info(code)["name_translated"]) if code else ""
    except KeyError:
        return code


def _money_line(totals: CurrencyTotals) -> str:
    """As in “€79.95 paid, €10.00 refunded”."""
    money = {
        name: format_money(getattr(totals, name), totals.currency) for name in ("paid", "refunded", "charged_back")
    }
    text = gettext("%(paid)s paid, %(refunded)s refunded")
    if totals.charged_back:
        text = gettext("%(paid)s paid, %(refunded)s refunded, %(charged_back)s charged back")
    return text % money
