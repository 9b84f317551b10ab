"""The report about emails delivered and bounced, by domain."""

from django.db.models import (
    CharField,
    Count,
    F,
    Func,
    Q,
    Value,
)
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from desk.charts import Cell, Table
from desk.days import last_days, midnight, since_day, with_query
from desk.reports.sections import RATE_DAYS, Section, list_url, number_cell, rate
from notifications.models import Message

MAX_DOMAINS = 15


def load(request: HttpRequest) -> Section:
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
            (_("Sent"), number_cell(totals["sent"], Message, since)),
            (_("Bounced"), number_cell(totals["bounced"], Message, since | only_bounced)),
            (
                _("Bounce rate"),
                Cell(
                    rate(totals["bounced"], totals["sent"]),
                    with_query(list_url(Message), since | only_bounced),
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
                        number_cell(
                            number - bounces,
                            Message,
                            of_domain(name) | {"status__exact": Message.Status.SENT.value},
                        ),
                        number_cell(bounces, Message, of_domain(name) | only_bounced),
                        Cell(rate(bounces, number)),
                        Cell("", share=bounces / number / highest if highest else 0),
                    ]
                    for name, number, bounces in rows
                ],
            )
        ],
    )
