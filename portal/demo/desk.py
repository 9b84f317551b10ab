"""What support finds on its desk in the trial: policies, offers, a promotion, and cases in every state."""

from datetime import timedelta
from decimal import Decimal
from io import BytesIO

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from cases import services
from cases.refusals import Refusal
from licenses.models import Product
from orders.models import Order, Store
from portal.demo import vendor
from refunds.models import AutoApprovalLimit, CashbackClaim, CashbackPromotion, ReturnPolicy, ReturnReason, SwapOffer
from refunds.services import cashback, returns, swaps, transactions, withdrawals
from refunds.services.returns import RequestedLine
from refunds.services.swaps import SwapRequest
from refunds.services.withdrawals import WithdrawalStatement

SOME = 6  # recent orders that have a case
CLAIMS = 3  # ... and further ones with a cashback claim
LONG_AGO = timedelta(days=3650)
SMALL_AMOUNT = Decimal("15.00")
SWAP_PRICES = {"EUR": Decimal("59.95"), "USD": Decimal("59.99"), "JPY": Decimal(7900)}
CASHBACK = Decimal("10.00")


def make_policies() -> None:
    """Before orders come in: each keeps what it was promised at the purchase."""
    for store in Store.objects.all():
        policy, is_new = ReturnPolicy.objects.get_or_create(
            store=store, defaults={"in_force_from": timezone.now() - LONG_AGO, "revokes_serials": True}
        )
        if is_new:
            AutoApprovalLimit.objects.create(policy=policy, currency="EUR", up_to=SMALL_AMOUNT)


def make_offers() -> None:
    """What a wrong product can be swapped for, and a cashback promotion that runs now."""
    today = timezone.now().date()
    products = list(Product.objects.order_by("pk")[:2])
    for store in Store.objects.all():
        currency = store.orders.values_list("currency", flat=True).first() or "EUR"
        for product in products:
            SwapOffer.objects.get_or_create(
                store=store,
                product=product,
                defaults={
                    "name": f"{product.name}, 3 devices, 1 year",
                    "currency": currency,
                    "price": SWAP_PRICES.get(currency, SWAP_PRICES["EUR"]),
                },
            )
    promotion, is_new = CashbackPromotion.objects.get_or_create(
        name=f"{CASHBACK:.0f} euros back",
        defaults={
            "countries": ["DE", "AT", "IE", "NL"],
            "bought_from": today - timedelta(days=60),
            "bought_until": today + timedelta(days=30),
            "claim_until": today + timedelta(days=60),
            "currency": "EUR",
            "amount": CASHBACK,
        },
    )
    if is_new:
        promotion.products.set(products)


def make_cases(agent: User) -> None:
    """A few wishes of buyers, each brought to another state by the same services that the pages call.

    The orders of the table stay untouched, for whoever tries the portal.
    """
    reasons = list(ReturnReason.objects.all())
    known = [person.email for person in (vendor.WITH_CARD, vendor.WITH_PASSWORD, vendor.WITH_PAYPAL)]
    recent = list(
        Order.objects.filter(status=Order.Status.COMPLETED, placed_at__gte=timezone.now() - timedelta(days=25))
        .exclude(store_email__in=known)
        .newest_first()
    )
    for number, order in enumerate(recent[:SOME]):
        try:
            _make_case(number, order, reasons[number % len(reasons)], agent)
        except Refusal:
            continue  # an order of which nothing can go back has no case
    _make_claims(recent[SOME:], agent)


def _make_case(number: int, order: Order, reason: ReturnReason, agent: User) -> None:
    line = order.lines.order_by("position").first()
    assert line is not None
    if number == 4:
        swaps.request_swap(order, SwapRequest(line.pk, None, "I bought it for a Mac."))
    elif number == 5:
        withdrawals.withdraw(WithdrawalStatement(order.billing_name, order.number, order.email), order.language)
    else:
        case = returns.request_return(order, [RequestedLine(line.pk, 1)], reason, "It is not what I was looking for.")
        if number == 1:
            services.ask_question(case, agent, "On which device did you try it?")
        elif number == 2:
            returns.approve(case, agent)
        elif number == 3:
            returns.approve(case, agent)
            transactions.mark_done(case.transactions.get(), "BACK-OFFICE-1", agent)


def _make_claims(orders: list[Order], agent: User) -> None:
    """Claims on the promotion: one to decide, one to pay out, one that is paid."""
    claims: list[CashbackClaim] = []
    for order in orders:
        for each in cashback.check_licenses([order], order.billing_country, timezone.now()):
            if each.promotion is not None and len(claims) < CLAIMS:
                serial = each.purchase.license.serial
                claims.append(cashback.request_cashback([order], serial, order.billing_country, receipt()))
    for claim in claims[1:]:
        cashback.approve(claim, agent)
    for claim in claims[2:]:
        cashback.record_payout(claim, agent, "PAYOUT-1")


def receipt() -> SimpleUploadedFile:
    """A picture as the proof of a purchase."""
    content = BytesIO()
    Image.new("RGB", (240, 320), "white").save(content, "PNG")
    return SimpleUploadedFile("receipt.png", content.getvalue(), "image/png")
