"""The groups of results, each only for staff who may view what it shows."""

import string
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from cases.models import REFERENCE_ALPHABET, REFERENCE_LENGTH
from desk.access import may_view
from desk.limits import TimeLimit, time_limit
from desk.one_slip import ADDRESS_CHARACTERS, one_slip_apart
from desk.person_keys import make_person_key
from desk.search.orders import (
    ENOUGH,
    MAX_READ,
    MIN_SIMILAR,
    OrderMatches,
    load_orders,
    match_orders,
    match_similar_orders,
)
from desk.search.probes import REFERENCES, SERIAL, THREAD_ADDRESS
from desk.search.reasons import Reason
from desk.search.terms import Term
from licenses.models import License, LicensedLine, SerialPrefix
from notifications import kinds
from notifications.codes import CODE_ALPHABET, CODE_LENGTH
from notifications.models import Message
from orders.admin_cells import admin_url, minute
from orders.formats import card_brand
from orders.models import Order
from orders.money import format_money
from support.models import Article, ArticleVersion, Thread
from support.search import search_articles

SHOWN = 5  # results of a group
MAX_RELATED = 20  # orders, whose licenses, cases and emails are shown
CASE_MODELS: tuple[Any, ...] = tuple(REFERENCES)


@dataclass(frozen=True)
class Result:
    title: str
    url: str
    why: str


LazyResult = Callable[[], Result]


@dataclass
class Group:
    """Results of one kind, best first."""

    name: str
    label: str | Promise
    icon: str
    results: list[Result] = field(default_factory=list)
    has_more: bool = False

    def fill(self, results: Sequence[LazyResult], has_more: bool = False) -> None:
        """Show the first results. The others are not made, because a person's key takes time to encrypt."""
        self.results = [result() for result in results[:SHOWN]]
        self.has_more = has_more or len(results) > SHOWN


@dataclass
class Found:
    """The groups of a search, all of them, some empty. `is_incomplete` if the time limit stopped a query."""

    groups: list[Group]
    is_incomplete: bool = False

    @property
    def is_anything(self) -> bool:
        return any(group.results for group in self.groups)

    def as_json(self) -> dict[str, Any]:
        answer: dict[str, Any] = {
            group.name: [{"title": each.title, "url": each.url, "why": each.why} for each in group.results]
            for group in self.groups
        }
        return answer | {
            "more": [group.name for group in self.groups if group.has_more],
            "incomplete": self.is_incomplete,
        }


def search(typed: str, user: Any) -> Found:
    """Search for what was typed, as far as the user may view it. The number of queries doesn't depend on the rows."""
    groups = [
        Group("people", _("People"), "person"),
        Group("orders", _("Orders"), "shopping_cart"),
        Group("licenses", _("Licenses"), "key"),
        Group("cases", _("Cases and threads"), "inbox"),
        Group("emails", _("Emails"), "mail"),
        Group("articles", _("Help articles"), "help"),
    ]
    term = Term.read(typed)
    if not term.words:
        return Found(groups)
    with time_limit() as limit:
        _Search(term, user, limit).fill(*groups)
    return Found(groups, limit.was_exceeded)


