"""Detect the format of a file and set up the context of its feed."""

from dataclasses import dataclass
from datetime import UTC

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from intake.feed import Feed, FeedContext
from intake.feeds import FEEDS
from intake.source_file import SourceFile, UnusableFile
from intake.statuses import load_meanings
from orders.models import Store


@dataclass(frozen=True)
class ImportSource:
    """A file to import, with the feed that reads it."""

    source: SourceFile
    feed: Feed
    context: FeedContext
    header: list[str]  # of a table; the rejects file repeats it


def detect_format(source: SourceFile, format_name: str | None, store: str) -> ImportSource:
    """Pair a file with its feed. Raises UnusableFile if no feed fits, or if the store is missing."""
    if source.is_empty and format_name is None:
        raise UnusableFile(
            _("%(path)s is empty. If that is right, say what it would be with --format.") % {"path": source.path}
        )
    feed = next((feed for feed in FEEDS if feed.name == format_name), None) or _detect(source)
    if feed.is_table and not source.is_empty and not feed.matches(source.head):
        raise UnusableFile(
            _("%(path)s has not the columns of the format %(format)s.") % {"path": source.path, "format": feed.name}
        )
    if not feed.names_store and not store:
        raise UnusableFile(
            _("%(path)s does not say which store its orders are from. Name the store with --store SLUG.")
            % {"path": source.path}
        )
    if store:
        _check_slug(store)
    known = Store.objects.filter(slug=store).first() if store else None
    context = FeedContext(
        store=store,
        time_zone=known.tzinfo if known else UTC,
        decimal_comma=source.head.delimiter == ";",
        status_meanings=load_meanings(store, feed.name) if known else {},
    )
    return ImportSource(source, feed, context, list(source.head.header))


def _detect(source: SourceFile) -> Feed:
    for feed in FEEDS:
        if feed.matches(source.head):
            return feed
    raise UnusableFile(
        _("%(path)s is none of the formats that are known here (%(formats)s). See docs/store-formats.md.")
        % {"path": source.path, "formats": ", ".join(feed.name for feed in FEEDS)}
    )


def _check_slug(store: str) -> None:
    try:
        Store._meta.get_field("slug").run_validators(store)
    except ValidationError:
        raise UnusableFile(
            _("%(store)s is no short name of a store: use letters, digits and dashes.") % {"store": store}
        ) from None
