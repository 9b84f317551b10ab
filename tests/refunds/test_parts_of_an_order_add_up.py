"""The refund of each unit: the parts of all units add up to the order's total, in any sequence of returns."""

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from orders.models import Order, OrderLine
from orders.money import is_whole, smallest_unit
from refunds.amounts import NOTHING, LinePayment, RefundAmount, paid_per_line

CURRENCIES = ["EUR", "USD", "RSD", "ALL", "JPY", "ISK", "KWD", "IQD"]
Priced = tuple[int, int, int]  # quantity, total and tax in smallest units


def make_unsaved_order(
    currency: str, total: Decimal, *lines: Sequence[Decimal | int | str], tax: Decimal = Decimal(0)
) -> tuple[Order, list[OrderLine]]:
    """Lines are (quantity, total, tax) or (quantity, total, tax, kind); only the last have no SKU."""
    order = Order(currency=currency, total=total, tax=tax)
    made = []
    for number, (quantity, line_total, line_tax, *kind) in enumerate(lines, start=1):
        line = OrderLine(
            pk=number, position=number, quantity=quantity, total=Decimal(line_total), tax=Decimal(line_tax)
        )
        line.kind, line.sku = (kind[0], "") if kind else (OrderLine.Kind.NEW, "SKU")
        made.append(line)
    return order, made


def paid(order: Order, lines: Sequence[OrderLine]) -> list[Decimal]:
    return [payment.amount for payment in paid_per_line(order, lines).values()]