class _Search:
    """One search. What was found by a serial number, a reference or a code also leads to its order."""

    def __init__(self, term: Term, user: Any, limit: TimeLimit) -> None:
        self.term, self.user, self.limit = term, user, limit
        self.licenses: dict[int, Reason] = {}
        self.cases: list[tuple[Any, Reason]] = []
        self.emails: list[tuple[Message, Reason]] = []
        self.thread_keys: dict[str, Reason] = {}

    def fill(self, people: Group, orders: Group, licenses: Group, cases: Group, emails: Group, articles: Group) -> None:
        matches = self._match()
        found = load_orders(self.term, matches)
        self._fill_people(people, found, matches)
        orders.fill([partial(_order_result, each, matches.reasons[each.pk]) for each in found], matches.has_more)
        related = [each for each in found if matches.reasons[each.pk].identifies][:MAX_RELATED]
        self._fill_licenses(licenses, related)
        self._fill_cases(cases, related)
        self._fill_emails(emails, related)
        self._fill_articles(articles, reads_texts=not matches.has_good())

    def _match(self) -> OrderMatches:
        """Look up the term itself; if that finds little, also what is one slip apart from it."""
        matches = OrderMatches(self.limit)
        self._match_licenses()
        self._match_cases()
        self._match_emails()
        self._match_threads()
        if self._may_view(Order):
            self._add_orders_of_matches(matches)
            match_orders(self.term, matches)
        if matches.has_enough() or self.licenses or self.cases or self.emails or self.thread_keys:
            return matches
        self._match_similar_licenses()
        self._match_similar_cases()
        self._match_similar_emails()
        self._match_similar_threads()
        if self._may_view(Order):
            self._add_orders_of_matches(matches)
            match_similar_orders(self.term, matches)
        return matches

    def _may_view(self, *models: Any) -> bool:
        return may_view(self.user, *models)

    def _load(self, rows: Callable[[], Iterable[Any]]) -> list[Any]:
        return self.limit.load(rows)

    # --- Matches of the term itself ---

    def _match_licenses(self) -> None:
        serial = self.term.serial
        if not serial or not self._may_view(License):
            return
        self._add_licenses(self._load(partial(SERIAL.equal, [serial], 1, 1)), Reason.SERIAL)
        if self.licenses:
            return
        self._add_licenses(self._load(partial(SERIAL.beginning, [serial], MAX_READ, MAX_READ)), Reason.SERIAL_BEGINNING)
        prefixes = self._load(lambda: SerialPrefix.objects.values_list("prefix", flat=True))
        complete = [f"{prefix}{serial}" for prefix in prefixes]
        self._add_licenses(self._load(partial(SERIAL.beginning, complete, ENOUGH, MAX_READ)), Reason.SERIAL_DIGITS)

    def _match_similar_licenses(self) -> None:
        serial = self.term.serial
        if len(serial) >= MIN_SIMILAR and self._may_view(License):
            similar = list(one_slip_apart(serial, string.ascii_uppercase + string.digits))
            self._add_licenses(self._load(partial(SERIAL.equal, similar, 1, MAX_READ)), Reason.SERIAL_SLIP)

    def _add_licenses(self, ids: Iterable[int], reason: Reason) -> None:
        for pk in ids:
            self.licenses.setdefault(pk, reason)

    def _match_cases(self) -> None:
        reference, beginning = self.term.reference, self.term.reference_beginning
        if reference:
            self._add_cases([reference], Reason.REFERENCE)
        if beginning and not self.cases:
            for model in self._visible_case_models:
                if beginning[0] in _reference_prefixes(model):
                    rows = _shown(model).filter(reference__startswith=beginning).order_by("-created_at")
                    found = self._load(lambda rows=rows: rows[: SHOWN + 1])  # type: ignore[misc]
                    self.cases += [(case, Reason.REFERENCE_BEGINNING) for case in found]

    def _match_similar_cases(self) -> None:
        similar = one_slip_apart(self.term.reference, REFERENCE_ALPHABET)
        self._add_cases([code for code in similar if len(code) == REFERENCE_LENGTH], Reason.REFERENCE_SLIP)

    def _add_cases(self, codes: list[str], reason: Reason) -> None:
        """Add the cases with one of these codes after the prefix. A wrong prefix doesn't matter."""
        if not codes:
            return
        for model in self._visible_case_models:
            references = [f"{prefix}-{code}" for prefix in _reference_prefixes(model) for code in codes]
            ids = self._load(partial(REFERENCES[model].equal, references, 1, SHOWN + 1))
            if ids:
                rows = _shown(model).filter(pk__in=ids)
                self.cases += [(case, reason) for case in self._load(rows.all)]

    @property
    def _visible_case_models(self) -> list[Any]:
        return [model for model in CASE_MODELS if self._may_view(model)]

    def _match_emails(self) -> None:
        self._add_emails([self.term.email_code], Reason.CODE)

    def _match_similar_emails(self) -> None:
        similar = one_slip_apart(self.term.email_code, CODE_ALPHABET)
        self._add_emails([code for code in similar if len(code) == CODE_LENGTH], Reason.CODE_SLIP)

    def _add_emails(self, codes: list[str], reason: Reason) -> None:
        if self.term.email_code and codes and self._may_view(Message):
            rows = Message.objects.filter(code__in=codes)
            self.emails += [(message, reason) for message in self._load(lambda: rows[: SHOWN + 1])]

    def _match_threads(self) -> None:
        """Find addresses of people who wrote to support, and may have no orders."""
        self._add_threads([self.term.address], Reason.ADDRESS)

    def _match_similar_threads(self) -> None:
        self._add_threads(one_slip_apart(self.term.address, ADDRESS_CHARACTERS), Reason.ADDRESS_SLIP)

    def _add_threads(self, addresses: Iterable[str], reason: Reason) -> None:
        if not self.term.has_at or not self._may_view(Thread):
            return
        ids = self._load(partial(THREAD_ADDRESS.equal, addresses, 1, MAX_READ))
        if ids:
            keys = Thread.objects.filter(pk__in=ids).values_list("email_key", flat=True)
            self.thread_keys |= dict.fromkeys(self._load(lambda: keys), reason)

    def _add_orders_of_matches(self, matches: OrderMatches) -> None:
        """Add the orders of the licenses, cases and emails that were found. At most one query."""
        for case, reason in self.cases:
            if case.order_id:
                matches.add([case.order_id], reason)
        for message, reason in self.emails:
            if message.order_id:
                matches.add([message.order_id], reason)
        if self.licenses:
            lines = LicensedLine.objects.filter(license__in=list(self.licenses)).order_by("-order_id")
            for license_id, order_id in self._load(lambda: lines.values_list("license_id", "order_id")[:MAX_READ]):
                matches.add([order_id], self.licenses[license_id])

    # --- Groups ---

    def _fill_people(self, group: Group, orders: list[Order], matches: OrderMatches) -> None:
        found: dict[str, tuple[int, LazyResult]] = {}
        for order in orders:
            if order.email_key and order.email_key not in found:
                reason = matches.reasons[order.pk]
                title = " · ".join(part for part in (order.billing_name, order.email) if part)
                result = partial(_person_result, order.email_key, title, _why(order, reason))
                found[order.email_key] = (reason.tier, result)
        for key, reason in self.thread_keys.items():
            found.setdefault(key, (reason.tier, partial(_person_result, key, key, str(reason.label))))
        best = sorted(found.values(), key=lambda each: each[0])
        group.fill([result for _tier, result in best], matches.has_more)

    def _fill_licenses(self, group: Group, orders: list[Order]) -> None:
        if not self._may_view(License):
            return
        if orders and len(self.licenses) < SHOWN:
            lines = LicensedLine.objects.filter(order__in=orders).order_by("-order_id", "pk")
            self._add_licenses(
                self._load(lambda: lines.values_list("license_id", flat=True)[:MAX_READ]), Reason.RELATED
            )
        if self.licenses:
            rows = License.objects.filter(pk__in=list(self.licenses)).select_related("product")
            found = self._load(lambda: rows)
            found.sort(key=lambda each: (self.licenses[each.pk].tier, -each.pk))
            group.fill([partial(_license_result, each, self.licenses[each.pk]) for each in found])

    def _fill_cases(self, group: Group, orders: list[Order]) -> None:
        found = {(type(case), case.pk): (case, reason) for case, reason in self.cases}
        if len(found) < SHOWN:
            for model in self._visible_case_models:
                related = Q(order__in=[order.pk for order in orders])
                if model is Thread:
                    related |= Q(
                        email_key__in=[*self.thread_keys, *(order.email_key for order in orders)], email_key__gt=""
                    )
                rows = _shown(model).filter(related).order_by("-created_at")
                for case in self._load(lambda rows=rows: rows[: SHOWN + 1]):  # type: ignore[misc]
                    found.setdefault((model, case.pk), (case, Reason.RELATED))
        best = sorted(found.values(), key=lambda each: (each[1].tier, -each[0].created_at.timestamp()))
        group.fill([partial(_case_result, case, reason) for case, reason in best])

    def _fill_emails(self, group: Group, orders: list[Order]) -> None:
        if not self._may_view(Message):
            return
        found = {message.pk: (message, reason) for message, reason in self.emails}
        if len(found) < SHOWN and orders:
            about = Q(order_id__in=[order.pk for order in orders])
            rows = Message.objects.filter(about).newest_first()
            for message in self._load(lambda: rows[: SHOWN + 1]):
                found.setdefault(message.pk, (message, Reason.RELATED))
        group.fill([partial(_email_result, message, reason) for message, reason in found.values()])

    def _fill_articles(self, group: Group, reads_texts: bool) -> None:
        """Search titles, and unless the term is more likely a person or an order, whole articles. This takes longer."""
        words = [word for word in self.term.words if sum(map(str.isalpha, word)) > 2]
        if not words or self.term.has_at or not self._may_view(Article):
            return
        language, now = get_language() or "", timezone.now()
        found = self._load(partial(search_articles, self.term.text, language, now)) if reads_texts else []
        results = {each.article_id: partial(_article_result, each, gettext("published article")) for each in found}
        if self._may_view(ArticleVersion):
            titled = Q()
            for word in words:
                titled &= Q(title__icontains=word) | Q(article__slug__icontains=word)
            drafts = ArticleVersion.objects.filter(titled).defer("search", "body").order_by("-pk")
            for each in self._load(lambda: drafts[: SHOWN + 1]):
                results.setdefault(each.article_id, partial(_article_result, each, gettext("title")))
        group.fill(list(results.values()))


