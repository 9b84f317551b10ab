"""The cashback page with promotions and the claim form, and the status page of a claim."""

from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models import default_due_at
from cases.refusals import Refusal
from cases.views import StatusPages, finish
from files.client_limits import is_exhausted
from files.rejection_reasons import RejectionReason
from files.services import FileRejected
from files.upload_limits import receives_files
from licenses.models import normalize_serial
from orders import access, formats
from orders.countries import guess_country, parse_country_code
from orders.drafts import Draft, SeeOther
from orders.http import UNPROCESSABLE, get_or_post, no_store, too_many_requests
from orders.models import Order
from orders.rate_limits import Rate, RateLimit, allows, consume, next_attempt_at
from refunds.forms.cashback import CashbackForm
from refunds.models import CashbackClaim
from refunds.promotions import (
    LicenseCashback,
    LoadedPromotion,
    countries_with_promotions,
    promotions_in,
    running_promotions,
)
from refunds.services import cashback

TEMPLATE = "refunds/cashback_form.html"
# Claims from one client; more than a household or an office needs. Checking an upload is expensive.
CLAIM_RATE = Rate(short=20, long=100)


@dataclass
class CashbackPage:
    """The promotions of a country, and which of them apply to the accessible orders."""

    country: str
    orders: list[Order]  # accessible without an emailed code
    confirmed_orders: list[Order]  # orders for which a bank account may be named
    order_awaiting_code: Order | None
    promotions: list[LoadedPromotion] = field(default_factory=list)
    licenses: list[LicenseCashback] = field(default_factory=list)

    @property
    def payment(self) -> str:
        """How the orders to claim for were paid; empty if they were not all paid the same way."""
        payments = {formats.payment_line(each.purchase.order) for each in self.licenses if each.promotion is not None}
        return payments.pop() if len(payments) == 1 else ""

    @property
    def order_to_confirm(self) -> Order | None:
        """Return an order to claim for whose owner has to enter an emailed code before naming a bank account."""
        orders = (each.purchase.order for each in self.licenses if each.promotion is not None)
        return next((order for order in orders if order not in self.confirmed_orders), None)

    def order_to_confirm_for(self, serial: str) -> Order | None:
        """Same as `order_to_confirm`, for a claim of this serial number."""
        key = normalize_serial(serial)
        orders = (each.purchase.order for each in self.licenses if each.purchase.license.serial_key == key)
        return next((order for order in orders if order not in self.confirmed_orders), None)

    @property
    def path(self) -> str:
        return f"{reverse('refunds:cashback')}?{urlencode({'country': self.country})}"

    @property
    def code_page(self) -> str:
        """The page that confirms the owner of `order_to_confirm`, and then leads back here."""
        return access.redirect_to_code_page(self.order_to_confirm, self.path).url if self.order_to_confirm else ""


def _refuse_files(request: HttpRequest) -> RejectionReason | None:
    """Return why no file from this client is accepted now, if so. Files from strangers never are."""
    if not access.fully_open_orders(request) or not allows(_claim_limit(request), timezone.now()):
        return RejectionReason.BUSY  # not shown: the page says what is wrong
    return RejectionReason.DAILY_LIMIT if is_exhausted(access.client_address(request)) else None


def _claim_limit(request: HttpRequest) -> RateLimit:
    return RateLimit("cashback", access.client_address(request), CLAIM_RATE)


