"""Each validation error of a record becomes a sentence with the place and the fix, in both languages."""

import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils.translation import override
from pydantic import ValidationError

from intake.feeds import shopify
from intake.problems import ProblemCode
from intake.records import OrderRecord, OrderUpdate
from intake.validation_errors import describe_errors
from tests.intake.exports import ABSENT, Importer, portal_order, shopify_row

ORDER = portal_order(
    language="de",
    test=False,
    password="open sesame",
    invoice={"number": "R-1", "issued_on": "2026-11-01", "seller": "Acme"},
    refunds=[{"id": "r1", "amount": "1.00", "at": "2026-11-02T10:00:00Z", "lines": [{"id": "1", "quantity": 1}]}],
)
ORDER["lines"][0]["licenses"][0]["activated_at"] = "2026-11-01T10:00:00Z"
UPDATE = {
    "store": "shop",
    "numbers": ["1"],
    "references": ["pi_1"],
    "payer": "ann@example.com",
    "paid_amount": "1.00",
    "paid_currency": "EUR",
    "paid_at": "2026-11-02T10:00:00Z",
}
ODD_VALUES: list[Any] = [
    *(ABSENT, None, "", " ", "x", "x" * 5000, "\udcff", "12", "-1", "1e99", "1.23456", "NaN", "9" * 20, "12,50"),
    *(0, -1, 12, 1.5, 10**9, 10**30, 1e300, float("inf"), float("nan"), True, [], [[]], [1], {}, {"x": 1}),
    *("2026-11-01", "1850-01-01", "2500-01-01", "2026-13-01", "2026-11-01T10:00:00", "1850-01-01T10:00:00Z"),
    *("2500-01-01T10:00:00Z", "2026-11-01T10:00:00.5+99:99", "4242424242424242"),
]
PYTHON_VALUES: list[Any] = [datetime(2026, 11, 1), datetime(1850, 1, 1), Decimal("NaN"), Decimal("1.23456"), b"x", 1j]  # noqa: DTZ001
# How pydantic begins its messages.
OF_PYDANTIC = ("Input", "String", "Value error", "Field required", "Extra inputs", "List should", "Decimal", "Datetime")
OF_PYDANTIC += ("Invalid JSON", "JSON input", "Unable to parse", "should be", "should have", "should match")


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the paths to all values within a value."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*place, key)
        yield from places(child, (*place, key))