def _shown(model: Any) -> Any:
    """Return all cases, with only what a result shows: not, for example, bank details."""
    return model.objects.only("reference", "status", "created_at", "order", *(["kind"] if model is Thread else []))


def _reference_prefixes(model: Any) -> list[str]:
    return list(model.REFERENCE_PREFIXES.values()) if model is Thread else [model.REFERENCE_PREFIX]


# --- One result ------------------------------------------------------------------------------------------------------


def _why(order: Order, reason: Reason) -> str:
    """The reason, with the value that was found if the title doesn't contain it."""
    if reason is Reason.CARD:
        last4 = order.card_last4 or order.device_last4
        return (
            f"{reason.label}: {card_brand(order.card_brand)} {last4}"
            if order.card_brand
            else f"{reason.label}: {last4}"
        )
    if reason is Reason.POSTCODE:
        return f"{reason.label}: {order.billing_postcode} {order.billing_city}".strip()
    if reason is Reason.AMOUNT:
        return f"{reason.label}: {format_money(order.total, order.currency)}"
    return str(reason.label)


def _person_result(email_key: str, title: str, why: str) -> Result:
    return Result(title, reverse("admin:desk_person", args=[make_person_key(email_key)]), why)


def _order_result(order: Order, reason: Reason) -> Result:
    parts = [order.number, order.billing_name, format_money(order.total, order.currency), f"{order.placed_at:%Y-%m-%d}"]
    return Result(" · ".join(part for part in parts if part), admin_url(order), _why(order, reason))


def _license_result(license: License, reason: Reason) -> Result:
    title = f"{license.serial} · {license.product}" if license.product else license.serial
    return Result(title, admin_url(license), str(reason.label))


def _case_result(case: Any, reason: Reason) -> Result:
    kind = case.get_kind_display() if isinstance(case, Thread) else case._meta.verbose_name
    title = " · ".join([case.reference, str(kind), str(case.get_status_display())])
    return Result(title, admin_url(case), str(reason.label))


def _email_result(message: Message, reason: Reason) -> Result:
    sent = minute(message.sent_at or message.created_at)
    title = " · ".join([str(kinds.label(message.kind)), message.recipient, str(message.get_status_display()), sent])
    return Result(title, admin_url(message), str(reason.label))


def _article_result(version: ArticleVersion, why: str) -> Result:
    return Result(version.title, reverse("admin:support_article_change", args=[version.article_id]), why)
