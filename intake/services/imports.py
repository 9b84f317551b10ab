"""Import files as one run of the history. Used by the command, uploads in the admin, and webhooks."""

import contextlib
import getpass
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import Error, InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from intake.body_source import BodySource
from intake.feed import Feed, FeedContext, RawItem
from intake.format_detection import ImportSource
from intake.ingest.dry_run import DryRun
from intake.ingest.items import Counts
from intake.ingest.recording import Recorder
from intake.ingest.run import Import
from intake.models import ImportFile, ImportRun
from intake.models.runs import try_lock_run, unlock_run
from intake.problems import Problem, ProblemCounts, storable
from intake.rejects_file import FileLayout

# The name of a body that isn't a file; only messages about files would show it.
BODY_NAME = "body"

ProblemCallback = Callable[[ImportSource, RawItem, Problem], None]


@dataclass
class ImportReport:
    """The result of an import so far. `run` is None for a dry run, which has no history."""

    run: ImportRun | None = None
    counts: Counts = field(default_factory=Counts)
    rejects: ProblemCounts = field(default_factory=ProblemCounts)
    warnings: ProblemCounts = field(default_factory=ProblemCounts)
    seconds: float = 0.0


class ImportStopped(Exception):
    """The import ended early: by Ctrl-C, or because the database connection was lost. The cause says which.

    Everything that the report counts is in the database, in whole batches.
    """

    def __init__(self, report: ImportReport) -> None:
        super().__init__("The import ended early.")
        self.report = report


def run_import(
    sources: Sequence[ImportSource],
    *,
    source: ImportRun.Source,
    started_by: User | None = None,
    started_by_name: str = "",
    options: dict[str, Any] | None = None,
    dry_run: bool = False,
    on_rejected: ProblemCallback = lambda source, item, problem: None,
    on_warning: ProblemCallback = lambda source, item, problem: None,
    on_progress: Callable[[ImportSource], None] = lambda source: None,
) -> ImportReport:
    """Import these files, one after the other, and return the result.

    `started_by` is the user; without one, `started_by_name` is a name. `options` are stored with the run. The callbacks
    get each rejected item, each warning, and each file after each of its batches. Raises ImportStopped if the import
    ends early. A dry run writes nothing.
    """
    report = ImportReport()
    started_at = time.monotonic()
    if dry_run:
        # One for all files, so that later rows see the results of earlier ones.
        with _stopping(report, started_at), DryRun() as pretended:
            for each in sources:
                _import_one(each, report, on_rejected, on_warning, on_progress, dry_run=pretended)
        return report
    report.run = start_run(sources, source, started_by, started_by_name, options or {})
    files = list(report.run.files.order_by("pk"))
    with _stopping(report, started_at), locked_run(report.run):
        for each, file in zip(sources, files, strict=True):
            recorder = Recorder(report.run.pk, file, layout_of(each))
            _import_one(each, report, on_rejected, on_warning, on_progress, recorder=recorder)
        finish_run(report.run, ImportRun.State.FINISHED)
    return report


@dataclass
class BodyReport:
    """The result for a body. `problems` are those of its rejected items, in sequence.

    `met_erased`: an item was about an order whose person was erased, so the body must not be kept.
    """

    counts: Counts
    problems: list[Problem]
    met_erased: bool = False


def import_body(feed: Feed, context: FeedContext, body: bytes) -> BodyReport:
    """Import the items of a UTF-8 body sent by a store. It isn't a run in the history, and can't be undone.

    An undo of an earlier run detects its changes. Raises Django's OperationalError or InterfaceError if the database is
    unavailable.
    """
    problems: list[Problem] = []
    run = Import(feed, context, lambda item, problem: problems.append(problem))
    run.run(feed.read_items(BodySource(BODY_NAME, body), context))
    return BodyReport(run.counts, problems, run.met_erased)


def system_user() -> str:
    """Return the name of the operating system's user; empty if it has none, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def layout_of(import_source: ImportSource) -> FileLayout:
    """Return how the rejects of this file are written."""
    source = import_source.source
    return FileLayout(source.name, import_source.header, source.head.delimiter, import_source.feed.identifiers)


def start_run(
    sources: Sequence[ImportSource],
    source: ImportRun.Source,
    started_by: User | None,
    started_by_name: str,
    options: dict[str, Any],
) -> ImportRun:
    """Create a run with its files, before anything is imported."""
    files = [_describe_file(each) for each in sources]
    name = started_by.get_username() if started_by is not None else started_by_name
    with transaction.atomic():
        run = ImportRun.objects.create(
            source=source, started_by=started_by, started_by_name=storable(name)[:150], options=options
        )
        for file in files:
            file.run = run
        ImportFile.objects.bulk_create(files)
    return run


def _describe_file(import_source: ImportSource) -> ImportFile:
    path = import_source.source.path
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    layout = layout_of(import_source)
    return ImportFile(
        name=storable(layout.name)[-255:],
        sha256=digest,
        size=path.stat().st_size,
        format=import_source.feed.name,
        store=import_source.context.store,
        header=[storable(cell) for cell in layout.header],
        delimiter=layout.delimiter,
        mapping=import_source.mapping,
    )


def _import_one(
    import_source: ImportSource,
    report: ImportReport,
    on_rejected: ProblemCallback,
    on_warning: ProblemCallback,
    on_progress: Callable[[ImportSource], None],
    *,
    recorder: Recorder | None = None,
    dry_run: DryRun | None = None,
) -> None:
    source = import_source.source
    run = Import(
        import_source.feed,
        import_source.context,
        lambda item, problem: on_rejected(import_source, item, problem),
        lambda item, warning: on_warning(import_source, item, warning),
        recorder,
        report.counts,
        report.rejects,
        report.warnings,
        dry_run,
    )

    def after_batch() -> None:
        report.rejects, report.warnings = run.rejects, run.warnings
        on_progress(import_source)

    try:
        run.run(import_source.feed.read_items(source, import_source.context), after_batch)
    finally:
        source.close()


@contextlib.contextmanager
def _stopping(report: ImportReport, started_at: float) -> Iterator[None]:
    """Measure the time, and mark the run as interrupted if it ends early."""
    try:
        yield
    except BaseException as error:
        if report.run is not None:
            _mark_interrupted(report.run)
        report.seconds = time.monotonic() - started_at
        if isinstance(error, KeyboardInterrupt | OperationalError | InterfaceError):
            raise ImportStopped(report) from error
        raise
    report.seconds = time.monotonic() - started_at


@contextlib.contextmanager
def locked_run(run: ImportRun) -> Iterator[None]:
    """Hold the run's lock, which shows that a process works on it. It ends with the process at the latest."""
    try_lock_run(run.pk)
    try:
        yield
    finally:
        unlock_run(run.pk)


def finish_run(run: ImportRun, state: ImportRun.State) -> None:
    now = timezone.now()
    ImportRun.objects.filter(pk=run.pk).update(state=state, finished_at=now, updated_at=now)
    run.refresh_from_db()


def _mark_interrupted(run: ImportRun) -> None:
    """If the database is unavailable, the state stays. The run is then shown as interrupted because
    its lock is free.
    """
    with contextlib.suppress(Error):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        finish_run(run, ImportRun.State.INTERRUPTED)
