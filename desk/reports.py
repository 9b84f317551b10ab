"""The reports: numbers about the work of support, each with the list behind it.

Every query is limited to the last days by an index, and none runs once per row.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import (
    Aggregate,
    CharField,
    Count,
    DurationField,
    F,
    Func,
    Model,
    OuterRef,
    Q,
    Subquery,
    Sum,
    Value,
)
from django.db.models.functions import Lower, TruncDate
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from desk.access import may_view
from desk.cells import EMPTY
from desk.charts import Cell, DailyChart, Table
from desk.days import last_days, midnight, on_day, since_day, with_query
from desk.panels import product_search
from desk.work_queues import CASE_TYPES, load_work_queues
from licenses.models import Sku
from notifications.models import Message
from orders import formats
from orders.access import site_failures
from orders.models import Attempt, Order
from refunds.models import Return, ReturnReason
from support.models import Article, ArticleVote, FailedSearch, Thread, ThreadMessage

CHART_DAYS = 14
RATE_DAYS = 30  # of everything that isn't shown by day
MAX_PRODUCTS = 20
MAX_ARTICLES = 10
MAX_DOMAINS = 15
FAILED_OUTCOMES = (Attempt.Outcome.REFUSED, Attempt.Outcome.RATE_LIMITED, Attempt.Outcome.CLIENT_BLOCKED)
TWO_HOURS, TWO_DAYS = timedelta(hours=2), timedelta(days=2)

Figure = tuple[str | Promise, Cell]


@dataclass(frozen=True)
class Section:
    """A part of the page: single figures, charts, tables, and how they are counted."""

    name: str
    title: str | Promise
    note: str | Promise
    figures: list[Figure] = field(default_factory=list)
    charts: list[DailyChart] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    alert: str = ""


@dataclass(frozen=True)
class Report:
    """A section, and the models of which the user must be allowed to view all, or one if `any_of`."""

    load: Callable[[HttpRequest], Section]
    models: tuple[type[Model], ...]
    any_of: bool = False

    def is_visible_to(self, user: Any) -> bool:
        visible = (may_view(user, model) for model in self.models)
        return any(visible) if self.any_of else all(visible)


def may_see_reports(user: Any) -> bool:
    return any(report.is_visible_to(user) for report in REPORTS)


def load_reports(request: HttpRequest) -> list[Section]:
    """Return the sections that the user may see."""
    return [report.load(request) for report in REPORTS if report.is_visible_to(request.user)]


# --- Answers and cases ------------------------------------------------------------------------------------------------


class Percentile(Aggregate):
    """PostgreSQL's percentile_cont; `rank` is between 0 and 1."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(%(rank)s) WITHIN GROUP (ORDER BY %(expressions)s)"


def _first_answers(request: HttpRequest) -> Section:
    first_day = last_days(RATE_DAYS)[0]
    answers = ThreadMessage.objects.answers().filter(case=OuterRef("pk")).order_by("at").values("at")[:1]
    threads = Thread.objects.filter(created_at__gte=midnight(first_day)).annotate(answered_at=Subquery(answers))
    found = threads.annotate(wait=F("answered_at") - F("created_at")).aggregate(
        received=Count("pk"),
        answered=Count("answered_at"),
        median=Percentile("wait", rank=0.5, output_field=DurationField()),
        p90=Percentile("wait", rank=0.9, output_field=DurationField()),
    )
    url = with_query(_list_url(Thread), {"todo": "all"} | since_day("created_at", first_day))
    counts = {"answered": formats.count(found["answered"]), "received": formats.count(found["received"])}
    answered = gettext("%(answered)s of %(received)s") % counts
    return Section(
        "first-answers",
        _("First answer to threads"),
        _(
            "Threads received in the last 30 days: the time from the buyer’s first message to the first answer or"
            " question from support. Threads that aren’t answered yet have no time."
        ),
        figures=[
            (_("Median"), Cell(_duration(found["median"]), url)),
            (_("90% within"), Cell(_duration(found["p90"]), url)),
            (_("Answered"), Cell(answered, url)),
        ],
    )


