"""One line for each part of the portal, and what to do about those that are not well."""

import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter
from django.db import connection
from django.utils.translation import gettext as _

from portal.checkup import CHECKS, Check, Trouble

GIVE_UP_AFTER = 10.0  # seconds, for each line
NAMES = [check.name for check in CHECKS]
PAUSE = 0.3  # seconds between two looks of --wait

EXAMPLES = """\
examples:
  manage.py doctor              a line each; exit status 0 when all is well, 1 when not
  manage.py doctor --wait 60    after a start: look again until all is well, for a minute at most
  manage.py doctor beat mail    these parts only, and what they need

Each line names a part of the portal: ok, or what is wrong and, below it, what to do.
"""


@dataclass(frozen=True)
class Finding:
    check: Check
    seen: str
    remedy: str = ""
    is_well: bool = True


class HelpFormatter(DjangoHelpFormatter):
    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text  # as it was written


class Command(BaseCommand):
    help = "Look at every part of the portal and say what to do about what is not well."
    requires_system_checks: list[str] = []  # they are one of the lines

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name, subcommand, epilog=EXAMPLES, **kwargs | {"formatter_class": HelpFormatter}
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of: {', '.join(NAMES)}")
        parser.add_argument(
            "--wait", type=float, default=0.0, metavar="SECONDS", help="how long to wait for all to be well"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        checks = chosen(options["parts"])
        deadline = time.monotonic() + options["wait"]
        findings = look_at(checks)
        while not all(finding.is_well for finding in findings) and time.monotonic() < deadline:
            time.sleep(PAUSE)
            findings = look_at(checks)
        for finding in findings:
            self.report(finding)
        if not all(finding.is_well for finding in findings):
            sys.exit(1)

    def report(self, finding: Finding) -> None:
        word = self.style.SUCCESS(_("ok")) if finding.is_well else self.style.ERROR(_("NOT WELL"))
        self.stdout.write(f"{finding.check.name:<11} {word}: {finding.seen}")
        if finding.remedy:
            self.stdout.write(f"{'':<11} → {finding.remedy}")


def chosen(names: list[str]) -> list[Check]:
    """The checks of these names and those that they need, in their order; all where none is named."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        text = _("%(name)s is no part of the portal; choose from: %(names)s.")
        raise CommandError(text % {"name": unknown[0], "names": ", ".join(NAMES)})
    wanted = set(names or NAMES)
    wanted |= {need for check in CHECKS if check.name in wanted for need in check.needs}
    return [check for check in CHECKS if check.name in wanted]


def look_at(checks: list[Check]) -> list[Finding]:
    findings: dict[str, Finding] = {}
    for check in checks:
        missing = next((name for name in check.needs if not findings[name].is_well), None)
        if missing:
            seen = _("not looked at, because it needs: %(name)s") % {"name": missing}
            findings[check.name] = Finding(check, seen, is_well=False)
        else:
            findings[check.name] = look(check)
    return list(findings.values())


def look(check: Check) -> Finding:
    """Carry one check out, in a thread of its own: what never answers must not hold the others up."""
    answers: list[Finding] = []
    thread = threading.Thread(target=lambda: answers.append(_look(check)), daemon=True)
    thread.start()
    thread.join(GIVE_UP_AFTER)
    if answers:
        return answers[0]
    seen = _("no answer within %(seconds)d s") % {"seconds": GIVE_UP_AFTER}
    return Finding(check, seen, _("It is stalled: look at its log, then start it again."), is_well=False)


def _look(check: Check) -> Finding:
    try:
        return Finding(check, check.look())
    except Trouble as trouble:
        return Finding(check, trouble.what, trouble.remedy, is_well=False)
    except Exception as error:  # a traceback helps nobody who is looking for what is wrong
        return Finding(check, f"{type(error).__name__}: {error}", _("Look at its log."), is_well=False)
    finally:
        connection.close()  # this thread's own
