"""`import_orders FILE…`: what stores exported, into the portal."""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from intake.feed import RawItem
from intake.feeds import FEEDS
from intake.format_detection import ImportSource, detect_format
from intake.ingest.run import Counts, Import
from intake.rejects_file import RejectsFile
from intake.source_file import SourceFile, UnusableFile

SHOWN_REJECTS = 20
EXIT_REJECTED = 1
EXIT_UNUSABLE = 2
EXIT_INTERRUPTED = 130  # as shells report Ctrl-C


class Command(BaseCommand):
    help = "Imports orders from files that stores exported. The same file twice does no harm."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument("--format", choices=[feed.name for feed in FEEDS], help="instead of detecting it")
        parser.add_argument("--store", metavar="SLUG", default="", help="for files that don't name their store")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, and write nothing")
        parser.add_argument("--rejects", metavar="FILE", type=Path, help="where rows go that were not taken")
        parser.add_argument("--json", action="store_true", help="print the result as one line of JSON, last")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        rejects: RejectsFile | None = None
        try:
            chosen = [detect_format(SourceFile(path), options["format"], options["store"]) for path in options["files"]]
            if options["rejects"]:
                rejects = RejectsFile(options["rejects"], [each.source for each in chosen])
        except UnusableFile as error:
            raise CommandError(str(error), returncode=EXIT_UNUSABLE) from None
        report = _Report(self, rejects, options["dry_run"], options["json"])
        try:
            self._import(chosen, report)
        except KeyboardInterrupt:
            report.finish(time.monotonic() - began)
            raise CommandError(
                _("Stopped. What is counted above is in the database, whole; import the file again for the rest."),
                returncode=EXIT_INTERRUPTED,
            ) from None
        except (OperationalError, InterfaceError) as error:
            report.finish(time.monotonic() - began)
            raise CommandError(
                _("The database went away (%(reason)s). What is counted above is in it, whole; import again later.")
                % {"reason": str(error).splitlines()[0] if str(error) else type(error).__name__},
                returncode=EXIT_REJECTED,
            ) from None
        finally:
            if rejects:
                rejects.close()
        report.finish(time.monotonic() - began)
        if report.counts.rejected:
            sys.exit(EXIT_REJECTED)

    def _import(self, chosen: list[ImportSource], report: "_Report") -> None:
        if not report.dry_run:
            for each in chosen:
                self._import_one(each, report)
            return
        # One transaction over all, so that a later row sees what an earlier one would have done.
        with transaction.atomic():
            for each in chosen:
                self._import_one(each, report)
            transaction.set_rollback(True)

    def _import_one(self, chosen: ImportSource, report: "_Report") -> None:
        source = chosen.source
        run = Import(
            chosen.feed,
            chosen.context,
            lambda item, reason: report.reject(chosen, item, reason),
            lambda item, warning: report.warn(chosen, item, warning),
        )
        run.counts = report.counts
        try:
            with _progress(source, self.stderr.isatty()) as step:
                run.run(chosen.feed.read_items(source, chosen.context), step)
        finally:
            source.close()


class _Report:
    """Tells a person, or a script, what became of the orders."""

    def __init__(self, command: BaseCommand, rejects: RejectsFile | None, dry_run: bool, as_json: bool) -> None:
        self.counts = Counts()
        self.dry_run = dry_run
        self._command = command
        self._rejects = rejects
        self._as_json = as_json
        self._told = 0
        self._warnings = 0

    def reject(self, chosen: ImportSource, item: RawItem, reason: str) -> None:
        if self._rejects:
            self._rejects.add(chosen.source, chosen.feed, chosen.header, item, reason)
        self._told += 1
        if self._told <= SHOWN_REJECTS:
            self._command.stderr.write(f"{chosen.source.path.name} {_('line')} {item.line}: {reason}")
        elif self._told == SHOWN_REJECTS + 1 and not self._rejects:
            self._command.stderr.write(_("More rows were rejected; name a file with --rejects to get them all."))

    def warn(self, chosen: ImportSource, item: RawItem, warning: str) -> None:
        self._warnings += 1
        if self._warnings <= SHOWN_REJECTS:
            words = _("warning")
            self._command.stderr.write(f"{chosen.source.path.name} {_('line')} {item.line}: {words}: {warning}")

    def finish(self, seconds: float) -> None:
        counts = self.counts
        summary = _(
            "%(read)d orders read: %(created)d created, %(updated)d updated, %(unchanged)d unchanged, "
            "%(rejected)d rejected, in %(seconds).1f s."
        ) % {**asdict(counts), "seconds": seconds}
        self._command.stdout.write(summary)
        if self._warnings:
            self._command.stdout.write(_("%(count)d warnings.") % {"count": self._warnings})
        if self.dry_run:
            self._command.stdout.write(_("Nothing was written: this was a dry run."))
        if self._rejects and counts.rejected:
            paths = ", ".join(str(path) for path in self._rejects.paths)
            self._command.stdout.write(_("Mend what was rejected in %(paths)s and import it again.") % {"paths": paths})
        if self._as_json:
            self._command.stdout.write(
                json.dumps(
                    {
                        **asdict(counts),
                        "warnings": self._warnings,
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
