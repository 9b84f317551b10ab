"""Requests and messages of buyers in every state, each about a separate order."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from unittest.mock import patch
from uuid import uuid4

from django.contrib.auth.models import User
from django.utils import timezone

from cases import services
from cases.refusals import Refusal
from cases.services import assign
from licenses.models import License, Product
from orders.models import Order, Store
from refunds.gateways import loaded_gateways
from refunds.gateways.results import GatewayResult, RefundRefused, RefundUnclear
from refunds.models import CashbackClaim, RefundTransaction, Return, StoreGateway, Swap, SwapOffer, Withdrawal
from refunds.payout_details import PayoutDetails
from refunds.policy import return_until
from refunds.services import cashback, recovery, returns, sending, swaps, transactions, withdrawals
from support.models import ChargeClaim, Thread
from support.services import claims, threads
from support.services.threads import ContactMessage
from tests import factories
from tests.refunds.cashback import make_promotion, proof
from tests.refunds.withdrawing import withdraw


class UnreachableGateway:
    """A payment provider that responds as configured."""

    def __init__(self, answer: GatewayResult) -> None:
        self.answer = answer

    def is_configured(self, store: Store) -> bool:
        return True

    def send(self, row: RefundTransaction) -> GatewayResult:
        return self.answer

    look_up = send


class CaseFilling:
    """Creates cases, with the services that pages and staff call."""

    def __init__(self, agent: User) -> None:
        self.agent = agent
        self.reason = factories.make_reason(name="Bought for a test of upgrades")
        self.store = factories.make_store(slug="upgrade-by-hand")
        self.stripe_store = factories.make_store(slug="upgrade-by-stripe")
        self.product: Product = factories.make_product()
        StoreGateway.objects.create(store=self.store, gateway=StoreGateway.Gateway.MANUAL)
        StoreGateway.objects.create(store=self.stripe_store, gateway=StoreGateway.Gateway.STRIPE)
        SwapOffer.objects.create(
            store=self.store, product=factories.make_product(), name="Another", currency="EUR", price=Decimal("79.95")
        )
        make_promotion(self.product)

    def license(self, store: Store | None = None) -> License:
        """A license whose order can still be returned."""
        order = factories.make_order(store=store or self.store, placed_at=timezone.now() - timedelta(days=1))
        line = factories.make_line(order, return_until=return_until(order.placed_at, order.store.tzinfo, 30))
        return factories.make_license(line, product=self.product, activated_at=timezone.now())

    def order(self, store: Store | None = None) -> Order:
        return self.license(store).licensed_lines.get().order

    def fill(self) -> None:
        self.fill_returns()
        self.fill_withdrawals()
        self.fill_swaps()
        self.fill_cashback()
        self.fill_threads()

    def decide(self, make: Callable[[], Return | Withdrawal | Swap | CashbackClaim]) -> None:
        """A case of this kind in each state that all kinds have."""
        make()
        services.start_review(make(), self.agent)
        services.ask_question(make(), self.agent, "On which device?")
        answered = make()
        services.ask_question(answered, self.agent, "On which device?")
        services.answer_question(answered, "On my phone.")
        services.decline(make(), self.agent, "It is used.", "A note for colleagues")

    # --- Money ---

    def request_return(self, store: Store | None = None) -> Return:
        order = self.order(store)
        return returns.request_return(order, [returns.RequestedLine(order.lines.get().pk, 1)], self.reason, "Too slow")

    def fill_returns(self) -> None:
        self.decide(self.request_return)
        services.cancel(self.request_return())
        done = self.request_return()
        returns.approve(done, self.agent)
        transactions.mark_done(done.transactions.get(), "BACK-OFFICE-7", self.agent)
        taken_back = self.request_return()
        returns.approve(taken_back, self.agent)
        recovery.take_back_approval(taken_back, self.agent, "Approved by mistake.")
        self.send_to_gateway(RefundUnclear("no answer"))
        self.send_to_gateway(RefundRefused("The card was closed."))
        transactions.switch_to_manual(self.send_to_gateway(RefundRefused("The card was closed.")))

    def send_to_gateway(self, answer: GatewayResult) -> RefundTransaction:
        case = self.request_return(self.stripe_store)
        returns.approve(case, self.agent)
        with patch.dict(loaded_gateways, {StoreGateway.Gateway.STRIPE: UnreachableGateway(answer)}):
            sending.send_due()
        return case.transactions.get()

    def request_withdrawal(self) -> Withdrawal:
        order = self.order()
        return withdraw(withdrawals.WithdrawalStatement("Bea Buyer", order.number, order.email))

    def fill_withdrawals(self) -> None:
        self.decide(self.request_withdrawal)
        withdraw(withdrawals.WithdrawalStatement("Nobody Known", "X-404", "nobody@example.com"))
        withdrawals.approve(self.request_withdrawal(), self.agent)
        done = self.request_withdrawal()
        withdrawals.approve(done, self.agent)
        transactions.mark_done(done.transactions.get(), "BACK-OFFICE-8", self.agent)

    # --- Products ---

    def request_swap(self) -> Swap:
        order = self.order()
        offer = swaps.available_offers(order)[0]
        return swaps.request_swap(order, swaps.SwapRequest(order.lines.get().pk, offer))

    def fill_swaps(self) -> None:
        self.decide(self.request_swap)
        services.cancel(self.request_swap())
        swaps.approve(self.request_swap(), self.agent)
        done = self.request_swap()
        swaps.approve(done, self.agent)
        swaps.give_new_serial(done, self.agent, "SWAP-0000-0000-0001")

    def request_cashback(self, details: PayoutDetails | None = None) -> CashbackClaim:
        license = self.license()
        order = license.licensed_lines.get().order
        return cashback.request_cashback([order], license.serial, "DE", proof(), details)

    def fill_cashback(self) -> None:
        self.decide(self.request_cashback)
        cashback.cancel(self.request_cashback())
        cashback.approve(self.request_cashback(), self.agent)
        paid = self.request_cashback(PayoutDetails("Bea Buyer", "DE02120300000000202051"))
        cashback.approve(paid, self.agent)
        cashback.reveal_payout_details(paid, self.agent)
        cashback.record_payout(paid, self.agent, "PAYOUT-9")

    # --- Messages ---

    def message(self, kind: Thread.Kind = Thread.Kind.CONTACT, order: Order | None = None) -> ContactMessage:
        return ContactMessage(kind, "bea@example.com", "A subject", "A text.", uuid4(), "en", [proof()], order=order)

    def claim(self) -> ChargeClaim:
        fields = {"amount": Decimal("79.95"), "currency": "EUR", "charged_on": timezone.now().date()}
        thread, _is_new = claims.create_claim(self.message(Thread.Kind.CHARGE_CLAIM), fields)
        return thread.charge_claim

    def fill_threads(self) -> None:
        for close in (threads.mark_solved, lambda thread: threads.close(thread, self.agent, "Closed.")):
            thread, _is_new = threads.open_thread(self.message(order=self.order()))
            threads.reply(thread, "One more thing.")
            assign(thread, self.agent, self.agent)
            threads.add_note(thread, self.agent, "A note for colleagues")
            threads.answer(thread, self.agent, "An answer.")
            close(thread)
        threads.start(self.agent, self.order(), "Your serial number", "We replaced it.", submission_id=uuid4())
        question, _is_new = threads.open_thread(self.message())
        threads.ask(question, self.agent, "Which device?")
        claims.match_to_order(self.claim(), self.order(), self.agent, "Found.")
        claims.mark_no_match(self.claim(), self.agent, "Not ours.")
        with suppress(Refusal):
            threads.mark_solved(self.claim().thread)
