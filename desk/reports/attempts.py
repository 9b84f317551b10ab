"""The report about attempts to open orders."""

from django.db.models import (
    Q,
    Sum,
)
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from desk.charts import Cell, DailyChart, Table
from desk.days import last_days, midnight, on_day, since_day, with_query
from desk.reports.sections import CHART_DAYS, Section, list_url, number_cell
from orders import formats
from orders.access import site_failures
from orders.models import Attempt

FAILED_OUTCOMES = (Attempt.Outcome.REFUSED, Attempt.Outcome.RATE_LIMITED, Attempt.Outcome.CLIENT_BLOCKED)


def load(request: HttpRequest) -> Section:
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
                            number_cell(bad, Attempt, on_day("at", day) | failed_only),
                            number_cell(good, Attempt, on_day("at", day) | opened_only),
                        ]
                        for day, bad, good in reversed(list(zip(days, failed, opened, strict=True)))
                    ],
                ),
            )
        ],
    )


def _limit(number: int, limit: int, query: dict[str, str]) -> Cell:
    values = {"number": formats.count(number), "limit": formats.count(limit)}
    return Cell(gettext("%(number)s, limit %(limit)s") % values, with_query(list_url(Attempt), query))