def changed(order: dict[str, Any], place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    order = deepcopy(order)
    parent: Any = order
    for key in place[:-1]:
        parent = parent[key]
    if value is ABSENT:
        del parent[place[-1]]
    else:
        parent[place[-1]] = value
    return order


def errors(model: type[OrderRecord], order: dict[str, Any], odd_values: list[Any]) -> Iterator[ValidationError]:
    for place in places(order):
        many = [["x"] * 6000] if place[-1] in ("lines", "licenses", "refunds", "numbers") else []
        for value in odd_values + many:
            record = changed(order, place, value)
            try:
                model.model_validate(record)
            except ValidationError as error:
                yield error
            try:
                text = json.dumps(record)
            except (TypeError, ValueError):
                continue
            try:
                model.model_validate_json(text)
            except ValidationError as error:
                yield error


@pytest.mark.parametrize(("model", "order"), [(OrderRecord, ORDER), (OrderUpdate, UPDATE)])
def test_pydantics_messages_are_never_shown(model: type[OrderRecord], order: dict[str, Any]) -> None:
    seen: set[tuple[Any, ...]] = set()
    for error in errors(model, order, ODD_VALUES + PYTHON_VALUES):
        first = error.errors(include_url=False)[0]
        if (first["type"], first["loc"]) in seen:
            continue
        seen.add((first["type"], first["loc"]))
        for language in ("en", "de"):
            with override(language):
                text = describe_errors(error).text
            assert not [start for start in OF_PYDANTIC if start in text], text
            assert "This isn’t valid in this format." not in text, error.errors()
            assert text.rstrip().endswith((".", "…")) or len(text) == 500
    assert len({kind for kind, _place in seen}) > 15


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '"x"', "{]", "nul", '{"store": "\\ud800"}', "\x00"])
def test_json_that_is_not_an_order_is_reported(text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        OrderRecord.model_validate_json(text)
    problem = describe_errors(caught.value).text
    assert not [start for start in OF_PYDANTIC if start in problem], problem
    assert "This isn’t valid in this format." not in problem


def sentence(**changes: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        OrderRecord.model_validate_json(json.dumps(portal_order(**changes)))
    return describe_errors(caught.value).text


def test_an_item_is_named_by_its_position_and_name() -> None:
    assert sentence(lines=[{"id": "1", "name": "Antivirus", "sku": 12}]) == (
        "item 1 (“Antivirus”), sku: Write a text in quotation marks."
    )
    assert sentence(lines=[{"id": "1"}]) == "item 1, name: This is missing. Every order needs it."
    licenses = [{"serial": "X", "devices": "3"}]
    assert sentence(lines=[{"id": "1", "name": "A", "licenses": licenses}]) == (
        "item 1 (“A”), licenses 1, devices: Write a whole number without quotation marks."
    )


def test_the_message_says_how_to_fix_it() -> None:
    assert sentence(currency="euro") == "currency: Write the currency as three capital letters, for example EUR."
    assert sentence(payment={"last4": "42"}).startswith("payment.last4: Enter the last 4 digits of the card.")
    assert sentence(status="lost") == (
        "status: This must be one of: pending, completed, cancelled, partially_refunded, refunded, charged_back."
    )
    assert sentence(placed_at="2026-11-01T10:00:00").startswith("placed_at: This time has no offset.")
    assert sentence(placed_at="1985-11-01T10:00:00Z") == "placed_at: This is before 1990. Check the year."
    assert (
        sentence(totals={"total": "12,50"})
        == "totals.total: Write the amount with digits and a point, for example 12.50."
    )


def test_only_the_first_errors_are_reported() -> None:
    text = sentence(currency="", number=7, email="x", placed_at=ABSENT)
    assert text.endswith("And 1 more.")


def test_digits_that_a_spreadsheet_shortened_and_card_numbers_have_their_codes() -> None:
    for changes, code in [
        ({"payment": {"last4": "42"}}, ProblemCode.SPREADSHEET_DAMAGE),
        ({"billing": {"name": "4242424242424242"}}, ProblemCode.CARD_NUMBER),
        ({"currency": "euro"}, ProblemCode.UNKNOWN_CURRENCY),
        ({"language": 7}, ProblemCode.INVALID),
    ]:
        with pytest.raises(ValidationError) as caught:
            OrderRecord.model_validate_json(json.dumps(portal_order(**changes)))
        assert describe_errors(caught.value).code == code


def test_a_field_of_a_table_is_named_by_its_column() -> None:
    with pytest.raises(ValidationError) as caught:
        OrderRecord.model_validate(portal_order(billing={"postcode": "x" * 99}, lines=[{"id": "1", "name": "x" * 999}]))
    text = describe_errors(caught.value, shopify.FEED.column_names, ["name", "billing zip", "lineitem name"]).text
    assert "column “Billing Zip”: This is too long. Use at most 32 characters." in text
    assert "column “Lineitem name”: This is too long" in text


@pytest.mark.django_db
def test_the_sentence_of_a_table_names_column_and_item(importer: Importer) -> None:
    result = importer.shopify(shopify_row(Lineitem_sku="x" * 200), shopify_row(Name="#2", Email="no address"))
    assert (
        "item 1 (“Maximum Security”), column “Lineitem sku”: This is too long. Use at most 100 characters."
        in result.said
    )
    assert "column “Email”: This isn’t an email address." in result.said
