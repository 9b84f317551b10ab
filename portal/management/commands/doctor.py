"""Checks every part of the portal and prints one line for each, with a remedy for every problem."""

import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter
from django.db import connection
from django.utils.translation import gettext as _

from portal.data_checks import Check, CheckFailed, CheckWarning
from portal.doctor_checks import CHECKS

CHECK_TIMEOUT = 10.0  # seconds
NAMES = [check.name for check in CHECKS]
EXIT_UNUSABLE = 2
RETRY_INTERVAL = 0.3  # seconds, with --wait

EXAMPLES = """\
examples:
  manage.py doctor              one line per check; exit status 0 if all pass (warnings are allowed), else 1
  manage.py doctor --wait 60    after a start: repeat for up to a minute until all pass
  manage.py doctor beat mail    only these checks and those that they need

Each line shows a part of the portal: ok, or what's wrong and how to fix it.
"""


@dataclass(frozen=True)
class CheckResult:
    check: Check
    description: str
    remedy: str = ""
    is_ok: bool = True
    is_warning: bool = False  # it works, but needs attention


class HelpFormatter(DjangoHelpFormatter):
    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text  # keeps the line breaks of EXAMPLES


class Command(BaseCommand):
    help = "Checks every part of the portal and says how to fix problems."
    requires_system_checks: list[str] = []  # the check "settings" runs them

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name, subcommand, epilog=EXAMPLES, **kwargs | {"formatter_class": HelpFormatter}
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of: {', '.join(NAMES)}")
        parser.add_argument(
            "--wait", type=float, default=0.0, metavar="SECONDS", help="how long to wait until all checks pass"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        checks = select_checks(options["parts"])
        deadline = time.monotonic() + options["wait"]
        results = run_checks(checks)
        while not all(result.is_ok for result in results) and time.monotonic() < deadline:
            time.sleep(RETRY_INTERVAL)
            results = run_checks(checks)
        for result in results:
            self.print_result(result)
        if not all(result.is_ok for result in results):
            sys.exit(1)

    def print_result(self, result: CheckResult) -> None:
        state = self.style.SUCCESS(_("ok")) if result.is_ok else self.style.ERROR(_("FAILED"))
        if result.is_warning:
            state = self.style.WARNING(_("WARNING"))
        self.stdout.write(f"{result.check.name:<11} {state}: {result.description}")
        if result.remedy:
            self.stdout.write(f"{'':<11} → {result.remedy}")


def select_checks(names: list[str]) -> list[Check]:
    """Return the named checks and those they need, in the order of CHECKS; all checks if `names` is empty."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        text = _("Unknown check %(name)s. Choose from: %(names)s.")
        raise CommandError(text % {"name": unknown[0], "names": ", ".join(NAMES)}, returncode=EXIT_UNUSABLE)
    selected = set(names or NAMES)
    selected |= {need for check in CHECKS if check.name in selected for need in check.needs}
    return [check for check in CHECKS if check.name in selected]


def run_checks(checks: list[Check]) -> list[CheckResult]:
    """Run the checks in order. A check is skipped, and counts as failed, if one that it needs has failed."""
    results: dict[str, CheckResult] = {}
    for check in checks:
        missing = next((name for name in check.needs if not results[name].is_ok), None)
        if missing:
            description = _("skipped, because it needs: %(name)s") % {"name": missing}
            results[check.name] = CheckResult(check, description, is_ok=False)
        else:
            results[check.name] = run_check(check)
    return list(results.values())


def run_check(check: Check) -> CheckResult:
    """Run one check in a thread, so that one that never returns does not block the others."""
    results: list[CheckResult] = []
    thread = threading.Thread(target=lambda: results.append(_run_in_thread(check)), daemon=True)
    thread.start()
    thread.join(CHECK_TIMEOUT)
    if results:
        return results[0]
    description = _("no response within %(seconds)d s") % {"seconds": CHECK_TIMEOUT}
    return CheckResult(check, description, _("It’s stalled. Check its log, then restart it."), is_ok=False)


def _run_in_thread(check: Check) -> CheckResult:
    try:
        return CheckResult(check, check.run())
    except CheckWarning as warning:
        return CheckResult(check, warning.problem, warning.remedy, is_warning=True)
    except CheckFailed as failure:
        return CheckResult(check, failure.problem, failure.remedy, is_ok=False)
    except Exception as error:  # an unexpected error is reported as a result, not as a traceback
        return CheckResult(check, f"{type(error).__name__}: {error}", _("Check its log."), is_ok=False)
    finally:
        connection.close()  # the connection of this thread
