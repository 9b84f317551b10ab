"""The admin always shows an amount with its currency, in the decimals of that currency."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.options import BaseModelAdmin, InlineModelAdmin
from django.contrib.admin.utils import flatten
from django.contrib.auth.models import Permission, User
from django.core.exceptions import FieldDoesNotExist
from django.db.models import DecimalField, Model
from django.test import Client, RequestFactory

from orders.admin import ReadOnlyMixin
from orders.admin_money import EditableMoneyMixin
from orders.models import Refund
from refunds.models import AutoApprovalLimit, CashbackPromotion, ReturnPolicy, SwapOffer
from support.models import ChargeClaim, Thread
from tests.factories import make_agent, make_line, make_order, make_product, make_store
from tests.pages import text

pytestmark = pytest.mark.django_db

MONEY_DECIMALS = 3  # of `orders.models.money_field`
NOT_MONEY = {"tax_rate"}


def is_money(model: type[Model], name: Any) -> bool:
    try:
        field = model._meta.get_field(str(name))
    except FieldDoesNotExist:
        return False
    return isinstance(field, DecimalField) and field.decimal_places == MONEY_DECIMALS and name not in NOT_MONEY


def model_admins() -> Iterator[BaseModelAdmin]:
    """Return the admins of all apps, and their inlines."""
    for model_admin in admin.site._registry.values():
        yield model_admin
        yield from (inline(model_admin.model, admin.site) for inline in model_admin.inlines)


def shown_names(model_admin: BaseModelAdmin) -> list[Any]:
    """Return the columns, filters and read-only fields."""
    request = RequestFactory().get("/")
    request.user = User(is_staff=True, is_active=False)  # may change nothing, which needs no query
    names = [*getattr(model_admin, "list_display", ()), *getattr(model_admin, "list_filter", ())]
    names += model_admin.get_readonly_fields(request, None)
    if isinstance(model_admin, ReadOnlyMixin):
        names += [field for _title, options in model_admin.fieldsets or () for field in options["fields"]]
        names += model_admin.fields or ()
    return list(flatten(names))


@pytest.mark.parametrize("model_admin", list(model_admins()), ids=lambda each: type(each).__name__)
def test_no_admin_shows_an_amount_without_its_currency(model_admin: BaseModelAdmin) -> None:
    assert [name for name in shown_names(model_admin) if is_money(model_admin.model, name)] == []
    has_amounts = any(is_money(model_admin.model, field.name) for field in model_admin.model._meta.fields)
    if has_amounts and not isinstance(model_admin, ReadOnlyMixin):
        assert isinstance(model_admin, EditableMoneyMixin)
        assert not any(is_money(model_admin.model, name) for name in model_admin.read_only_fields)
    assert not (isinstance(model_admin, InlineModelAdmin) and has_amounts and not model_admin.fields)


@pytest.fixture
def staff() -> Client:
    return signed_in(make_agent())


@pytest.fixture
def auditor() -> Client:
    """A staff user who may view everything and change nothing."""
    user = make_agent(is_superuser=False)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return signed_in(user)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page(client: Client, path: str) -> str:
    answer = client.get(f"/admin/{path}")
    assert answer.status_code == 200
    return text(answer).replace("\xa0", " ")


def test_lists_of_orders_in_several_currencies(staff: Client) -> None:
    make_order(currency="KWD", total=Decimal("41.710"))
    make_order(currency="EUR", total=Decimal("223.04"))
    make_order(currency="JPY", total=Decimal(5000))
    shown = page(staff, "orders/order/")
    for amount in ("KWD 41.710", "€223.04", "¥5,000"):
        assert amount in shown
    assert "223.040" not in shown


def test_an_order_with_its_items_and_refunds(staff: Client) -> None:
    order = make_order(currency="USD", store=make_store(time_zone="Europe/Berlin"))
    make_line(order, discount=Decimal("1.50"))
    known_at = datetime(2026, 11, 5, 23, 30, tzinfo=UTC)
    Refund.objects.create(order=order, store_refund_id="R-1", amount=Decimal("9.99"), refunded_at=known_at)
    Refund.objects.create(order=order, store_refund_id="R-2", amount=Decimal("8.88"), recorded_at=known_at)
    tabs = ("overview", "items", "money")
    shown = "".join(page(staff, f"orders/order/{order.pk}/change/?tab={tab}") for tab in tabs)
    for amount in ("$79.95", "$67.19", "$12.76", "$1.50", "$9.99", "$8.88"):
        assert amount in shown
    assert "79.950" not in shown
    assert "9.990" not in shown
    assert "before 6 November 2026" in shown  # the day at the store
    assert shown.count("6 November 2026") == 2


@pytest.fixture
def offer() -> SwapOffer:
    product = make_product()
    return SwapOffer.objects.create(
        store=make_store(), product=product, name="A", currency="EUR", price=Decimal("41.71")
    )


def test_who_may_edit_gets_inputs_with_the_decimals_of_the_currency(staff: Client, offer: SwapOffer) -> None:
    assert "€41.71" in page(staff, "refunds/swapoffer/")
    form = staff.get(f"/admin/refunds/swapoffer/{offer.pk}/change/").content.decode()
    assert 'value="41.71"' in form
    assert "41.710" not in form
    values = {"store": offer.store_id, "product": offer.product_id, "name": "A", "price": "42.5", "currency": "EUR"}
    assert staff.post(f"/admin/refunds/swapoffer/{offer.pk}/change/", values).status_code == 302
    offer.refresh_from_db()
    assert offer.price == Decimal("42.5")


def test_a_view_shows_the_amount_with_its_currency(auditor: Client, offer: SwapOffer) -> None:
    promotion = CashbackPromotion.objects.create(
        name="Autumn",
        countries=["DE"],
        bought_from=date(2026, 11, 1),
        bought_until=date(2026, 11, 30),
        claim_until=date(2026, 12, 31),
        currency="KWD",
        amount=Decimal("5.500"),
    )
    assert "€41.71" in page(auditor, f"refunds/swapoffer/{offer.pk}/change/")
    assert "KWD 5.500" in page(auditor, f"refunds/cashbackpromotion/{promotion.pk}/change/")
    assert "KWD 5.500" in page(auditor, "refunds/cashbackpromotion/")


def test_new_rows_can_still_be_added(staff: Client) -> None:
    for path in ("refunds/swapoffer/add/", "refunds/cashbackpromotion/add/", "refunds/returnpolicy/add/"):
        page(staff, path)


def test_limits_of_a_policy_in_force(staff: Client) -> None:
    policy = ReturnPolicy.objects.create(store=make_store(), in_force_from=datetime(2026, 1, 1, tzinfo=UTC))
    AutoApprovalLimit.objects.create(policy=policy, currency="EUR", up_to=Decimal(50))
    shown = page(staff, f"refunds/returnpolicy/{policy.pk}/change/")
    assert "€50.00" in shown
    assert "50.000" not in shown


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("79.87", "", "79.87 (currency unknown)"),
        ("79.80", "", "79.80 (currency unknown)"),
        ("80", "", "80 (currency unknown)"),
        ("1234.5", "", "1234.50 (currency unknown)"),
        ("79.87", "EUR", "€79.87"),
        ("79.8", "KWD", "KWD 79.800"),
    ],
)
def test_the_amount_of_a_charge_claim(staff: Client, amount: str, currency: str, shown: str) -> None:
    thread = Thread.objects.create(kind=Thread.Kind.CHARGE_CLAIM, email="bea@example.com")
    ChargeClaim.objects.create(thread=thread, amount=Decimal(amount), currency=currency)
    assert shown in page(staff, "support/chargeclaim/")
    assert shown in page(staff, f"support/thread/{thread.pk}/change/")
