"""`setup`: the first settings of a new portal, asked on a terminal or told with flags."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, ProgrammingError

from portal.first_setup.answers import QUESTIONS, Answers, WrongAnswer, check, read
from portal.first_setup.asking import ask
from portal.first_setup.present import overview
from portal.first_setup.writing import Refused, Written, write

EXIT_REFUSED = 1
EXIT_UNUSABLE = 2
EXIT_INTERRUPTED = 130  # as shells report Ctrl-C
EPILOG = """
Shows what is there, and asks for the rest: store, return rules, approval limits, products, phone numbers, help articles
and the first login. Enter keeps what is in brackets. Flags answer questions in advance, and --no-input asks none.

  manage.py setup                        ask for everything
  manage.py setup --no-input             only show what is there
  manage.py setup --no-input --store acme --store-name "Acme Shop" --time-zone Europe/Berlin --dry-run
                                         show what this would change

It can be run again at any time and changes only what it is told: another language, one more product, longer return
periods (for later orders). Everything is written in one transaction, or nothing is. Settings of the environment, such
as the vendor's name, are printed for you to add. docs/first-hour.md leads through the first hour.

Exit status: 0 if all was written; 1 if something was refused, and nothing was written; 2 if the call is unusable;
130 if it was stopped with Ctrl-C, and nothing was written.
"""
NEXT_STEPS = """
Next:
  manage.py doctor                           what else is missing
  manage.py import_orders --dry-run FILE     what an export of your store contains
  docs/first-hour.md                         from here to the first order that a buyer finds
"""


class Command(BaseCommand):
    help = "Sets up store, staff, products, help, phone numbers and policies. Asks, or takes flags."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = EPILOG
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--no-input", action="store_true", help="ask nothing; only the flags count")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be written")
        for question in QUESTIONS:
            repeated = " Can be given several times." if question.is_repeated else ""
            parser.add_argument(
                question.flag,
                action="append" if question.is_repeated else "store",
                metavar=question.name.rpartition("_")[2].upper(),
                help=(question.text + repeated).replace("%", "%%"),
            )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            answers = self._answers(**options)
            written = write(answers, dry_run=options["dry_run"])
        except (WrongAnswer, EOFError) as error:
            text = str(error) if isinstance(error, WrongAnswer) else "No answer. Use --no-input with flags in scripts."
            raise CommandError(text, returncode=EXIT_UNUSABLE) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing was written.", returncode=EXIT_INTERRUPTED) from None
        except Refused as error:
            raise CommandError(f"{error} Nothing was written.", returncode=EXIT_REFUSED) from None
        except (OperationalError, InterfaceError, ProgrammingError) as error:
            reason = (str(error).splitlines() or [""])[0]
            text = f"The database can’t be used ({reason}). Check DATABASE_URL, and run `manage.py migrate`."
            raise CommandError(text, returncode=EXIT_UNUSABLE) from None
        self._report(written, dry_run=options["dry_run"])

    def _answers(self, *, no_input: bool, **options: Any) -> Answers:
        told = {each.name: read(each, options[each.name]) for each in QUESTIONS if options[each.name] is not None}
        answers = Answers(**told)
        self.stdout.write("What is there:")
        for label, value in overview():
            self.stdout.write(f"  {label:<16} {value}")
        if not no_input:
            ask(answers, self.stdout.write)
        check(answers)
        return answers

    def _report(self, written: Written, *, dry_run: bool) -> None:
        self.stdout.write("")
        for change in written.changes:
            self.stdout.write(f"  {change}")
        if dry_run:
            self.stdout.write("This was a dry run. Nothing was written.")
        elif not written.changes:
            self.stdout.write("Nothing was changed.")
        if written.password and not dry_run:
            self.stdout.write(f"Password, shown only once: {written.password}")
        if written.settings:
            self.stdout.write("Add these settings to the environment of every process, and restart all:")
        for line in written.settings:
            self.stdout.write(f"  {line}")
        if not dry_run:
            self.stdout.write(NEXT_STEPS)
