"""`import_orders FILE…`: import orders from files that stores exported."""

import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, DjangoHelpFormatter
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from intake.dates import DATE_ORDERS
from intake.feed import RawItem
from intake.feeds import FEEDS
from intake.format_detection import ImportSource, detect_format
from intake.mapping.finding import find_mapping
from intake.models import DETAILS_KEPT, ImportRun
from intake.problems import Problem
from intake.rejects_file import RejectsFile, place_in_file
from intake.services.imports import ImportReport, ImportStopped, layout_of, run_import, system_user
from intake.source_file import SourceFile, UnusableFile

SHOWN_REJECTS = 20
EXIT_REJECTED = 1
EXIT_UNUSABLE = 2
EXIT_INTERRUPTED = 130  # as shells report Ctrl-C

EXAMPLES = """\
examples:
  import_orders --dry-run --store my-shop orders_export.csv   show what would happen
  import_orders --store my-shop --rejects rejects.csv orders_export.csv
  import_orders --store my-shop rejects.csv                   the corrected rejects
  import_orders --store my-shop --date-order dmy --encoding windows-1252 old.csv
  import_orders --store old-shop --mapping sales sales.csv    a table whose columns you mapped in the admin
  import_orders orders.jsonl refunds.json                     files that name their stores

exit status:
  0    everything was imported
  1    rows were rejected, or the database connection was lost; what is counted was imported
  2    the command or a file is invalid; nothing was saved
  130  stopped with Ctrl-C; what is counted was imported

docs/importing.md describes this command and how to fix each kind of problem.
"""