def _in_and_out(request: HttpRequest) -> Section:
    days = last_days(CHART_DAYS)
    queues = {queue.case_type: queue for queue in load_work_queues(request)}
    counts = _received_and_decided(list(queues), days)
    charts = []
    for case_type in queues:
        received, decided = counts[case_type]
        name = capfirst(str(case_type._meta.verbose_name_plural))
        charts.append(
            DailyChart(
                f"cases-{case_type._meta.model_name}",
                name,
                (gettext("Received"), gettext("Decided or answered")),
                days,
                received,
                decided,
                Table(
                    name,
                    [_("Day"), _("Received"), _("Decided or answered")],
                    [
                        [
                            Cell(day.isoformat()),
                            _number(into, case_type, {"todo": "all"} | on_day("created_at", day)),
                            _number(out, case_type, {"todo": "all"} | _decided_on(case_type, day)),
                        ]
                        for day, into, out in reversed(list(zip(days, received, decided, strict=True)))
                    ],
                ),
            )
        )
    return Section(
        "cases",
        _("Received and decided, last 14 days"),
        _(
            "A case counts as decided on the day when it was approved, declined or canceled, and a thread on each day"
            " when it was answered or closed."
        ),
        figures=[
            (
                gettext("Oldest waiting: %(queue)s") % {"queue": queue.name},
                Cell(_duration(timezone.now() - queue.oldest) if queue.oldest else EMPTY, queue.oldest_url),
            )
            for queue in queues.values()
        ],
        charts=charts,
    )


def _received_and_decided(case_types: list[Any], days: list[date]) -> dict[Any, tuple[list[int], list[int]]]:
    """Return for each kind of case how many were received and decided on each day. Makes one query."""
    since = midnight(days[0])
    parts = []
    for case_type in case_types:
        label = case_type._meta.label
        parts.append(_by_day(case_type._default_manager.all(), "created_at", since, f"{label} in", Count("pk")))
        if case_type is Thread:
            decided, count = ThreadMessage.objects.decisive(), Count("case", distinct=True)
            parts.append(_by_day(decided, "at", since, f"{label} out", count))
        else:
            parts.append(_by_day(case_type._default_manager.all(), "decided_at", since, f"{label} out", Count("pk")))
    rows = parts[0].union(*parts[1:], all=True) if parts else []
    found = {(row["label"], row["day"]): row["number"] for row in rows}
    return {
        case_type: (
            [found.get((f"{case_type._meta.label} in", day), 0) for day in days],
            [found.get((f"{case_type._meta.label} out", day), 0) for day in days],
        )
        for case_type in case_types
    }


def _by_day(rows: Any, moment: str, since: Any, label: str, count: Aggregate) -> Any:
    found = rows.filter(**{f"{moment}__gte": since}).order_by()
    return found.values(label=Value(label), day=TruncDate(moment)).annotate(number=count)


def _decided_on(case_type: Any, day: date) -> dict[str, str]:
    """Return the query of the list that shows what was decided on this day."""
    return {"answered_on": day.isoformat()} if case_type is Thread else on_day("decided_at", day)


# --- Returns ----------------------------------------------------------------------------------------------------------


def _returns(request: HttpRequest) -> Section:
    first_day = last_days(RATE_DAYS)[0]
    since = midnight(first_day)
    orders = Order.objects.filter(placed_at__gte=since, is_test=False).count()
    reasons = dict(
        Return.objects.filter(created_at__gte=since).order_by().values_list("reason").annotate(number=Count("pk"))
    )
    returns = sum(reasons.values())
    names = {reason.pk: reason.label for reason in ReturnReason.objects.filter(pk__in=reasons)}
    received = {"todo": "all"} | since_day("created_at", first_day)
    placed = since_day("placed_at", first_day) | {"is_test__exact": "0"}
    by_reason = sorted(reasons.items(), key=lambda each: (-each[1], each[0]))
    by_product = _returns_by_product(since)
    highest = max((Decimal(number) / sold for _pk, _name, number, sold in by_product if sold), default=Decimal(0))
    return Section(
        "returns",
        _("Returns as a rate of orders, last 30 days"),
        _(
            "Returns received in the last 30 days, compared with the orders placed in the same days, without test"
            " orders. The product is that of the item’s SKU; a return of several products counts for each."
        ),
        figures=[
            (_("Returns received"), _number(returns, Return, received)),
            (_("Orders placed"), _number(orders, Order, placed)),
            (_("Rate"), Cell(_rate(returns, orders), with_query(_list_url(Return), received))),
        ],
        tables=[
            Table(
                gettext("By reason"),
                [_("Reason"), _("Returns received"), _("Rate of all orders"), _("Share of the most frequent reason")],
                [
                    [
                        Cell(names.get(pk, EMPTY)),
                        _number(number, Return, received | {"reason__id__exact": str(pk)}),
                        Cell(_rate(number, orders)),
                        Cell("", share=number / by_reason[0][1]),
                    ]
                    for pk, number in by_reason
                ],
            ),
            Table(
                gettext("By product"),
                [_("Product"), _("Returns received"), _("Orders placed"), _("Rate"), _("Share of the highest rate")],
                [
                    [
                        Cell(name),
                        _number(number, Return, received | {"product": str(pk)}),
                        _number(sold, Order, placed | {"q": product_search(pk, first_day)}),
                        Cell(_rate(number, sold)),
                        Cell("", share=float(Decimal(number) / sold / highest) if sold and highest else 0),
                    ]
                    for pk, name, number, sold in by_product
                ],
            ),
        ],
    )


