"""Mappings of tables for tests."""

from typing import Any

from intake.models import StatusMeaning, TableMapping, header_fingerprint, normalize_column
from orders.models import Store

GERMAN_COLUMNS = {
    "Bestellnummer": "number",
    "Bestelldatum": "placed_at",
    "E-Mail": "email",
    "Status": "status",
    "Währung": "currency",
    "Gesamtbetrag": "total",
    "Artikel": "item_name",
    "Artikelnummer": "sku",
    "Menge": "quantity",
    "Einzelpreis": "unit_price",
    "Seriennummer": "serials",
    "Ort": "city",
}


def make_mapping(
    columns: dict[str, str],
    store: str = "old-shop",
    name: str = "sales",
    statuses: dict[str, str] | None = None,
    **fields: Any,
) -> TableMapping:
    """Save a mapping of columns to fields, with the meaning of status words."""
    saved, _created = Store.objects.get_or_create(slug=store, defaults={"name": store, "time_zone": "Europe/Berlin"})
    for word, meaning in (statuses or {}).items():
        StatusMeaning.objects.get_or_create(store=saved, format="table", word=word, defaults={"meaning": meaning})
    return TableMapping.objects.create(
        store=saved,
        name=name,
        fingerprint=header_fingerprint(columns),
        columns={normalize_column(column): field for column, field in columns.items() if field},
        **fields,
    )


def german_row(**changes: str) -> dict[str, str]:
    """Return a row of a German table with semicolons."""
    return {
        "Bestellnummer": "R-1001",
        "Bestelldatum": "15.11.2026 14:05",
        "E-Mail": "ann@example.com",
        "Status": "bezahlt",
        "Währung": "EUR",
        "Gesamtbetrag": "1.079,90",
        "Artikel": "Maximum Security",
        "Artikelnummer": "MAX-3D-1Y",
        "Menge": "2",
        "Einzelpreis": "539,95",
        "Seriennummer": "XAAB-1234-5678",
        "Ort": "Köln",
    } | changes