def amounts(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


def test_tax_on_top_is_refunded_with_the_item() -> None:
    """As exported by Shopify: the line is net, and only the order's total includes the tax."""
    order, lines = make_unsaved_order("USD", Decimal("108.25"), (1, "100.00", "0"), tax=Decimal("8.25"))
    assert paid_per_line(order, lines)[1].first_units(1) == RefundAmount(Decimal("108.25"), Decimal("8.25"))


def test_tax_on_top_is_added_to_the_lines_that_it_was_charged_for() -> None:
    order, lines = make_unsaved_order("EUR", Decimal("220.00"), (1, "100.00", "20.00"), (1, "100.00", "0"))
    assert paid(order, lines) == amounts("120.00", "100.00")
    assert [payment.tax for payment in paid_per_line(order, lines).values()] == amounts("20.00", "0.00")


def test_tax_on_top_is_recognized_beside_a_discount_on_the_order() -> None:
    order, lines = make_unsaved_order("EUR", Decimal("209.00"), (1, "100.00", "20.00"), (1, "100.00", "0"))
    order.discount = Decimal("11.00")
    assert paid(order, lines) == amounts("114.00", "95.00")


def test_shipping_beside_lines_that_include_tax_is_not_taken_for_tax_on_top() -> None:
    order, lines = make_unsaved_order("EUR", Decimal("231.00"), (1, "120.00", "20.00"), (1, "100.00", "0"))
    for line in lines:
        line.unit_price = Decimal(100)
    assert paid(order, lines) == amounts("126.00", "105.00")


def test_a_voucher_is_shared_by_all_items() -> None:
    order, lines = make_unsaved_order("EUR", Decimal(80), (1, "50", "0"), (1, "50", "0"), (1, "-20", "0"))
    assert paid(order, lines) == amounts("40.00", "40.00", "0.00")
    assert [payment.is_shared for payment in paid_per_line(order, lines).values()] == [False, False, True]


def test_shipping_is_shared_by_all_items_whether_it_is_a_line_or_not() -> None:
    order, lines = make_unsaved_order("EUR", Decimal(110), (1, "75", "0"), (1, "25", "0"), (1, "10", "0", "other"))
    assert paid(order, lines) == amounts("82.50", "27.50", "0.00")
    assert paid(order, lines[:2]) == amounts("82.50", "27.50")


def test_shipping_of_free_items_is_refunded_with_its_line() -> None:
    order, lines = make_unsaved_order("EUR", Decimal(10), (1, "0", "0"), (1, "10", "0", "other"))
    assert paid(order, lines) == amounts("0.00", "10.00")


def test_a_total_without_prices_is_shared_by_the_units() -> None:
    order, lines = make_unsaved_order("EUR", Decimal(9), (1, "0", "0"), (2, "0", "0"))
    assert paid(order, lines) == amounts("3.00", "6.00")


def test_a_total_below_the_smallest_unit_is_neither_lost_nor_rounded_up() -> None:
    for currency, total in (("JPY", "0.5"), ("RSD", "0.009"), ("ALL", "0.004")):
        order, lines = make_unsaved_order(currency, Decimal(total), (2, total, "0"))
        payment = paid_per_line(order, lines)[1]
        assert payment.first_units(1).amount == 0
        assert payment.first_units(2).amount == Decimal(total)


def test_rsd_all_and_iqd_are_divided_into_their_smallest_units() -> None:
    for currency, expected in (("RSD", "3.33 3.34 3.33"), ("ALL", "3.33 3.34 3.33"), ("IQD", "3.333 3.334 3.333")):
        order, lines = make_unsaved_order(currency, Decimal(10), (3, "10", "0"))
        payment = paid_per_line(order, lines)[1]
        assert [payment.next_units(before, 1).amount for before in range(3)] == amounts(*expected.split())


@st.composite
def priced_orders(draw: st.DrawFn) -> tuple[Order, list[OrderLine]]:
    """Orders with positive, negative and zero lines, and a total that is above, below or equal to their sum."""
    currency = draw(st.sampled_from(CURRENCIES))
    unit = smallest_unit(currency)
    totals = st.one_of(st.integers(-50_000, 100_000), st.just(0), st.integers(1, 3))
    lines = []
    for total in draw(st.lists(totals, min_size=1, max_size=6)):
        tax = draw(st.integers(0, abs(total) // 4)) * (1 if total > 0 else -1)
        kind = draw(st.sampled_from([(), (), (), (OrderLine.Kind.OTHER,)]))
        lines.append((draw(st.integers(1, 5)), total * unit, tax * unit, *kind))
    sum_of_lines = sum(line[1] for line in lines)
    order_tax = sum(line[2] for line in lines)
    difference = draw(st.one_of(st.just(0), st.integers(-60_000, 60_000))) * unit
    total = draw(st.sampled_from([sum_of_lines, sum_of_lines + order_tax, sum_of_lines + difference]))
    order, made = make_unsaved_order(currency, max(total, Decimal(0)), *lines, tax=max(order_tax, Decimal(0)))
    for line in made:
        line.unit_price = (line.total - line.tax) / line.quantity if draw(st.booleans()) else line.total / line.quantity
    return order, made


def assert_within(part: RefundAmount, most: RefundAmount) -> None:
    assert 0 <= part.amount <= most.amount
    assert 0 <= part.tax <= part.amount
    assert part.tax <= most.tax


@given(priced_orders())
def test_what_was_paid_for_the_lines_adds_up_to_the_total(priced: tuple[Order, list[OrderLine]]) -> None:
    order, lines = priced
    payments = paid_per_line(order, lines)
    assert sum(payment.amount for payment in payments.values()) == order.total
    assert all(is_whole(payment.amount, order.currency) for payment in payments.values())
    assert all(0 <= payment.tax <= payment.amount for payment in payments.values())
    shared = [payment for payment in payments.values() if payment.is_shared]
    assert not any(payment.amount for payment in shared)
    if all(line.total >= 0 and line.kind != OrderLine.Kind.OTHER for line in lines):
        is_net = order.total > sum(line.total for line in lines)
        if not is_net:
            assert all(payments[line.pk].amount <= line.total for line in lines)


@given(priced_orders(), st.data())
@example(make_unsaved_order("EUR", Decimal("0.01"), (3, "0.01", "0.01")), None)
def test_partial_returns_in_any_order_add_up_to_the_total(
    priced: tuple[Order, list[OrderLine]], data: st.DataObject | None
) -> None:
    order, lines = priced
    payments = paid_per_line(order, lines)
    units = [line.pk for line in lines for _unit in range(line.quantity)]
    before = dict.fromkeys(payments, 0)
    refunded = Decimal(0)
    for line_id in data.draw(st.permutations(units)) if data else units:
        part = payments[line_id].next_units(before[line_id], 1)
        before[line_id] += 1
        assert_within(part, payments[line_id].first_units(len(units)))
        assert is_whole(part.amount, order.currency)
        refunded += part.amount
        assert refunded <= order.total
    assert refunded == order.total


class OpenReturns:
    """Returns of one line, with the data that the portal stores."""

    def __init__(self, payment: LinePayment) -> None:
        self.payment = payment
        self.parts: list[tuple[int, RefundAmount]] = []

    @property
    def units(self) -> int:
        return sum(units for units, _part in self.parts)

    @property
    def taken(self) -> RefundAmount:
        parts = [part for _units, part in self.parts]
        return RefundAmount(
            sum((part.amount for part in parts), NOTHING.amount), sum((p.tax for p in parts), NOTHING.tax)
        )

    def request(self, units: int) -> None:
        self.parts.append((units, self.payment.next_units(self.units, units, self.taken)))


@given(
    st.sampled_from(CURRENCIES),
    st.integers(0, 1_000),
    st.integers(0, 1_000),
    st.integers(1, 7),
    st.lists(st.tuples(st.booleans(), st.integers(0, 6)), max_size=20),
)
def test_canceled_returns_change_nothing_about_the_sum(
    currency: str, total: int, tax: int, quantity: int, steps: list[tuple[bool, int]]
) -> None:
    unit = smallest_unit(currency)
    returns = OpenReturns(LinePayment(total * unit, min(tax, total) * unit, quantity, currency))
    for is_request, number in steps:
        if is_request and returns.units < quantity:
            returns.request(1 + number % (quantity - returns.units))
        elif returns.parts:
            returns.parts.pop(number % len(returns.parts))
        assert_within(returns.taken, RefundAmount(total * unit, min(tax, total) * unit))
    if returns.units < quantity:
        returns.request(quantity - returns.units)
    assert returns.taken.amount == total * unit


@given(st.sampled_from(CURRENCIES), st.integers(1, 200_000), st.lists(st.integers(1, 9_999), min_size=1, max_size=4))
def test_totals_finer_than_the_smallest_unit_add_up_as_well(currency: str, total: int, prices: list[int]) -> None:
    thousandth = Decimal("0.001")
    order, lines = make_unsaved_order(currency, total * thousandth, *((2, price * thousandth, "0") for price in prices))
    payments = paid_per_line(order, lines)
    parts = [payment.next_units(before, 1) for payment in payments.values() for before in range(2)]
    assert all(part.amount >= 0 for part in parts)
    assert sum(part.amount for part in parts) == order.total
