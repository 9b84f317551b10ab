"""Return policies, swap offers and a cashback promotion of the demo, and refund cases in every state."""

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
from refunds.models import (
    ApprovalLimit,
    AutoApprovalLimit,
    CashbackClaim,
    CashbackPromotion,
    Return,
    ReturnPolicy,
    ReturnReason,
    SwapOffer,
)
from refunds.services import cashback, returns, swaps, transactions, withdrawals
from refunds.services.returns import RequestedLine
from refunds.services.swaps import SwapRequest
from refunds.services.withdrawals import WithdrawalStatement

CASES = 6  # the newest orders get one case each
CASHBACK_CLAIMS = 3  # for orders that have no other case
POLICY_AGE = timedelta(days=3650)
AUTO_APPROVAL_LIMIT = Decimal("15.00")
AGENT_LIMIT = Decimal("25.00")
SWAP_PRICES = {"EUR": Decimal("59.95"), "USD": Decimal("59.99"), "JPY": Decimal(7900)}
CASHBACK_AMOUNT = Decimal("10.00")


def create_return_policies() -> None:
    """Create a policy for each store. Must run before the import, because an order keeps the policy from its start."""
    for store in Store.objects.all():
        policy, created = ReturnPolicy.objects.get_or_create(
            store=store, defaults={"in_force_from": timezone.now() - POLICY_AGE, "revokes_serials": True}
        )
        if created:
            AutoApprovalLimit.objects.create(policy=policy, currency="EUR", up_to=AUTO_APPROVAL_LIMIT)


def create_swap_offers_and_promotion() -> None:
    """Create swap offers for two products in every store, and a cashback promotion that is running now."""
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
    promotion, created = CashbackPromotion.objects.get_or_create(
        name="Tarnholt Cashback",
        defaults={
            "countries": ["DE", "AT", "IE", "NL"],
            "bought_from": today - timedelta(days=60),
            "bought_until": today + timedelta(days=30),
            "claim_until": today + timedelta(days=60),
            "currency": "EUR",
            "amount": CASHBACK_AMOUNT,
        },
    )
    if created:
        promotion.products.set(products)


def create_cases(agent: User) -> None:
    """Create cases in different states, with the services that the pages call.

    The orders of vendor.PRINTED_BUYERS are not touched, so that visitors can try everything with them.
    """
    reasons = list(ReturnReason.objects.all())
    printed_emails = [buyer.email for buyer in vendor.PRINTED_BUYERS]
    recent = list(
        Order.objects.filter(status=Order.Status.COMPLETED, placed_at__gte=timezone.now() - timedelta(days=25))
        .exclude(store_email__in=printed_emails)
        .newest_first()
    )
    for number, order in enumerate(recent[:CASES]):
        try:
            _create_case(number, order, reasons[number % len(reasons)], agent)
        except Refusal:
            continue  # nothing in this order can be returned
    _create_cashback_claims(recent[CASES:], agent)


def _create_case(number: int, order: Order, reason: ReturnReason, agent: User) -> None:
    line = order.lines.order_by("position").first()
    assert line is not None
    if number == 4:
        swaps.request_swap(order, SwapRequest(line.pk, None, "I bought it for a Mac."))
    elif number == 5:
        statement = WithdrawalStatement(order.billing_name, order.number, order.email)
        withdrawals.match_withdrawal(withdrawals.withdraw(statement, order.language).pk)
    else:
        case = returns.request_return(order, [RequestedLine(line.pk, 1)], reason, "It isn’t what I was looking for.")
        if number == 1:
            services.ask_question(case, agent, "Which device did you try it on?")
        elif number == 2:
            returns.approve(case, agent)
        elif number == 3:
            returns.approve(case, agent)
            transactions.mark_done(case.transactions.get(), "BACK-OFFICE-1", agent)


def create_approval_limits(agent: User) -> None:
    """Create limits for agents, and one return that waits for a second approval because of them."""
    for currency in ("EUR", "USD"):
        ApprovalLimit.objects.get_or_create(currency=currency, defaults={"up_to": AGENT_LIMIT})
    undecided = Return.objects.filter(status=Return.Status.RECEIVED, amount__gt=AGENT_LIMIT).order_by("pk").first()
    if undecided is not None:
        returns.approve(undecided, agent, note="The buyer called twice.")


def _create_cashback_claims(orders: list[Order], agent: User) -> None:
    """Create three cashback claims: one to decide, one to pay out, one paid."""
    claims: list[CashbackClaim] = []
    for order in orders:
        for each in cashback.check_licenses([order], order.billing_country, timezone.now()):
            if each.promotion is not None and len(claims) < CASHBACK_CLAIMS:
                serial = each.purchase.license.serial
                claims.append(cashback.request_cashback([order], serial, order.billing_country, make_receipt()))
    for claim in claims[1:]:
        cashback.approve(claim, agent)
    for claim in claims[2:]:
        cashback.record_payout(claim, agent, "PAYOUT-1")


def make_receipt() -> SimpleUploadedFile:
    """Return a blank picture to upload as a proof of purchase."""
    content = BytesIO()
    Image.new("RGB", (240, 320), "white").save(content, "PNG")
    return SimpleUploadedFile("receipt.png", content.getvalue(), "image/png")
