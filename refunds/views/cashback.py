"""The cashback page with promotions and the claim form, and the status page of a claim."""

from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models import default_due_at
from cases.refusals import Refusal
from cases.views import StatusPages
from files.client_limits import is_exhausted
from files.rejection_reasons import RejectionReason
from files.services import FileRejected
from files.upload_limits import receives_files
from orders import access, formats
from orders.countries import guess_country, parse_country_code
from orders.http import UNPROCESSABLE, get_or_post, no_store, too_many_requests
from orders.models import Order
from orders.rate_limits import Rate, RateLimit, allows, consume
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
    order_awaiting_code: Order | None
    promotions: list[LoadedPromotion] = field(default_factory=list)
    licenses: list[LicenseCashback] = field(default_factory=list)

    @property
    def payment(self) -> str:
        """How the orders to claim for were paid; empty if they were not all paid the same way."""
        payments = {formats.payment_line(each.purchase.order) for each in self.licenses if each.promotion is not None}
        return payments.pop() if len(payments) == 1 else ""


def _refuse_files(request: HttpRequest) -> RejectionReason | None:
    """Why no file of this client is received now, if so. Files of strangers never are."""
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
        return _render_page(request, page, _empty_form(page))
    page = _load_page(request, parse_country_code(request.POST.get("country")))
    if not page.orders:
        # Ignore the form, so that files of strangers are never processed.
        return _render_page(request, page, None, refusal=str(cashback.SerialNotInOpenOrders()), status=UNPROCESSABLE)
    if not consume([_claim_limit(request)], timezone.now()):
        refusal = gettext("Too many claims were sent from here. Please try again in a quarter of an hour.")
        return too_many_requests(request, TEMPLATE, _context(page, _empty_form(page), refusal))
    form = CashbackForm(page.country, page.licenses, request.POST, request.FILES)
    if form.is_valid():
        try:
            return redirect(_send(request, page, form).path)
        except (Refusal, FileRejected) as refusal:
            form.add_refusal(refusal)
    return _render_page(request, page, form, status=UNPROCESSABLE)


claim.covers_all_orders = True  # type: ignore[attr-defined]  # see orders/forms.py


def _send(request: HttpRequest, page: CashbackPage, form: CashbackForm) -> CashbackClaim:
    return cashback.request_cashback(
        page.orders,
        form.cleaned_data["serial"],
        form.cleaned_data["country"],
        form.cleaned_data["proof"],
        form.payout_details(),
        submission=form.cleaned_data["submission_id"],
        client=access.client_address(request),
    )


def _empty_form(page: CashbackPage) -> CashbackForm | None:
    """Return an empty form, or None if there is nothing to claim."""
    if any(each.promotion is not None for each in page.licenses):
        return CashbackForm(page.country, page.licenses)
    return None


def _load_page(request: HttpRequest, country: str) -> CashbackPage:
    now = timezone.now()
    granted = list(access.granted_orders(request).select_related("store"))
    awaiting_code = [order for order in granted if access.pending_code_address(request, order)]
    orders = [order for order in granted if order not in awaiting_code]
    country = country or guess_country(request, orders)
    return CashbackPage(
        country,
        orders,
        next(iter(awaiting_code), None),
        running_promotions(promotions_in(country), now),
        cashback.check_licenses(orders, country, now) if orders else [],
    )


def _render_page(
    request: HttpRequest, page: CashbackPage, form: CashbackForm | None, *, refusal: str = "", status: int = 200
) -> HttpResponse:
    return render(request, TEMPLATE, _context(page, form, refusal), status=status)


def _context(page: CashbackPage, form: CashbackForm | None, refusal: str = "") -> dict[str, Any]:
    codes = {*countries_with_promotions(timezone.now()), page.country}
    return {
        "page": page,
        "form": form,
        "refusal": refusal,
        "countries": sorted(((code, formats.country(code)) for code in codes), key=lambda each: each[1]),
        "due_at": default_due_at(),
        "zone": page.orders[0].store.tzinfo if page.orders else UTC,
    }


# --- Status page -----------------------------------------------------------------------------------------

status_pages = StatusPages(
    CashbackClaim,
    "refunds",
    "cashback",
    "refunds/cashback.html",
    lambda case: {},
    canceled_message=_("The claim is canceled. Your bank details, if you gave any, are deleted."),
    cancel=cashback.cancel,
)
