"""Detect the format of a file and set up the context of its feed."""

from dataclasses import dataclass
from datetime import UTC
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from intake.feed import Feed, FeedContext
from intake.feeds import FEEDS
from intake.feeds.table import make_feed
from intake.mapping.finding import find_mapping, recognize_mapping
from intake.models import TableMapping
from intake.notation import detect_notation
from intake.source_file import SourceFile, UnusableFile, is_json_text
from intake.statuses import load_meanings
from orders.models import Store

MIN_COLUMNS = 2  # of a table
LIKE_COLUMNS = 4  # if a format has this many date and amount columns, a file with them is detected as a table


class UnknownTable(UnusableFile):
    """The file is a table that needs a mapping."""


@dataclass(frozen=True)
class ImportSource:
    """A file to import, with the feed that reads it."""

    source: SourceFile
    feed: Feed
    context: FeedContext
    header: list[str]  # of a table; the rejects file repeats it
    mapping: TableMapping | None = None  # of a table in an unknown format


def detect_format(
    source: SourceFile, format_name: str | None, store: str, date_order: str = "", mapping_name: str = ""
) -> ImportSource:
    """Find the feed of a file. `date_order` is the order of numeric dates if a person set it.

    A table whose header matches one of the store's mappings is read with that mapping, and any table with a mapping
    that is named. Raises UnusableFile if no feed fits, or if a required column or the store is missing.
    """
    if mapping_name:
        return read_with_mapping(source, find_mapping(store, mapping_name), date_order)
    if source.is_empty and format_name is None:
        raise UnusableFile(
            _("%(path)s is empty. If that’s correct, set its format with --format.") % {"path": source.label}
        )
    if format_name is None and (mapping := recognize_mapping(source, store)):
        return read_with_mapping(source, mapping, date_order)
    feed = next((feed for feed in FEEDS if feed.name == format_name), None)
    if feed is None:
        feed = _detect(source)
    elif not source.is_empty and not (feed.matches(source.head) or feed.reads_table(source.head)):
        _check_named_format(source, feed)
    if not feed.names_store and not store:
        raise UnusableFile(
            _("%(path)s doesn’t name the store of its orders. Set it with --store SLUG.") % {"path": source.label}
        )
    if store:
        _check_slug(store)
    known = Store.objects.filter(slug=store).first() if store else None
    notation = detect_notation(source, feed, date_order)
    context = FeedContext(
        store=store,
        time_zone=known.tzinfo if known else UTC,
        decimal_comma=notation.decimal_comma,
        date_order=notation.date_order,
        status_meanings=load_meanings(store, feed.name) if known else {},
    )
    # The first line of a JSON file is an order, which the history must not keep.
    header = [] if is_json_text(source.head.text) else list(source.head.header)
    return ImportSource(source, feed, context, header)


def is_table(source: SourceFile) -> bool:
    """Whether a file can be a table: it isn't JSON, and its first row has several cells."""
    header = source.head.header
    return not is_json_text(source.head.text) and len(header) >= MIN_COLUMNS and all(map(_is_name, header))


def _is_name(cell: str) -> bool:
    return all(character.isprintable() or character.isspace() for character in cell) and "\ufffd" not in cell


def read_with_mapping(source: SourceFile, mapping: TableMapping, date_order: str = "") -> ImportSource:
    """Return a table with its mapping. The file and the store supply what the mapping leaves open.

    Raises UnusableFile if the file isn't a table, or has no column with the order number.
    """
    if is_json_text(source.head.text):
        raise UnusableFile(_("%(path)s is JSON, and only tables have a mapping.") % {"path": source.label})
    if mapping.encoding and not source.is_encoding_named:
        source = source.with_encoding(mapping.encoding)
    feed = make_feed(mapping)
    if not feed.reads_table(source.head):
        _check_columns(source, feed)
    notation = detect_notation(source, feed, date_order or mapping.date_order)
    decimal_comma = notation.decimal_comma
    if mapping.decimal_sign:
        decimal_comma = mapping.decimal_sign == TableMapping.DecimalSign.COMMA
    context = FeedContext(
        store=mapping.store.slug,
        time_zone=ZoneInfo(mapping.time_zone) if mapping.time_zone else mapping.store.tzinfo,
        decimal_comma=decimal_comma,
        date_order=notation.date_order,
        status_meanings=load_meanings(mapping.store.slug, feed.name),
    )
    return ImportSource(source, feed, context, list(source.head.header), mapping)


def _detect(source: SourceFile) -> Feed:
    for feed in FEEDS:
        if feed.matches(source.head):
            return feed
    likeness = {feed.name: len(source.head.columns & (feed.date_columns | feed.amount_columns)) for feed in FEEDS}
    likeliest = max(FEEDS, key=lambda feed: likeness[feed.name])
    if likeness[likeliest.name] >= LIKE_COLUMNS:
        _check_columns(source, likeliest)
    if is_table(source):
        raise UnknownTable(
            _(
                "%(path)s is a table in none of the formats that are known here (%(formats)s). Upload it in the admin, "
                "under Files to import, and say there what its columns mean, or name a mapping that the store has with "
                "--mapping NAME. See docs/unknown-tables.md."
            )
            % {"path": source.label, "formats": ", ".join(feed.name for feed in FEEDS)}
        )
    raise UnusableFile(
        _("%(path)s isn’t in a supported format (%(formats)s). See docs/store-formats.md.")
        % {"path": source.label, "formats": ", ".join(feed.name for feed in FEEDS)}
    )


def _check_named_format(source: SourceFile, feed: Feed) -> None:
    """Refuse a file whose format was named wrongly, instead of rejecting each of its rows."""
    names = {"path": source.label, "format": feed.name}
    is_json = is_json_text(source.head.text)
    if other := next((each for each in FEEDS if each.matches(source.head)), None):
        kind = _("JSON") if is_json else _("a table")
        raise UnusableFile(
            _("%(path)s is %(kind)s in the format %(other)s, not %(format)s. Run the command without --format.")
            % {**names, "other": other.name, "kind": kind}
        )
    if is_json and feed.is_table:
        raise UnusableFile(_("%(path)s is JSON, but %(format)s is a table. Run the command without --format.") % names)
    if is_json:
        return  # each object says what is wrong with it
    _check_columns(source, feed)
    if not feed.is_table and not feed.required_columns:
        raise UnusableFile(
            _("%(path)s isn’t JSON, but the format %(format)s is. Run the command without --format.") % names
        )
    raise UnusableFile(_("%(path)s doesn’t have the columns of the format %(format)s.") % names)


def _check_columns(source: SourceFile, feed: Feed) -> None:
    """Report missing required columns once for the whole file."""
    missing = [
        columns
        for columns in feed.required_columns
        if not source.head.columns.intersection(column.lower() for column in columns)
    ]
    if missing:
        wanted = ", ".join(_(" or ").join(f"“{column}”" for column in columns) for columns in missing)
        raise UnusableFile(
            _(
                "%(path)s has no column %(columns)s, which the format %(format)s requires. Export the file again "
                "with that column."
            )
            % {"path": source.label, "columns": wanted, "format": feed.name}
        )


def _check_slug(store: str) -> None:
    try:
        Store._meta.get_field("slug").run_validators(store)
    except ValidationError:
        raise UnusableFile(
            _("%(store)s isn’t a short name of a store. Use only letters, digits and hyphens.") % {"store": store}
        ) from None
