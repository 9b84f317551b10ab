"""The status page of a request, where the buyer follows it, answers questions and cancels it."""

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

from cases import just_sent, progress, services
from cases.forms import AnswerForm
from cases.guards import View, with_case
from cases.models import Case, DecidedCase
from cases.refusals import Refusal
from notifications.addresses import mask_address
from orders import formats
from orders.drafts import Draft
from orders.http import UNPROCESSABLE, get_or_post, no_store, tell_about_card_number
from orders.models import Order


@dataclass(frozen=True)
class StatusPages:
    """The views of one kind of request; `urls` names them <name>_status, <name>_answer and <name>_cancel."""

    case_type: type[DecidedCase]
    namespace: str
    name: str
    template: str
    extra_context: Callable[[Any], dict[str, Any]]  # called with the case
    canceled_message: Any  # shown after the buyer has canceled; translated lazily
    cancel: Callable[[Any], None] = services.cancel

    def urls(self, prefix: str) -> list[URLPattern]:
        return [
            path(f"{prefix}/<slug:reference>/", self._view(show), name=f"{self.name}_status"),
            path(f"{prefix}/<slug:reference>/answer/", self._view(answer), name=f"{self.name}_answer"),
            path(f"{prefix}/<slug:reference>/cancel/", self._view(cancel), name=f"{self.name}_cancel"),
        ]

    def _view(self, view: Callable[..., HttpResponse]) -> View:
        guarded = with_case(self.case_type, f"{self.namespace}:{self.name}_status")
        return get_or_post(no_store(guarded(partial(view, self))))


def finish(request: HttpRequest, draft: Draft, case: Case) -> HttpResponse:
    """Redirect to the status page of a request that was just sent; it begins with the confirmation."""
    draft.drop()
    just_sent.remember(request, case.reference)
    return redirect(case.path)


def order_context(order: Order) -> dict[str, Any]:
    """What the pages of a request say about its order."""
    return {"order": order, "zone": order.locality, "payment": formats.payment_line(order)}


def show(pages: StatusPages, request: HttpRequest, case: DecidedCase) -> HttpResponse:
    return _page(pages, request, case, _answer_draft(request, case).typed_form(AnswerForm))


def _answer_draft(request: HttpRequest, case: DecidedCase) -> Draft:
    return Draft(request, AnswerForm.form_name, case.reference, page=case.path)


def _page(pages: StatusPages, request: HttpRequest, case: DecidedCase, form: AnswerForm | None = None) -> HttpResponse:
    """The status page. `form` has the answer that was typed, if one was."""
    order = case.about_order
    assert order is not None  # with_case selects the case by its order
    has_question = case.status in case.WAITING_FOR_BUYER
    context = {
        "case": case,
        **order_context(order),
        "is_just_sent": form is None and just_sent.take(request, case.reference),
        "address": mask_address(order.email) if order.email_key else "",
        "badge": progress.status_badge(case.status),
        "steps": progress.progress_steps(case.status, case.SUCCESS_STATUS),
        "history": progress.buyer_history(case),
        "is_late": case.is_overdue(timezone.now()),
        "answer_url": f"{pages.namespace}:{pages.name}_answer",
    }
    if has_question:
        form = form or AnswerForm()
        context |= {"answer_form": form, "language_forms": [_answer_draft(request, case).shown(form)]}
    status = UNPROCESSABLE if has_question and form is not None and form.errors else 200
    return render(request, pages.template, context | pages.extra_context(case), status=status)


def answer(pages: StatusPages, request: HttpRequest, case: DecidedCase) -> HttpResponse:
    """Record the answer to a question. If no question is open anymore, the status page shows the refusal."""
    if request.method != "POST":
        return redirect(case.path)
    form = AnswerForm(request.POST)
    is_valid = form.is_valid()
    tell_about_card_number(request, form)
    if not is_valid and case.status in case.WAITING_FOR_BUYER:
        return _page(pages, request, case, form)
    try:
        services.answer_question(case, form.cleaned_data.get("answer", ""))
        _answer_draft(request, case).drop()
        messages.success(request, gettext("We’ve received your answer."))
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect(case.path)


def cancel(pages: StatusPages, request: HttpRequest, case: DecidedCase) -> HttpResponse:
    if request.method == "POST":
        try:
            pages.cancel(case)
            messages.success(request, str(pages.canceled_message))
        except Refusal as refusal:
            messages.error(request, str(refusal))
    return redirect(case.path)
