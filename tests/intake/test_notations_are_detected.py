"""The order of day and month, and the decimal sign, are detected from a whole table. Ambiguous values are refused."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from intake import notation
from orders.models import Order
from tests.intake.exports import Importer, Result, run_import, shopify_row, table, the_order

pytestmark = pytest.mark.django_db


def import_dates(importer: Importer, *texts: str, **options: str) -> Result:
    rows = [shopify_row(Name=f"#{number}", Created_at=text, Paid_at="") for number, text in enumerate(texts, start=1)]
    return importer.shopify(*rows, **options)


def days() -> list[date]:
    return [order.placed_at.date() for order in Order.objects.order_by("number")]


def reject_codes(result: Result) -> dict[str, int]:
    return {each["code"]: each["count"] for each in result.counts["rejects"]}


def test_one_date_with_a_13th_decides_the_order_of_all(importer: Importer) -> None:
    assert import_dates(importer, "01/02/2026 10:00", "13/02/2026 10:00").tally == (2, 0, 0, 0)
    assert days() == [date(2026, 2, 1), date(2026, 2, 13)]


def test_the_deciding_date_may_be_anywhere_in_the_file(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notation, "SAMPLE_ROWS", 2)
    assert import_dates(importer, *["12-01-2010"] * 9, "12-25-2010").tally == (10, 0, 0, 0)
    assert set(days()) == {date(2010, 12, 1), date(2010, 12, 25)}


def test_any_column_of_dates_decides_the_order(importer: Importer) -> None:
    row = shopify_row(Created_at="01/02/2026", Paid_at="02/13/2026")
    assert importer.shopify(row).tally == (1, 0, 0, 0)
    assert days() == [date(2026, 1, 2)]


def test_ambiguous_dates_are_rejected_until_a_person_sets_the_order(importer: Importer) -> None:
    texts = ["12-01-2010 10:00", "11-02-2010 10:00"]
    result = import_dates(importer, *texts)
    assert result.tally == (0, 0, 0, 2)
    assert reject_codes(result) == {"unclear_date": 2}
    assert "--date-order dmy, mdy or ymd" in result.said
    assert import_dates(importer, *texts, date_order="mdy").tally == (2, 0, 0, 0)
    assert days() == [date(2010, 12, 1), date(2010, 11, 2)]


def test_contradicting_dates_decide_nothing(importer: Importer) -> None:
    result = import_dates(importer, "13/02/2026", "02/13/2026", "01/02/2026")
    assert result.tally == (2, 0, 0, 1)
    assert reject_codes(result) == {"unclear_date": 1}
    assert set(days()) == {date(2026, 2, 13)}


def test_years_of_two_digits_need_an_order(importer: Importer) -> None:
    assert import_dates(importer, "01/02/26", "25/12/26").tally == (0, 0, 0, 2)
    assert import_dates(importer, "01/02/26", "31/12/2026").tally == (2, 0, 0, 0)
    assert days() == [date(2026, 2, 1), date(2026, 12, 31)]


def test_a_column_where_a_spreadsheet_exchanged_day_and_month_is_refused(importer: Importer) -> None:
    """An American file in a European spreadsheet, which converted dates where possible and didn't change the 13th."""
    texts = ["2026-01-12 10:00", "2026-02-11 10:00", "12/13/2026 10:00"]
    result = import_dates(importer, *texts)
    assert reject_codes(result) == {"spreadsheet_damage": 2}
    assert days() == [date(2026, 12, 13)]
    assert import_dates(importer, *texts, date_order="mdy").tally == (2, 0, 1, 0)


def test_iso_dates_beside_unclear_ones_are_read(importer: Importer) -> None:
    result = import_dates(importer, "2026-11-13 10:00", "2026-11-01 10:00", "13/11/2026 10:00", "2026-11-02T10:00:00Z")
    assert result.tally == (4, 0, 0, 0)


def test_corrected_rejects_are_read_with_the_order_set_by_a_person(importer: Importer) -> None:
    rejects = importer.folder / "rejects.csv"
    rows = [shopify_row(Name="#1", Created_at="01/02/2026", Paid_at="")]
    importer.shopify(*rows, rejects=rejects)
    assert run_import(rejects, store="shop", date_order="dmy").tally == (1, 0, 0, 0)
    assert the_order("#1").placed_at == datetime(2026, 2, 1, tzinfo=UTC)


def import_prices(importer: Importer, *prices: str, delimiter: str = ",") -> Result:
    blank = dict.fromkeys(("Subtotal", "Shipping", "Taxes", "Discount_Amount", "Refunded_Amount"), "")
    rows = [
        shopify_row(**blank, Name=f"#{number}", Total=price, Lineitem_price=price)
        for number, price in enumerate(prices, start=1)
    ]
    return importer(table(*rows, delimiter=delimiter), store="shop")


def totals() -> list[Decimal]:
    return [order.total for order in Order.objects.order_by("number")]


@pytest.mark.parametrize(
    ("prices", "total"),
    [
        (("1,234", "12.50"), "1234"),
        (("1,234", "12,50"), "1.234"),
        (("1.234", "1,5"), "1234"),
        (("1.234", "1.234.567"), "1234"),
        (("1,234", "€ 1.234,50"), "1.234"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_one_clear_amount_decides_the_sign_of_all(
    importer: Importer, prices: tuple[str, str], total: str, delimiter: str
) -> None:
    assert import_prices(importer, *prices, delimiter=delimiter).tally == (2, 0, 0, 0)
    assert totals()[0] == Decimal(total)


def test_ambiguous_amounts_are_refused(importer: Importer) -> None:
    result = import_prices(importer, "1,234", "5")
    assert result.tally == (1, 0, 0, 1)
    assert reject_codes(result) == {"unclear_amount": 1}


def test_contradicting_amounts_decide_nothing(importer: Importer) -> None:
    assert reject_codes(import_prices(importer, "12.50", "12,50", "1,234")) == {"unclear_amount": 1}
    assert totals() == [Decimal("12.50"), Decimal("12.50")]


def test_the_sign_is_found_behind_the_first_rows(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notation, "SAMPLE_ROWS", 2)
    assert import_prices(importer, *["1,234"] * 9, "12.50").tally == (10, 0, 0, 0)
    assert totals()[0] == 1234
