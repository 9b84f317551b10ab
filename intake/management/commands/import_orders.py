"""`import_orders FILE…`: import orders from files that stores exported."""

import json
import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, DjangoHelpFormatter
from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from intake.dates import DATE_ORDERS
from intake.feed import RawItem
from intake.feeds import FEEDS
from intake.format_detection import ImportSource, detect_format
from intake.ingest.dry_run import DryRun
from intake.ingest.run import Counts, Import
from intake.problems import Problem
from intake.rejects_file import RejectsFile
from intake.source_file import SourceFile, UnusableFile

SHOWN_REJECTS = 20
EXIT_REJECTED = 1
EXIT_UNUSABLE = 2
EXIT_INTERRUPTED = 130  # as shells report Ctrl-C

EXAMPLES = """\
examples:
  import_orders --dry-run --store my-shop orders_export.csv   say what would happen
  import_orders --store my-shop --rejects rejects.csv orders_export.csv
  import_orders --store my-shop rejects.csv                   the mended rejects
  import_orders --store my-shop --date-order dmy --encoding windows-1252 old.csv
  import_orders orders.jsonl refunds.json                     files that name their stores

exit status:
  0    everything was imported
  1    rows were rejected, or the database went away: what is counted is imported
  2    the command or a file is unusable, and nothing was written
  130  stopped with Ctrl-C: what is counted is imported

docs/store-formats.md describes the formats, and what to do about each kind of problem.
"""


