"""`add_release FILE`: add an installer of a product."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from licenses.models.downloads import Platform
from licenses.services.releases import (
    AddResult,
    NeedsConfirmation,
    Outcome,
    ReleaseRejected,
    ReleaseUpload,
    StorageFailed,
    add_release,
    current_release,
    find_product,
    no_progress,
    publication_warnings,
    publish,
)
from licenses.services.releases import Progress as ProgressCallback

EXIT_REFUSED = 1
EXIT_UNUSABLE = 2

EPILOG = """
Checks that the file is an installer for the platform, computes its SHA-256, stores the file and verifies it. Then
publishes it: it becomes the current release of its product and platform. Buyers can still download the release
that was current when they bought.

  manage.py add_release Setup.exe --product maximum-security --version 17.8.1 --platform windows
  manage.py add_release Setup.exe --product MAX-3D-1Y --version 17.8.1 --platform windows \\
      --sha256 "$(cut -d' ' -f1 Setup.exe.sha256)" --name "Maximum Security Setup.exe"
  manage.py add_release Setup.exe --product maximum-security --version 17.8.1 --platform windows --dry-run
  manage.py add_release Setup.exe --product maximum-security --version 17.8.1 --platform windows --draft

--product is the short name of a product, or one of its SKUs. Adding the same file and version again changes
nothing. Another file for an existing version is rejected. With --draft, buyers see nothing until somebody
publishes it in the admin, or runs the command again without --draft.

A version that is older than a published one, or the same file under another version, stays a draft, unless you
add --allow-older.

Exit status: 0 if the release exists (added now or before); 1 if it was rejected (wrong checksum, no installer for
the platform, another file for this version) or stayed a draft; 2 if it failed (file not found, storage or database
unreachable).
"""


class Command(BaseCommand):
    help = "Adds an installer for buyers of its product. You can run it again with the same file."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        # Replace Django's own --version option.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = EPILOG
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("file", type=Path, metavar="FILE", help="the installer")
        parser.add_argument("--product", required=True, help="short name of a product, or one of its SKUs")
        parser.add_argument(
            "--version", required=True, metavar="V", help="the version shown to buyers, for example 17.8.1"
        )
        parser.add_argument("--platform", required=True, type=str.lower, choices=Platform.values)
        parser.add_argument("--sha256", default="", metavar="HEX", help="reject the file if its SHA-256 is different")
        parser.add_argument(
            "--name", default="", metavar="FILENAME", help="name for downloads (default: the name of FILE)"
        )
        parser.add_argument("--draft", action="store_true", help="save it as a draft, which nobody can download")
        parser.add_argument(
            "--allow-older", action="store_true", help="publish it even if a newer version, or this file, is published"
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would happen without saving anything")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            upload = ReleaseUpload(
                product=find_product(options["product"]),
                version=options["version"],
                platform=options["platform"],
                file_name=options["name"] or path.name,
                sha256=options["sha256"],
            )
            with path.open("rb") as content, _progress_bars(path, self.stderr.isatty()) as progress:
                added = add_release(content, upload, dry_run=options["dry_run"], progress=progress)
            self._report(added, dry_run=options["dry_run"])
            if not options["draft"] and added.release.is_draft:
                self._publish(added, allow_older=options["allow_older"], dry_run=options["dry_run"])
            elif added.release.is_draft:
                self.stdout.write(_("It is a draft. It can’t be downloaded until it is published."))
        except StorageFailed as error:
            raise CommandError(str(error.sentence), returncode=EXIT_UNUSABLE) from error
        except ReleaseRejected as error:
            raise CommandError(str(error.sentence), returncode=EXIT_REFUSED) from error
        except OSError as error:
            sentence = _("%(file)s can’t be read: %(reason)s.") % {"file": path, "reason": error.strerror or error}
            raise CommandError(sentence, returncode=EXIT_UNUSABLE) from error
        except (OperationalError, InterfaceError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            sentence = _("The database can’t be reached (%(reason)s). Nothing was saved.") % {"reason": reason}
            raise CommandError(sentence, returncode=EXIT_UNUSABLE) from error
        if options["dry_run"]:
            self.stdout.write(_("This was a dry run. Nothing was saved."))

    def _report(self, added: AddResult, *, dry_run: bool) -> None:
        values = {"release": added.release, "file": added.release.file_name}
        if added.outcome == Outcome.UNCHANGED:
            self.stdout.write(_("Unchanged: %(release)s already exists with this file.") % values)
        elif dry_run:
            self.stdout.write(_("Would add %(release)s as %(file)s.") % values)
        else:
            self.stdout.write(_("Added %(release)s as %(file)s.") % values)
        self.stdout.write(f"SHA-256 {added.release.sha256}, {added.release.size} bytes")

    def _publish(self, added: AddResult, *, allow_older: bool, dry_run: bool) -> None:
        """Publish the draft. Raises ReleaseRejected if it stays one."""
        warnings = publication_warnings(added.release)
        confirmed = {warning.code for warning in warnings} if allow_older else set()
        replaced = current_release(added.release)
        try:
            if warnings and not allow_older:
                raise NeedsConfirmation(warnings)
            if not dry_run:
                publish(added.release, None, confirmed, is_verified=added.outcome == Outcome.ADDED)
        except NeedsConfirmation as error:
            saved = "" if dry_run else _("It was saved as a draft.")
            sentence = _("%(reasons)s To publish it, add --allow-older, or use the admin.")
            raise ReleaseRejected(f"{sentence % {'reasons': error.sentence}} {saved}".strip()) from error
        sentence = _("Would publish it.") if dry_run else _("Published. Buyers can download it now.")
        self.stdout.write(sentence)
        if replaced:
            sentence = _("Would replace %(replaced)s.") if dry_run else _("It replaces %(replaced)s.")
            self.stdout.write(sentence % {"replaced": replaced})


@contextmanager
def _progress_bars(path: Path, on_terminal: bool) -> Iterator[ProgressCallback]:
    """Show a progress bar for each step, on a terminal only."""
    if not on_terminal:
        yield no_progress
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    size = path.stat().st_size
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def advance(step: str, count: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=size)
            bars.advance(tasks[step], count)

        yield advance
