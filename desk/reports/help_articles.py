"""The report about help: whether articles answer questions before a thread is opened."""

from typing import Any

from django.db.models import (
    Count,
    Q,
)
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from desk.access import may_view
from desk.charts import Cell, Table
from desk.days import last_days, midnight, since_day
from desk.reports.sections import RATE_DAYS, Figure, Section, list_url, number_cell, rate
from orders import formats
from support.models import Article, ArticleVote, FailedSearch, Thread

MAX_ARTICLES = 10


def load(request: HttpRequest) -> Section:
    first_day = last_days(RATE_DAYS)[0]
    since, user = midnight(first_day), request.user
    figures: list[Figure] = []
    tables: list[Table] = []
    helped = threads = None
    if may_view(user, Article):
        votes = ArticleVote.objects.filter(at__gte=since)
        totals = votes.aggregate(yes=Count("pk", filter=Q(helped=True)), no=Count("pk", filter=Q(helped=False)))
        helped, url = totals["yes"], list_url(Article)
        figures += [
            (_("Votes “helped”"), Cell(formats.count(helped), url)),
            (_("Votes “didn’t help”"), Cell(formats.count(totals["no"]), url)),
        ]
        tables.append(_article_table(votes))
    if may_view(user, FailedSearch):
        terms = FailedSearch.objects.filter(last_at__gte=since).count()
        figures.append(
            (_("Search terms without a result"), number_cell(terms, FailedSearch, since_day("last_at", first_day)))
        )
    if may_view(user, Thread):
        threads = Thread.objects.filter(created_at__gte=since).count()
        query = {"todo": "all"} | since_day("created_at", first_day)
        figures.append((_("Threads opened"), number_cell(threads, Thread, query)))
    if helped is not None and threads is not None:
        url = list_url(Article)
        figures.append((_("Helped by an article"), Cell(rate(helped, helped + threads), url)))
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