def _returns_by_product(since: Any) -> list[tuple[int, str, int, int]]:
    """Return ids and names of products, their returns and orders since then; those with most returns first."""
    products = Sku.objects.filter(product__isnull=False).order_by().values_list("product")
    returned = products.filter(
        store__orders__returns__created_at__gte=since, store__orders__returns__lines__line__sku=F("code")
    ).annotate(number=Count("store__orders__returns", distinct=True))
    sold = products.filter(
        store__orders__placed_at__gte=since, store__orders__is_test=False, store__orders__lines__sku=F("code")
    ).annotate(number=Count("store__orders", distinct=True))
    most = list(
        returned.values_list("product", "product__name", "number").order_by("-number", "product")[:MAX_PRODUCTS]
    )
    orders = dict(sold)
    return [(pk, name, number, orders.get(pk, 0)) for pk, name, number in most]


# --- Help -------------------------------------------------------------------------------------------------------------


def _help(request: HttpRequest) -> Section:
    first_day = last_days(RATE_DAYS)[0]
    since, user = midnight(first_day), request.user
    figures: list[Figure] = []
    tables: list[Table] = []
    helped = threads = None
    if may_view(user, Article):
        votes = ArticleVote.objects.filter(at__gte=since)
        totals = votes.aggregate(yes=Count("pk", filter=Q(helped=True)), no=Count("pk", filter=Q(helped=False)))
        helped, url = totals["yes"], _list_url(Article)
        figures += [
            (_("Votes “helped”"), Cell(formats.count(helped), url)),
            (_("Votes “didn’t help”"), Cell(formats.count(totals["no"]), url)),
        ]
        tables.append(_article_table(votes))
    if may_view(user, FailedSearch):
        terms = FailedSearch.objects.filter(last_at__gte=since).count()
        figures.append(
            (_("Search terms without a result"), _number(terms, FailedSearch, since_day("last_at", first_day)))
        )
    if may_view(user, Thread):
        threads = Thread.objects.filter(created_at__gte=since).count()
        query = {"todo": "all"} | since_day("created_at", first_day)
        figures.append((_("Threads opened"), _number(threads, Thread, query)))
    if helped is not None and threads is not None:
        url = _list_url(Article)
        figures.append((_("Helped by an article"), Cell(_rate(helped, helped + threads), url)))
    return Section(
        "help",
        _("Help instead of threads, last 30 days"),
        _(
            "“Helped by an article” is the share of votes that an article helped in these votes and the threads"
            " together. A search term counts if it was last searched for in this time."
        ),
        figures=figures,
        tables=tables,
    )


def _article_table(votes: Any) -> Table:
    rows = list(
        votes.order_by()
        .values_list("version__article", "version__article__slug")
        .annotate(yes=Count("pk", filter=Q(helped=True)), no=Count("pk", filter=Q(helped=False)), all=Count("pk"))
        .order_by("-all", "version__article")[:MAX_ARTICLES]
    )
    most = max((total for *_rest, total in rows), default=1)
    return Table(
        gettext("Articles with the most votes"),
        [_("Article"), _("Helped"), _("Didn’t help"), _("Share of the most votes")],
        [
            [
                Cell(slug, url := reverse("admin:support_article_change", args=[pk])),
                Cell(formats.count(yes), url),
                Cell(formats.count(no), url),
                Cell("", share=total / most),
            ]
            for pk, slug, yes, no, total in rows
        ],
    )


# --- Emails and attempts ----------------------------------------------------------------------------------------------