class _HelpFormatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Keeps the line breaks of the examples."""


class Command(BaseCommand):
    help = "Imports orders from files exported by stores. You can import the same file again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = _HelpFormatter
        parser.epilog = EXAMPLES
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument(
            "--format", choices=[feed.name for feed in FEEDS], help="the file format (default: detected)"
        )
        parser.add_argument("--store", metavar="SLUG", default="", help="the store, for files that don't name it")
        parser.add_argument(
            "--encoding", metavar="NAME", default="", help="the encoding, for example windows-1250 (default: detected)"
        )
        parser.add_argument(
            "--date-order",
            choices=DATE_ORDERS,
            default="",
            help="order of day, month and year (31/12/2026, 12/31/2026 or 26-12-31) if it's ambiguous",
        )
        parser.add_argument(
            "--mapping", metavar="NAME", default="", help="of the store, for tables in no format that is known"
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would happen without saving anything")
        parser.add_argument("--rejects", metavar="FILE", type=Path, help="write rejected rows to this file")
        parser.add_argument("--json", action="store_true", help="print the result as JSON on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        rejects: RejectsFile | None = None
        try:
            sources = [_open_source(path, options) for path in options["files"]]
            if options["rejects"]:
                rejects = RejectsFile(options["rejects"], [each.source for each in sources])
        except UnusableFile as error:
            raise CommandError(str(error), returncode=EXIT_UNUSABLE) from None
        report = _Report(self, rejects, options["dry_run"], options["json"])
        try:
            with _progress(sources, self.stderr.isatty()) as on_progress:
                imported = run_import(
                    sources,
                    source=ImportRun.Source.COMMAND,
                    started_by_name=system_user(),
                    options=_kept_options(sources, options),
                    dry_run=options["dry_run"],
                    on_rejected=report.reject,
                    on_warning=report.warn,
                    on_progress=on_progress,
                )
        except ImportStopped as stopped:
            report.finish(stopped.report)
            cause = stopped.__cause__
            if isinstance(cause, KeyboardInterrupt):
                raise CommandError(
                    _("Stopped. The orders counted above were saved completely. Import the file again for the rest."),
                    returncode=EXIT_INTERRUPTED,
                ) from None
            raise CommandError(
                _(
                    "The database connection was lost (%(reason)s). The orders counted above were saved "
                    "completely. Import again later."
                )
                % {"reason": str(cause).splitlines()[0] if str(cause) else type(cause).__name__},
                returncode=EXIT_REJECTED,
            ) from None
        finally:
            if rejects:
                rejects.close()
        report.finish(imported)
        if imported.counts.rejected:
            sys.exit(EXIT_REJECTED)


def _open_source(path: Path, options: dict[str, Any]) -> ImportSource:
    """Open a file and find its feed. Raises UnusableFile."""
    store, mapping = options["store"], options["mapping"]
    if mapping and options["format"]:
        raise UnusableFile(_("--mapping is for tables without a supported format. Run the command without --format."))
    encoding = options["encoding"] or (find_mapping(store, mapping).encoding if mapping else "")
    return detect_format(SourceFile(path, encoding), options["format"], store, options["date_order"], mapping)


def _kept_options(sources: list[ImportSource], options: dict[str, Any]) -> dict[str, Any]:
    """Return the options shown in the history."""
    kept = {name: options[name] for name in ("encoding", "date_order") if options[name]}
    if mappings := sorted({str(each.mapping) for each in sources if each.mapping}):
        kept["mapping"] = ", ".join(mappings)
    return kept


class _Report:
    """Prints the results, as text or JSON."""

    def __init__(self, command: BaseCommand, rejects: RejectsFile | None, dry_run: bool, as_json: bool) -> None:
        self.dry_run = dry_run
        self._command = command
        self._rejects_file = rejects
        self._as_json = as_json
        self._rejected = 0
        self._repeated: dict[str, int] = {}  # how often each message was suppressed
        self._warned = 0

    def reject(self, import_source: ImportSource, item: RawItem, problem: Problem) -> None:
        if self._rejects_file:
            self._rejects_file.add(layout_of(import_source), item, problem)
        if problem.text in self._repeated:
            self._repeated[problem.text] += 1
            return
        self._rejected += 1
        if self._rejected <= SHOWN_REJECTS:
            self._repeated[problem.text] = 0
            self._command.stderr.write(f"{place_in_file(import_source.source.path.name, item.line)}: {problem.text}")
        elif self._rejected == SHOWN_REJECTS + 1 and not self._rejects_file:
            self._command.stderr.write(_("More rows were rejected. To get all of them, set a file with --rejects."))

    def warn(self, import_source: ImportSource, item: RawItem, warning: Problem) -> None:
        self._warned += 1
        if self._warned <= SHOWN_REJECTS:
            words = _("warning")
            self._command.stderr.write(
                f"{place_in_file(import_source.source.path.name, item.line)}: {words}: {warning.text}"
            )

    def finish(self, report: ImportReport) -> None:
        counts, run, write = report.counts, report.run, self._command.stdout.write
        for sentence, times in self._repeated.items():
            if times:
                self._command.stderr.write(
                    ngettext("%(count)d more row: %(problem)s", "%(count)d more rows: %(problem)s", times)
                    % {"count": times, "problem": sentence}
                )
        summary = _(
            "%(read)d orders read: %(created)d created, %(updated)d updated, %(unchanged)d unchanged, "
            "%(rejected)d rejected, in %(seconds).1f s."
        ) % {**asdict(counts), "seconds": report.seconds}
        write(summary)
        if report.warnings.total:
            write(_("%(count)d warnings.") % {"count": report.warnings.total})
        if counts.skipped:
            write(
                _("%(count)d rows were skipped because their status means that they aren’t orders.")
                % {"count": counts.skipped}
            )
        if self.dry_run:
            write(_("This was a dry run. Nothing was saved."))
        if self._rejects_file and counts.rejected:
            paths = ", ".join(str(path) for path in self._rejects_file.paths)
            write(_("Correct the rejected rows in %(paths)s and import the file again.") % {"paths": paths})
        if run and (counts.created or counts.updated):
            write(
                _("This was import %(run)d. You can undo it for %(days)d days with undo_import %(run)d.")
                % {"run": run.pk, "days": DETAILS_KEPT.days}
            )
        if self._as_json:
            result = {
                **asdict(counts),
                "rejects": report.rejects.as_list(),
                "warnings": report.warnings.as_list(),
                "seconds": round(report.seconds, 3),
                "dry_run": self.dry_run,
                "run": run.pk if run else None,
            }
            write(json.dumps(result))


@contextmanager
def _progress(sources: list[ImportSource], on_terminal: bool) -> Iterator[Callable[[ImportSource], None]]:
    if not on_terminal:
        yield lambda import_source: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks = {id(each): bar.add_task(each.source.path.name, total=each.source.size) for each in sources}
        yield lambda each: bar.update(tasks[id(each)], completed=each.source.position)
