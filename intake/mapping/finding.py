"""Find the mapping of a table by name, or by the header of the file."""

from django.utils.translation import gettext as _

from intake.models import TableMapping, header_fingerprint
from intake.source_file import SourceFile, UnusableFile
from intake.tables import PROBLEM_COLUMN


def header_of(source: SourceFile) -> list[str]:
    """Return the column names of a table, without the additional column of a rejects file."""
    header = list(source.head.header)
    return header[1:] if header and header[0].strip() == PROBLEM_COLUMN else header


def find_mapping(store: str, name: str) -> TableMapping:
    """Return the newest version of a store's mapping. Raises UnusableFile, with the names of the existing mappings."""
    if not store:
        raise UnusableFile(_("Mappings belong to a store. Name it with --store SLUG."))
    mappings = TableMapping.objects.filter(store__slug=store).select_related("store")
    found = mappings.filter(name=name).order_by("-version").first()
    if found is None:
        known = sorted(set(mappings.values_list("name", flat=True)))
        raise UnusableFile(
            _("The store %(store)s has no mapping %(name)s. It has: %(known)s.")
            % {"store": store[:64], "name": name[:64], "known": ", ".join(known) or "–"}
        )
    return found


def recognize_mapping(source: SourceFile, store: str) -> TableMapping | None:
    """Return the store's mapping for tables with this header; None if there is none.

    Raises UnusableFile if several mappings contradict each other about this header.
    """
    if not store or not source.head.header:
        return None
    fingerprint = header_fingerprint(header_of(source))
    newest: dict[str, TableMapping] = {}
    for mapping in TableMapping.objects.filter(store__slug=store).select_related("store").order_by("version"):
        newest[mapping.name] = mapping
    current = [mapping for mapping in newest.values() if mapping.fingerprint == fingerprint]
    if len(current) > 1 and not all(mapping.same_content(current[0]) for mapping in current):
        raise UnusableFile(
            _("Several mappings of the store fit %(path)s: %(names)s. Name one with --mapping NAME.")
            % {"path": source.label, "names": ", ".join(sorted(mapping.name for mapping in current))}
        )
    return current[0] if current else None
