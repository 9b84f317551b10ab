"""Which cashback promotions run, claiming one, following the claim."""

from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models import due
from cases.refusals import Refusal
from cases.views import StatusPages
from files.services import FileRejected
from orders import access, formats
from orders.countries import guess_country, parse_country_code
from orders.http import UNPROCESSABLE, get_or_post, no_store, too_many_requests
from orders.models import Order
from orders.rate_limits import Rate, RateLimit, consume
from refunds.forms.cashback import CashbackForm
from refunds.models import CashbackClaim
from refunds.promotions import Promotion, Verdict, countries_with_promotions, promotions_in, running
from refunds.services import cashback

TEMPLATE = "refunds/cashback_form.html"
# Claims sent by one client; above what a household or an office has to claim. Each file is judged, which costs.
CLAIM_RATE = Rate(short=20, long=100)


@dataclass
class Offered:
    """What the page says: the promotions of a country, and what they mean for the orders that are open."""

    country: str
    orders: list[Order]  # that are open whole
    awaited: Order | None  # one that opens with an emailed code
    promotions: list[Promotion] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def payment(self) -> str:
        """How the orders to claim for were paid, where that is one and the same way."""
        ways = {formats.payment_line(each.bought.order) for each in self.verdicts if each.promotion is not None}
        return ways.pop() if len(ways) == 1 else ""


@get_or_post
@no_store
def claim(request: HttpRequest) -> HttpResponse:
    """Open to everybody: what runs. With an order open: what applies to it, and the form to claim it."""
    if request.method != "POST":
        offered = _offered(request, parse_country_code(request.GET.get("country")))
        return _claim_page(request, offered, _empty_form(offered))
    offered = _offered(request, parse_country_code(request.POST.get("country")))
    if not offered.orders:
        # Nothing of the form is looked at, so that no file of a stranger is.
        return _claim_page(request, offered, None, refusal=str(cashback.NotYours()), status=UNPROCESSABLE)
    if not consume([RateLimit("cashback", access.client_address(request), CLAIM_RATE)], timezone.now()):
        refusal = gettext("Too many claims were sent from here. Please try again in a quarter of an hour.")
        return too_many_requests(request, TEMPLATE, _shown(offered, _empty_form(offered), refusal))
    form = CashbackForm(offered.country, offered.verdicts, request.POST, request.FILES)
    if form.is_valid():
        try:
            return redirect(_send(offered, form).path)
        except (Refusal, FileRejected) as refusal:
            form.add_refusal(refusal)
    return _claim_page(request, offered, form, status=UNPROCESSABLE)


claim.covers_all_orders = True  # type: ignore[attr-defined]  # see orders/forms/next_page.py


def _send(offered: Offered, form: CashbackForm) -> CashbackClaim:
    return cashback.request_cashback(
        offered.orders,
        form.cleaned_data["serial"],
        form.cleaned_data["country"],
        form.cleaned_data["proof"],
        form.details(),
        submission=form.cleaned_data["submission_id"],
    )


def _empty_form(offered: Offered) -> CashbackForm | None:
    """A form where there is something to claim."""
    if any(verdict.promotion is not None for verdict in offered.verdicts):
        return CashbackForm(offered.country, offered.verdicts)
    return None


def _offered(request: HttpRequest, country: str) -> Offered:
    now = timezone.now()
    granted = list(access.granted_orders(request).select_related("store"))
    awaited = [order for order in granted if access.pending_code_address(request, order)]
    orders = [order for order in granted if order not in awaited]
    country = country or guess_country(request, orders)
    return Offered(
        country,
        orders,
        next(iter(awaited), None),
        running(promotions_in(country), now),
        cashback.verdicts(orders, country, now) if orders else [],
    )


def _claim_page(
    request: HttpRequest, offered: Offered, form: CashbackForm | None, *, refusal: str = "", status: int = 200
) -> HttpResponse:
    return render(request, TEMPLATE, _shown(offered, form, refusal), status=status)


def _shown(offered: Offered, form: CashbackForm | None, refusal: str = "") -> dict[str, Any]:
    codes = {*countries_with_promotions(timezone.now()), offered.country}
    return {
        "offered": offered,
        "form": form,
        "refusal": refusal,
        "countries": sorted(((code, formats.country(code)) for code in codes), key=lambda each: each[1]),
        "due_at": due(),
        "zone": offered.orders[0].store.tzinfo if offered.orders else UTC,
    }


# --- What became of it -----------------------------------------------------------------------------------

status_pages = StatusPages(
    CashbackClaim,
    "refunds",
    "cashback",
    "refunds/cashback.html",
    lambda case: {},
    canceled=_("The claim is canceled. Your bank details, if you gave any, are deleted."),
    cancel=cashback.cancel,
)
