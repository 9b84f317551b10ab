"""The reports: numbers about the work of support, each with the list behind it.

Every query is limited to the last days by an index, and none runs once per row.
"""

from typing import Any

from django.http import HttpRequest

from desk.reports import answers, attempts, emails, help_articles, returns
from desk.reports.sections import Report, Section
from desk.work_queues import CASE_TYPES
from notifications.models import Message
from orders.models import Attempt, Order
from refunds.models import Return
from support.models import Article, FailedSearch, Thread

REPORTS = (
    Report(answers.load_first_answers, (Thread,)),
    Report(answers.load_received_and_decided, CASE_TYPES, any_of=True),
    Report(returns.load, (Return, Order)),
    Report(help_articles.load, (Article, FailedSearch, Thread), any_of=True),
    Report(emails.load, (Message,)),
    Report(attempts.load, (Attempt,)),
)


def may_see_reports(user: Any) -> bool:
    return any(report.is_visible_to(user) for report in REPORTS)


def load_reports(request: HttpRequest) -> list[Section]:
    """Return the sections that the user may see."""
    return [report.load(request) for report in REPORTS if report.is_visible_to(request.user)]
