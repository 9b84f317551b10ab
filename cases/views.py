"""The status page of a request, on which its buyer cancels it and answers questions."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext

from cases import progress, steps
from cases.forms import AnswerForm
from cases.guards import View, with_case
from cases.models import DecidedCase
from cases.refusals import Refusal
from orders import formats
from orders.http import UNPROCESSABLE, get_or_post, no_store


@dataclass(frozen=True)
class StatusPages:
    """The three pages of one kind of request. `urls` names them NAME_status, NAME_answer and NAME_cancel."""

    case_type: type[DecidedCase]
    namespace: str
    name: str
    template: str
    content: Callable[[Any], dict[str, Any]]  # what its template shows besides
    canceled: Any  # what is said once it is canceled, translated
    cancel: Callable[[Any], None] = steps.cancel

    def urls(self, prefix: str) -> list[URLPattern]:
        return [
            path(f"{prefix}/<slug:reference>/", self._view(show), name=f"{self.name}_status"),
            path(f"{prefix}/<slug:reference>/answer/", self._view(answer), name=f"{self.name}_answer"),
            path(f"{prefix}/<slug:reference>/cancel/", self._view(cancel), name=f"{self.name}_cancel"),
        ]

    def _view(self, view: Callable[..., HttpResponse]) -> View:
        guarded = with_case(self.case_type, f"{self.namespace}:{self.name}_status")
        return get_or_post(no_store(guarded(partial(view, self))))


def show(pages: StatusPages, request: HttpRequest, case: DecidedCase) -> HttpResponse:
    return _page(pages, request, case)


def _page(pages: StatusPages, request: HttpRequest, case: DecidedCase, form: AnswerForm | None = None) -> HttpResponse:
    order = case.about_order
    assert order is not None  # the guard found the case by it
    asked = case.status in case.WAITS_FOR_BUYER
    content = {
        "case": case,
        "order": order,
        "zone": order.store.tzinfo,
        "payment": formats.payment_line(order),
        "words": progress.words(case.status),
        "steps": progress.steps(case),
        "history": progress.history(case),
        "is_late": case.is_overdue(timezone.now()),
        "answer_form": form or AnswerForm() if asked else None,
        "answer_url": f"{pages.namespace}:{pages.name}_answer",
    }
    return render(request, pages.template, content | pages.content(case), status=UNPROCESSABLE if form else 200)


def answer(pages: StatusPages, request: HttpRequest, case: DecidedCase) -> HttpResponse:
    """Take the answer to a question in; one that comes too late is refused, and the page says so."""
    if request.method != "POST":
        return redirect(case.path)
    form = AnswerForm(request.POST)
    if not form.is_valid() and case.status in case.WAITS_FOR_BUYER:
        return _page(pages, request, case, form)
    try:
        steps.answer(case, form.cleaned_data.get("answer", ""))
        messages.success(request, gettext("Thank you. Support has your answer."))
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect(case.path)


def cancel(pages: StatusPages, request: HttpRequest, case: DecidedCase) -> HttpResponse:
    if request.method == "POST":
        try:
            pages.cancel(case)
            messages.success(request, str(pages.canceled))
        except Refusal as refusal:
            messages.error(request, str(refusal))
    return redirect(case.path)
