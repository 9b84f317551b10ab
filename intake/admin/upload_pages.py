"""The content of an upload's pages."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from intake.admin.upload_forms import MappingForm
from intake.mapping.fields import CONSTANTS
from intake.models import ImportUpload, TableMapping
from orders.card_numbers import mask_card_numbers
from orders.models import Order
from orders.money import format_money

SHOWN_VALUES = 3  # of a column
SHOWN_CHARACTERS = 60


def column_rows(form: MappingForm) -> list[dict[str, Any]]:
    """Return each column of the table with its first values, its select, and the reason for the guessed field."""
    return [
        {
            "name": mask_card_numbers(guess.column.name)[:SHOWN_CHARACTERS],
            "values": [
                mask_card_numbers(value)[:SHOWN_CHARACTERS]
                for value in list(dict.fromkeys(guess.column.values))[:SHOWN_VALUES]
            ],
            "field": form[f"column_{index}"],
            "reasons": guess.reasons,
        }
        for index, guess in enumerate(form.suggestion.guesses)
    ]


def notation_rows(form: MappingForm) -> dict[str, list[dict[str, Any]]]:
    """Return the other fields of the form, with the reasons for their initial values."""
    suggestion = form.suggestion
    return {
        "constants": [
            {
                "field": form[f"constant_{name}"],
                "reason": suggestion.currency.reason if name == "currency" else "",
            }
            for name in CONSTANTS
        ],
        "notation": [
            {"field": form[name], "reason": getattr(suggestion, name).reason}
            for name in ("date_order", "decimal_sign", "encoding", "time_zone")
        ],
        "words": [
            {"field": field, "word": word, "written": mask_card_numbers(word.written)[:SHOWN_CHARACTERS]}
            for word, field in zip(form.status_words, form.word_fields(), strict=True)
        ],
    }


def preview_context(upload: ImportUpload, find_missing_parts: Callable[[TableMapping], list[str]]) -> dict[str, Any]:
    """Return the results of the check."""
    preview = upload.preview
    labels = dict(Order.Status.choices)
    return {
        "preview": preview,
        "importable": preview["read"] - preview["rejected"] - preview["skipped"],
        "sums": [
            {
                "currency": each["currency"],
                "status": labels.get(each["status"], ""),
                "count": each["count"],
                "total": format_money(Decimal(each["total"]), each["currency"]) if each["currency"] else each["total"],
            }
            for each in preview["sums"]
        ],
        "missing": find_missing_parts(upload.mapping) if upload.mapping else [],
    }
