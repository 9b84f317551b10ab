"""`send_followups`: send due follow-ups, or show what would be sent and why."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections import Counter
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from notifications import follow_ups, kinds
from notifications.addresses import mask_address
from notifications.follow_ups import FollowUpResult
from notifications.models import FollowUp

EXIT_SOME_FAILED, EXIT_UNUSABLE = 1, 2

FAILURES_SHOWN = 10

EPILOG = """
Schedules follow-up emails, cancels those that are no longer needed, and puts due ones into the outbox. Celery beat
does the same every 10 minutes. Use this command to see what's waiting, or if you run no worker. It's safe to run it
at any time: each follow-up is sent at most once, and no address gets two within 24 hours.

  manage.py send_followups --dry-run                          what would be sent now, and why the rest wouldn't
  manage.py send_followups --dry-run --now 2026-12-01T09:00   the same for this time (UTC, or with an offset)

Exit status: 0 if all went well; 1 if some couldn't be scheduled, checked or sent because of an error (they're in
the log and will be retried; the others aren't affected); 2 if the command failed.
"""

REASONS = {
    FollowUp.Status.SENT: gettext_lazy("due"),
    FollowUp.Status.CANCELLED: gettext_lazy("no longer needed"),
    FollowUp.Status.SWITCHED_OFF: gettext_lazy("unsubscribed"),
    FollowUp.Status.TOO_LATE: gettext_lazy("too late to send"),
    FollowUp.Status.PLANNED: gettext_lazy("another follow-up went to this address within 24 hours"),
}


class Command(BaseCommand):
    help = "Sends due follow-up emails. You can run it at any time."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = EPILOG
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would be sent and why, without sending it"
        )
        parser.add_argument(
            "--now", metavar="TIME", default="", help="with --dry-run: use this time, for example 2026-12-01T09:00"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = _parse_time(options["now"])
        try:
            with transaction.atomic():
                this_run = follow_ups.run(now)
                waiting = list(follow_ups.waiting_for_another_day(now))
                to_come = FollowUp.objects.planned().filter(due_at__gt=now).count()
                if options["dry_run"]:
                    transaction.set_rollback(True)
        except (OperationalError, InterfaceError) as error:
            raise CommandError(
                _("The database can’t be reached (%(reason)s). Nothing was sent.")
                % {"reason": str(error).splitlines()[0] if str(error) else type(error).__name__},
                returncode=EXIT_UNUSABLE,
            ) from None
        # Rows that wait for another day may have been checked in this run; list them once, from `waiting`.
        settled = [result for result in this_run.results if result.status != FollowUp.Status.PLANNED]
        for result in [*settled, *(FollowUpResult(row, FollowUp.Status.PLANNED) for row in waiting)]:
            self.stdout.write(_format_result(result))
        counts = Counter(result.status for result in settled)
        words = _("%(sent)d sent, %(needless)d canceled, %(waiting)d postponed, %(later)d not due yet.")
        if options["dry_run"]:
            words = _(
                "This was a dry run. %(sent)d would be sent, %(needless)d canceled, %(waiting)d postponed, "
                "%(later)d aren’t due yet."
            )
        sent = counts[FollowUp.Status.SENT]
        self.stdout.write(
            words % {"sent": sent, "needless": len(settled) - sent, "waiting": len(waiting), "later": to_come}
        )
        if failures := this_run.failures:
            raise CommandError(
                ngettext(
                    "%(count)d error in %(subjects)s. See the log. Other follow-ups aren’t affected.",
                    "%(count)d errors in %(subjects)s. See the log. Other follow-ups aren’t affected.",
                    len(failures),
                )
                % {"count": len(failures), "subjects": "; ".join(failures[:FAILURES_SHOWN])},
                returncode=EXIT_SOME_FAILED,
            )


def _parse_time(typed: str) -> datetime:
    if not typed:
        return timezone.now()
    try:
        moment = parse_datetime(typed)
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(
            _("“%(typed)s” isn’t a date and time. Enter it like 2026-12-01T09:00.") % {"typed": typed},
            returncode=EXIT_UNUSABLE,
        )
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def _format_result(result: FollowUpResult) -> str:
    row = result.follow_up
    status = FollowUp.Status.PLANNED.label if result.status == FollowUp.Status.PLANNED else result.status.label
    return (
        f"{status}: {kinds.label(row.kind)} → {mask_address(row.recipient)},"
        f" {row.due_at:%Y-%m-%d %H:%M} – {row.closes_at:%Y-%m-%d %H:%M} UTC, {row.kind} {row.object_id}"
        f" ({REASONS[result.status]})"
    )