def _emails(request: HttpRequest) -> Section:
    first_day = last_days(RATE_DAYS)[0]
    bounced = Count("pk", filter=Q(status=Message.Status.BOUNCED))
    sent = Message.objects.filter(sent_at__gte=midnight(first_day)).order_by()
    totals = sent.aggregate(sent=Count("pk"), bounced=bounced)
    domain = Lower(Func(F("recipient"), Value("@"), Value(-1), function="SPLIT_PART", output_field=CharField()))
    domains = sent.values_list(domain).annotate(sent=Count("pk"), bounced=bounced).order_by("-sent", "bounced")
    rows = list(domains[:MAX_DOMAINS])
    since = since_day("sent_at", first_day)
    highest = max((bounces / number for _name, number, bounces in rows), default=0)
    only_bounced = {"status__exact": Message.Status.BOUNCED.value}

    def of_domain(name: str) -> dict[str, str]:
        return since | {"recipient__iendswith": f"@{name}"}

    return Section(
        "emails",
        _("Emails delivered and bounced, last 30 days"),
        _(
            "Emails that a mail server accepted in the last 30 days, by the domain of the recipient. Delivered means"
            " that no bounce was reported."
        ),
        figures=[
            (_("Sent"), _number(totals["sent"], Message, since)),
            (_("Bounced"), _number(totals["bounced"], Message, since | only_bounced)),
            (
                _("Bounce rate"),
                Cell(
                    _rate(totals["bounced"], totals["sent"]),
                    with_query(_list_url(Message), since | only_bounced),
                ),
            ),
        ],
        tables=[
            Table(
                gettext("By domain, those with the most emails"),
                [_("Domain"), _("Delivered"), _("Bounced"), _("Bounce rate"), _("Share of the highest rate")],
                [
                    [
                        Cell(name),
                        _number(
                            number - bounces,
                            Message,
                            of_domain(name) | {"status__exact": Message.Status.SENT.value},
                        ),
                        _number(bounces, Message, of_domain(name) | only_bounced),
                        Cell(_rate(bounces, number)),
                        Cell("", share=bounces / number / highest if highest else 0),
                    ]
                    for name, number, bounces in rows
                ],
            )
        ],
    )


def _attempts(request: HttpRequest) -> Section:
    days = last_days(CHART_DAYS)
    failures = site_failures()
    rows = Attempt.objects.filter(at__gte=midnight(days[0])).order_by()
    tries = rows.values_list(TruncDate("at")).annotate(
        failed=Sum("tries", filter=Q(outcome__in=FAILED_OUTCOMES), default=0),
        opened=Sum("tries", filter=Q(outcome=Attempt.Outcome.FOUND), default=0),
    )
    found = {day: (failed, opened) for day, failed, opened in tries}
    failed = [found.get(day, (0, 0))[0] for day in days]
    opened = [found.get(day, (0, 0))[1] for day in days]
    failed_only = {"outcome__in": ",".join(FAILED_OUTCOMES)}
    opened_only = {"outcome__exact": Attempt.Outcome.FOUND.value}
    last_day = since_day("at", days[-1]) | failed_only
    name = gettext("Attempts to open orders")
    return Section(
        "attempts",
        _("Attempts to open orders, last 14 days"),
        _("Attempts that a limit refused share rows in the list, which says how many they were."),
        alert=(
            gettext("Cards are being tried against many addresses. Each lookup by card needs a proof of work.")
            if failures.need_proof_of_work
            else ""
        ),
        figures=[
            (
                _("Failed lookups by card in 24 hours"),
                _limit(failures.failed.long, failures.limit.long, last_day),
            ),
            (
                _("Failed lookups by card in 15 minutes"),
                _limit(failures.failed.short, failures.limit.short, last_day),
            ),
        ],
        charts=[
            DailyChart(
                "attempts-by-day",
                name,
                (gettext("Failed"), gettext("Opened")),
                days,
                failed,
                opened,
                Table(
                    name,
                    [_("Day"), _("Failed"), _("Opened")],
                    [
                        [
                            Cell(day.isoformat()),
                            _number(bad, Attempt, on_day("at", day) | failed_only),
                            _number(good, Attempt, on_day("at", day) | opened_only),
                        ]
                        for day, bad, good in reversed(list(zip(days, failed, opened, strict=True)))
                    ],
                ),
            )
        ],
    )


def _limit(number: int, limit: int, query: dict[str, str]) -> Cell:
    values = {"number": formats.count(number), "limit": formats.count(limit)}
    return Cell(gettext("%(number)s, limit %(limit)s") % values, with_query(_list_url(Attempt), query))


# --- Cells ------------------------------------------------------------------------------------------------------------


def _list_url(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def _number(number: int, model: Any, query: dict[str, str]) -> Cell:
    return Cell(formats.count(number), with_query(_list_url(model), query))


def _rate(part: int, whole: int) -> str:
    return formats.percent(round(Decimal(part) * 100 / whole, 1)) if whole else EMPTY


def _duration(length: timedelta | None) -> str:
    if length is None:
        return EMPTY
    if length < TWO_HOURS:
        return gettext("%(minutes)d min") % {"minutes": length.total_seconds() // 60}
    if length < TWO_DAYS:
        return gettext("%(hours)d h") % {"hours": length.total_seconds() // 3600}
    return gettext("%(days)d d") % {"days": length.days}


REPORTS = (
    Report(_first_answers, (Thread,)),
    Report(_in_and_out, CASE_TYPES, any_of=True),
    Report(_returns, (Return, Order)),
    Report(_help, (Article, FailedSearch, Thread), any_of=True),
    Report(_emails, (Message,)),
    Report(_attempts, (Attempt,)),
)
