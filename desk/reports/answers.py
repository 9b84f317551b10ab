"""Reports about cases: how long the first answer takes, and how many are received and decided."""

from datetime import date
from typing import Any

from django.db.models import (
    Aggregate,
    Count,
    DurationField,
    F,
    OuterRef,
    Subquery,
    Value,
)
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from desk.charts import Cell, DailyChart, Table
from desk.days import last_days, midnight, on_day, since_day, with_query
from desk.reports.sections import CHART_DAYS, RATE_DAYS, Section, duration, list_url, number_cell
from desk.work_queues import load_work_queues
from orders import formats
from orders.admin_cells import EMPTY
from support.models import Thread, ThreadMessage


class Percentile(Aggregate):
    """PostgreSQL's percentile_cont; `rank` is between 0 and 1."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(%(rank)s) WITHIN GROUP (ORDER BY %(expressions)s)"


def load_first_answers(request: HttpRequest) -> Section:
    first_day = last_days(RATE_DAYS)[0]
    answers = ThreadMessage.objects.answers().filter(case=OuterRef("pk")).order_by("at").values("at")[:1]
    threads = Thread.objects.filter(created_at__gte=midnight(first_day)).annotate(answered_at=Subquery(answers))
    found = threads.annotate(wait=F("answered_at") - F("created_at")).aggregate(
        received=Count("pk"),
        answered=Count("answered_at"),
        median=Percentile("wait", rank=0.5, output_field=DurationField()),
        p90=Percentile("wait", rank=0.9, output_field=DurationField()),
    )
    url = with_query(list_url(Thread), {"todo": "all"} | since_day("created_at", first_day))
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
            (_("Median"), Cell(duration(found["median"]), url)),
            (_("90% within"), Cell(duration(found["p90"]), url)),
            (_("Answered"), Cell(answered, url)),
        ],
    )


def load_received_and_decided(request: HttpRequest) -> Section:
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
                            number_cell(into, case_type, {"todo": "all"} | on_day("created_at", day)),
                            number_cell(out, case_type, {"todo": "all"} | _decided_on(case_type, day)),
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
                Cell(duration(timezone.now() - queue.oldest) if queue.oldest else EMPTY, queue.oldest_url),
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