@get_or_post
@no_store
@receives_files(_refuse_files)
def claim(request: HttpRequest) -> HttpResponse:
    """Show a country's promotions to everybody, and the claim form to buyers with an order; accept a claim."""
    if request.method != "POST":
        page = _load_page(request, parse_country_code(request.GET.get("country")))
        form = _draft(request, page).typed_form(partial(_form, page)) if page.orders else None
        return _render_page(request, page, form or _empty_form(page))
    page = _load_page(request, parse_country_code(request.POST.get("country")))
    if not page.orders:
        # Ignore the form, so that files of strangers are never processed.
        return _render_page(request, page, None, refusal=str(cashback.SerialNotInOpenOrders()), status=UNPROCESSABLE)
    now, limits = timezone.now(), [_claim_limit(request)]
    if not consume(limits, now):
        retry_at = next_attempt_at(limits, now)
        refusal = gettext("There were too many claims from your network. Try again in %(wait)s.")
        form = _form(page, request.POST) if _empty_form(page) else None
        if form is not None:
            form.is_unchecked = True
        context = _context(request, page, form, refusal % {"wait": formats.wait(now, retry_at)})
        return too_many_requests(request, TEMPLATE, context, retry_at)
    names_account = request.POST.get("payout_method") == CashbackClaim.PayoutMethod.BANK
    if names_account and (order := page.order_to_confirm_for(request.POST.get("serial", ""))):
        return access.redirect_to_code_page(order, page.path)  # the form offers that only to confirmed owners
    draft = _draft(request, page)
    form = _form(page, request.POST, request.FILES)
    if earlier := cashback.find_submitted(page.licenses, request.POST.get("serial", ""), form.posted_id):
        return finish(request, draft, earlier)  # submitted by a second click
    if form.is_valid():
        try:
            return finish(request, draft, _send(request, page, form))
        except (Refusal, FileRejected) as refusal:
            form.add_refusal(refusal)
            if isinstance(refusal, Refusal):
                messages.error(request, str(refusal))
    form.ask_again()
    draft.save(form)
    return SeeOther(draft.url())


claim.covers_all_orders = True  # type: ignore[attr-defined]  # see orders/forms.py


def _send(request: HttpRequest, page: CashbackPage, form: CashbackForm) -> CashbackClaim:
    details = form.payout_details()
    return cashback.request_cashback(
        page.orders if details is None else page.confirmed_orders,
        form.cleaned_data["serial"],
        form.cleaned_data["country"],
        form.cleaned_data["proof"],
        details,
        submission=form.cleaned_data["submission_id"],
        client=access.client_address(request),
    )


def _empty_form(page: CashbackPage) -> CashbackForm | None:
    """Return an empty form, or None if there is nothing to claim."""
    if any(each.promotion is not None for each in page.licenses):
        return _form(page)
    return None


def _draft(request: HttpRequest, page: CashbackPage) -> Draft:
    return Draft(request, CashbackForm.form_name, page=page.path)


def _form(page: CashbackPage, data: Any = None, files: Any = None) -> CashbackForm:
    return CashbackForm(page.country, page.licenses, data, files, offers_account=page.order_to_confirm is None)


def _load_page(request: HttpRequest, country: str) -> CashbackPage:
    now = timezone.now()
    granted = list(access.granted_orders(request).select_related("store"))
    awaiting_code = [order for order in granted if access.needs_code(request, order)]
    orders = [order for order in granted if order not in awaiting_code]
    country = country or guess_country(request, orders)
    return CashbackPage(
        country,
        orders,
        [order for order in orders if access.is_owner_confirmed(request, order)],
        next(iter(awaiting_code), None),
        running_promotions(promotions_in(country), now),
        cashback.check_licenses(orders, country, now) if orders else [],
    )


def _render_page(
    request: HttpRequest, page: CashbackPage, form: CashbackForm | None, *, refusal: str = "", status: int = 200
) -> HttpResponse:
    status = UNPROCESSABLE if form is not None and form.is_bound and form.errors else status
    return render(request, TEMPLATE, _context(request, page, form, refusal), status=status)


def _context(request: HttpRequest, page: CashbackPage, form: CashbackForm | None, refusal: str = "") -> dict[str, Any]:
    path, draft = reverse("refunds:cashback"), _draft(request, page)
    codes = {*countries_with_promotions(timezone.now()), page.country}
    return {
        "page": page,
        "form": form,
        "language_forms": [draft.shown(form)] if form is not None else [],
        "refusal": refusal,
        "countries": sorted(((code, formats.country(code)) for code in codes), key=lambda each: each[1]),
        "due_at": default_due_at(),
        "claim_url": draft.url(path) if draft.id else path,
        "zone": page.orders[0].locality if page.orders else UTC,
    }


# --- Status page -----------------------------------------------------------------------------------------

status_pages = StatusPages(
    CashbackClaim,
    "refunds",
    "cashback",
    "refunds/cashback.html",
    lambda case: {},
    canceled_message=_("We’ve canceled your claim and deleted any bank details you gave us."),
    cancel=cashback.cancel,
)
