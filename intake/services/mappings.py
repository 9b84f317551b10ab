"""Suggest a mapping for an uploaded table, validate the user's changes, and save it."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import available_timezones

from django.db import transaction
from django.utils.translation import gettext as _

from intake.currencies import country_code, is_currency
from intake.feeds.table import NAME
from intake.mapping.fields import FIELDS
from intake.mapping.finding import header_of
from intake.mapping.guessing import ColumnGuess, guess_columns, guess_statuses
from intake.mapping.notation_guesses import (
    NotationGuess,
    guess_currency,
    guess_date_order,
    guess_decimal_sign,
    guess_encoding,
)
from intake.mapping.sample import Sample, read_sample
from intake.models import ImportUpload, StatusMeaning, TableMapping, header_fingerprint, normalize_status
from intake.services.uploads import local_copy
from intake.source_file import SourceFile
from intake.statuses import load_meanings
from orders.models import Order, Store

MAX_WORDS = 100  # status words that a form asks for


@dataclass
class Suggestion:
    """The possible meaning of a table's columns and notation. A person confirms or changes it."""

    guesses: list[ColumnGuess]
    date_order: NotationGuess
    decimal_sign: NotationGuess
    encoding: NotationGuess
    time_zone: NotationGuess
    currency: NotationGuess
    sample: Sample
    header: list[str]


@dataclass(frozen=True)
class StatusWord:
    """A status word in the file: normalized, as written, and what it means or may mean."""

    word: str
    written: str
    meaning: str
    reason: str


def suggest(upload: ImportUpload) -> Suggestion:
    """Suggest a mapping from the first rows of an uploaded table. Raises UnusableFile."""
    with local_copy(upload) as path:
        encoding = upload.encoding or (upload.mapping.encoding if upload.mapping else "")
        source = SourceFile(path, encoding, upload.name)
        sample = read_sample(source)
        guesses = guess_columns(sample)
        return Suggestion(
            guesses,
            guess_date_order(sample, guesses),
            guess_decimal_sign(source, sample, guesses),
            guess_encoding(source),
            NotationGuess("", _("As the store: %(zone)s.") % {"zone": upload.store.time_zone}),
            guess_currency(sample, guesses),
            sample,
            header_of(source),
        )


def find_status_words(upload: ImportUpload, sample: Sample, column: str) -> list[StatusWord]:
    """Return the words in a status column, with the meaning set by staff, or a guess."""
    written = {normalize_status(word): word for word in reversed(sample.words(column))}
    for word in upload.preview.get("unknown_statuses", []):
        written.setdefault(normalize_status(word), word)
    known = load_meanings(upload.store.slug, NAME)
    guesses = guess_statuses(list(written.values()))
    words = []
    for word, text in reversed(written.items()):
        if word in known:
            words.append(StatusWord(word, text, known[word], _("As said before for this store.")))
        elif text in guesses:
            words.append(StatusWord(word, text, guesses[text], _("This is what the word usually means.")))
        else:
            words.append(StatusWord(word, text, "", _("Not known. Rows with it are rejected until you choose.")))
    return words[:MAX_WORDS]


def find_mapping_problems(columns: Mapping[str, str], constants: Mapping[str, str]) -> list[str]:
    """Return reasons why no orders can be imported with this mapping, in sentences. `columns` are fields by column."""
    problems = []
    mapped = list(columns.values())
    for name, field in FIELDS.items():
        if mapped.count(name) > 1 and not field.may_repeat:
            problems.append(_("“%(field)s” is chosen for more than one column.") % {"field": field.label})
    for name in ("number", "placed_at"):
        if name not in mapped:
            problems.append(_("Choose the column with “%(field)s”.") % {"field": FIELDS[name].label})
    if "currency" not in mapped and not constants.get("currency"):
        problems.append(_("Choose the column with the currency, or say the currency of all orders."))
    if "total" not in mapped and "line_total" not in mapped:
        problems.append(_("Choose the column with what the buyer paid: for the order, or for each item."))
    has_items = "item_name" in mapped or "sku" in mapped
    if not has_items and any(name in mapped for name in ("serials", "line_total", "quantity", "unit_price")):
        problems.append(_("Choose the column with the name or SKU of the item, to which the others belong."))
    if "serials" not in mapped and any(name in mapped for name in ("devices", "starts_on", "expires_on")):
        problems.append(_("Choose the column of the serial numbers, to which the license’s dates and devices belong."))
    if "total" not in mapped and ("discount" in mapped or "tax" in mapped):
        problems.append(_("Without the order’s total, its tax or discount can’t be shared between the items."))
    if (currency := constants.get("currency", "")) and not is_currency(currency):
        problems.append(
            _("“%(text)s” isn’t a currency. Enter its three-letter code, for example EUR.") % {"text": currency[:10]}
        )
    if (country := constants.get("country", "")) and not country_code(country):
        problems.append(
            _("“%(text)s” isn’t a country. Enter its two-letter code, for example DE.") % {"text": country[:40]}
        )
    return problems


def is_time_zone(name: str) -> bool:
    return name in available_timezones()


def find_missing_parts(mapping: TableMapping) -> list[str]:
    """Return what the orders of a mapping won't have, and the consequences for buyers and staff."""
    available = {*mapping.columns.values(), *mapping.constants}
    sentences = [
        (("email",), _("No email address: buyers can’t find these orders by email, and get no emails about them.")),
        (("status",), _("No status: all orders count as completed.")),
        (("item_name", "sku"), _("No items: buyers see only the total, and can’t return single items.")),
        (("sku",), _("No SKUs, so items can’t be assigned to products.")),
        (("serials",), _("No serial numbers.")),
        (("tax", "line_tax"), _("No tax: statements and refunds don’t show any.")),
        (("last4",), _("No last 4 digits of cards: buyers can’t find these orders by card.")),
        (("billing_name", "company"), _("No name: order statements are without one.")),
    ]
    return [sentence for names, sentence in sentences if available.isdisjoint(names)]


def save_mapping(
    upload: ImportUpload,
    *,
    name: str,
    header: list[str],
    columns: dict[str, str],
    constants: dict[str, str],
    notation: dict[str, str],
    meanings: dict[str, str],
    by: str,
) -> TableMapping:
    """Save a mapping as a new version, unless it equals the last one, and use it for this upload.

    `notation` has the fields `date_order`, `decimal_sign`, `encoding` and `time_zone`. `meanings` are statuses by
    normalized word, which apply to all mappings of the store.
    """
    with transaction.atomic():
        store = Store.objects.select_for_update().get(pk=upload.store_id)
        last = TableMapping.objects.filter(store=store, name=name).order_by("-version").first()
        mapping = TableMapping(
            store=store,
            name=name,
            version=last.version + 1 if last else 1,
            fingerprint=header_fingerprint(header),
            columns=columns,
            constants=constants,
            created_by_name=by[:150],
            **notation,
        )
        if last and last.same_content(mapping):
            mapping = last
        else:
            mapping.save()
        _save_meanings(store, meanings)
        ImportUpload.objects.filter(pk=upload.pk).update(mapping=mapping, encoding="", date_order="")
    upload.refresh_from_db()
    return mapping


def _save_meanings(store: Store, meanings: dict[str, str]) -> None:
    allowed = {*Order.Status.values, StatusMeaning.NOT_AN_ORDER}
    for word, meaning in meanings.items():
        if meaning in allowed:
            StatusMeaning.objects.update_or_create(store=store, format=NAME, word=word, defaults={"meaning": meaning})