class _HelpFormatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Keeps the lines of the examples as they are."""


class Command(BaseCommand):
    help = "Imports orders from files that stores exported. The same file twice does no harm."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = _HelpFormatter
        parser.epilog = EXAMPLES
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument("--format", choices=[feed.name for feed in FEEDS], help="instead of detecting it")
        parser.add_argument("--store", metavar="SLUG", default="", help="for files that don't name their store")
        parser.add_argument(
            "--encoding", metavar="NAME", default="", help="such as windows-1250, instead of detecting it"
        )
        parser.add_argument(
            "--date-order",
            choices=DATE_ORDERS,
            default="",
            help="day, month and year as in 31/12/2026, 12/31/2026 or 26-12-31, where the file doesn't tell",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, and write nothing")
        parser.add_argument("--rejects", metavar="FILE", type=Path, help="where rows go that were not taken")
        parser.add_argument("--json", action="store_true", help="print the result as one line of JSON, last")

    def handle(self, *args: Any, **options: Any) -> None:
        started_at = time.monotonic()
        rejects: RejectsFile | None = None
        try:
            sources = [
                detect_format(
                    SourceFile(path, options["encoding"]), options["format"], options["store"], options["date_order"]
                )
                for path in options["files"]
            ]
            if options["rejects"]:
                rejects = RejectsFile(options["rejects"], [each.source for each in sources])
        except UnusableFile as error:
            raise CommandError(str(error), returncode=EXIT_UNUSABLE) from None
        report = _Report(self, rejects, options["dry_run"], options["json"])
        try:
            self._import(sources, report)
        except KeyboardInterrupt:
            report.finish(time.monotonic() - started_at)
            raise CommandError(
                _("Stopped. What is counted above is in the database, whole; import the file again for the rest."),
                returncode=EXIT_INTERRUPTED,
            ) from None
        except (OperationalError, InterfaceError) as error:
            report.finish(time.monotonic() - started_at)
            raise CommandError(
                _("The database went away (%(reason)s). What is counted above is in it, whole; import again later.")
                % {"reason": str(error).splitlines()[0] if str(error) else type(error).__name__},
                returncode=EXIT_REJECTED,
            ) from None
        finally:
            if rejects:
                rejects.close()
        report.finish(time.monotonic() - started_at)
        if report.counts.rejected:
            sys.exit(EXIT_REJECTED)

    def _import(self, sources: list[ImportSource], report: "_Report") -> None:
        dry_run = DryRun() if report.dry_run else None  # one for all files: later rows see the result of earlier ones
        for each in sources:
            self._import_one(each, report, dry_run)

    def _import_one(self, import_source: ImportSource, report: "_Report", dry_run: DryRun | None) -> None:
        source = import_source.source
        run = Import(
            import_source.feed,
            import_source.context,
            lambda item, reason: report.reject(import_source, item, reason),
            lambda item, warning: report.warn(import_source, item, warning),
            dry_run=dry_run,
        )
        run.counts = report.counts
        try:
            with _progress(source, self.stderr.isatty()) as step:
                run.run(import_source.feed.read_items(source, import_source.context), step)
        finally:
            source.close()


@dataclass
class _Counted:
    """How many rejects or warnings have a code, and the first of them."""

    code: str
    first: str
    count: int = 0


class _Report:
    """Prints the results, as text or JSON."""

    def __init__(self, command: BaseCommand, rejects: RejectsFile | None, dry_run: bool, as_json: bool) -> None:
        self.counts = Counts()
        self.dry_run = dry_run
        self._command = command
        self._rejects_file = rejects
        self._as_json = as_json
        self._rejected = 0
        self._rejects: dict[str, _Counted] = {}  # by code
        self._repeated: dict[str, int] = {}  # how often each shown sentence was not shown again
        self._warnings: dict[str, _Counted] = {}  # by code
        self._warning_count = 0

    def reject(self, import_source: ImportSource, item: RawItem, problem: Problem) -> None:
        if self._rejects_file:
            self._rejects_file.add(import_source.source, import_source.feed, import_source.header, item, problem)
        self._rejects.setdefault(problem.code.value, _Counted(problem.code.value, problem.text)).count += 1
        if problem.text in self._repeated:
            self._repeated[problem.text] += 1
            return
        self._rejected += 1
        if self._rejected <= SHOWN_REJECTS:
            self._repeated[problem.text] = 0
            self._command.stderr.write(f"{import_source.source.path.name} {_('line')} {item.line}: {problem.text}")
        elif self._rejected == SHOWN_REJECTS + 1 and not self._rejects_file:
            self._command.stderr.write(_("More rows were rejected; name a file with --rejects to get them all."))

    def warn(self, import_source: ImportSource, item: RawItem, warning: Problem) -> None:
        warned = self._warnings.setdefault(warning.code.value, _Counted(warning.code.value, warning.text))
        warned.count += 1
        self._warning_count += 1
        if self._warning_count <= SHOWN_REJECTS:
            words = _("warning")
            self._command.stderr.write(
                f"{import_source.source.path.name} {_('line')} {item.line}: {words}: {warning.text}"
            )

    def finish(self, seconds: float) -> None:
        counts = self.counts
        for sentence, times in self._repeated.items():
            if times:
                self._command.stderr.write(
                    ngettext("%(count)d more row: %(problem)s", "%(count)d more rows: %(problem)s", times)
                    % {"count": times, "problem": sentence}
                )
        summary = _(
            "%(read)d orders read: %(created)d created, %(updated)d updated, %(unchanged)d unchanged, "
            "%(rejected)d rejected, in %(seconds).1f s."
        ) % {**asdict(counts), "seconds": seconds}
        self._command.stdout.write(summary)
        if self._warning_count:
            self._command.stdout.write(_("%(count)d warnings.") % {"count": self._warning_count})
        if counts.skipped:
            self._command.stdout.write(_("%(count)d rows are no orders, as staff said.") % {"count": counts.skipped})
        if self.dry_run:
            self._command.stdout.write(_("Nothing was written: this was a dry run."))
        if self._rejects_file and counts.rejected:
            paths = ", ".join(str(path) for path in self._rejects_file.paths)
            self._command.stdout.write(_("Mend what was rejected in %(paths)s and import it again.") % {"paths": paths})
        if self._as_json:
            self._command.stdout.write(
                json.dumps(
                    {
                        **asdict(counts),
                        "rejects": [asdict(rejected) for rejected in self._rejects.values()],
                        "warnings": [asdict(warned) for warned in self._warnings.values()],
                        "seconds": round(seconds, 3),
                        "dry_run": self.dry_run,
                    }
                )
            )


@contextmanager
def _progress(source: SourceFile, on_terminal: bool) -> Iterator[Any]:
    if not on_terminal:
        yield lambda: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(source.path.name, total=source.size)
        yield lambda: bar.update(task, completed=source.position)
