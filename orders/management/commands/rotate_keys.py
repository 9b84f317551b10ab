"""`rotate_keys`: after ORDER_PASSWORD_KEY was replaced, replace the order passwords of the earlier key."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from orders.models import OrderPasswordKey
from orders.services import password_keys
from orders.services.password_keys import KeyChangeRefused, Replaced

EXIT_STOPPED, EXIT_REFUSED = 1, 2
EXIT_INTERRUPTED = 130  # as shells report Ctrl-C

EPILOG = """
ORDER_PASSWORD_KEY makes the order passwords that the portal sends, and protects those that stores sent until they are
used for the first time. Set the new key first (50 random characters), start all processes again, then run this.

planned change, nobody else knows the earlier key:
  1. Move the earlier key to ORDER_PASSWORD_KEY_FALLBACKS, and set the new one. Passwords of both open their orders;
     emails tell the new ones. Keep it so for as long as you like.
  2. manage.py rotate_keys             says how many imported passwords still need the earlier key
  3. Take the earlier key out of ORDER_PASSWORD_KEY_FALLBACKS. Passwords that were told with it stop working; their
     buyers get the new ones with their next confirmation. Then:
     manage.py rotate_keys --finish    replaces imported passwords that no key can check any more

the key leaked:
  1. Set a new ORDER_PASSWORD_KEY, and leave ORDER_PASSWORD_KEY_FALLBACKS empty.
  2. manage.py rotate_keys --compromised --dry-run
     manage.py rotate_keys --compromised
     Every password that the portal made is replaced, and everybody is signed out of these orders. So are imported
     passwords that were not used yet. Buyers whose orders are younger than CONFIRMATION_WINDOW_HOURS get an email
     with the new password at once, all others with their next confirmation.

Each can be interrupted and run again: it goes on where it stopped, and no password is replaced twice for the same key.
The database remembers fingerprints of the keys, never a key. `doctor keys` says when key and database don't fit.

Ends with 0; with 1 when the database went away (run it again); with 2 when it refuses to work with these settings.
"""

REFUSALS = {
    KeyChangeRefused.FALLBACK_SET: gettext_lazy(
        "ORDER_PASSWORD_KEY_FALLBACKS still contains an old key, so its passwords would stay valid. Remove it, "
        "restart all processes, and run this again. Nothing was changed."
    ),
    KeyChangeRefused.SAME_KEY: gettext_lazy(
        "ORDER_PASSWORD_KEY hasn’t changed. Set a new key (50 random characters), restart all processes, and run "
        "this again. Nothing was changed."
    ),
    KeyChangeRefused.EARLIER_KEY: gettext_lazy(
        "ORDER_PASSWORD_KEY is a key that was already replaced. Set a new key or the most recent one. Nothing was "
        "changed."
    ),
}


class Command(BaseCommand):
    help = "Replaces order passwords after ORDER_PASSWORD_KEY was replaced, or says what still needs the earlier key."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.epilog = EPILOG
        parser.formatter_class = RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--compromised", action="store_true", help="the earlier key leaked")
        what.add_argument("--finish", action="store_true", help="end a planned change")
        parser.add_argument("--dry-run", action="store_true", help="say what would be replaced, and write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["compromised"]:
                self._replace(OrderPasswordKey.Reason.COMPROMISED, options["dry_run"])
            elif options["finish"]:
                self._replace(OrderPasswordKey.Reason.PLANNED, options["dry_run"])
            else:
                self._describe()
        except KeyChangeRefused as refused:
            raise CommandError(str(REFUSALS[refused.code]), returncode=EXIT_REFUSED) from None
        except KeyboardInterrupt:
            raise CommandError(_("Stopped. Run it again to continue."), returncode=EXIT_INTERRUPTED) from None
        except (OperationalError, InterfaceError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            text = _("The database connection was lost (%(reason)s). Run it again to continue.")
            raise CommandError(text % {"reason": reason}, returncode=EXIT_STOPPED) from None

    def _describe(self) -> None:
        """What still needs which key."""
        fallbacks = password_keys.imported_with_fallbacks()
        if not fallbacks:
            self.stdout.write(_("ORDER_PASSWORD_KEY_FALLBACKS contains no old keys."))
        for fingerprint, count in fallbacks.items():
            text = _("Old key %(fingerprint)s: %(count)d imported passwords need it until their first use.")
            self.stdout.write(text % {"fingerprint": fingerprint, "count": count})
        if fallbacks:
            self.stdout.write(_("Passwords that the portal sent before the change need it, too."))
        count = password_keys.unverifiable_passwords().count()
        self.stdout.write(_("%(count)d imported passwords can’t be checked with any key.") % {"count": count})
        self.stdout.write(_("To replace a key, see `manage.py rotate_keys --help`. Nothing was changed."))

    def _replace(self, reason: OrderPasswordKey.Reason, is_dry_run: bool) -> None:
        key = password_keys.check(reason) if is_dry_run else password_keys.begin(reason)
        if key.replaced_at is not None and (reason == OrderPasswordKey.Reason.COMPROMISED or not is_dry_run):
            text = _(
                "Nothing to do: passwords were replaced for this key at %(time)s UTC. If this key leaked, too, set "
                "a new one first."
            )
            self.stdout.write(text % {"time": f"{key.replaced_at:%Y-%m-%d %H:%M}"})
        elif is_dry_run:
            self._report(password_keys.count_replaceable(reason))
            self.stdout.write(_("This was a dry run. Nothing was changed."))
        else:
            with _progress(key.replaced_up_to, self.stderr.isatty()) as step:
                replaced = password_keys.replace_all(key, step)
            self._report(replaced)
            self.stdout.write(_("Done. All orders now use the current ORDER_PASSWORD_KEY."))

    def _report(self, replaced: Replaced) -> None:
        text = _(
            "%(portal_made)d passwords from the portal and %(imported)d imported passwords replaced, %(emails)d "
            "buyers emailed."
        )
        self.stdout.write(text % vars(replaced))


@contextmanager
def _progress(total: int, on_terminal: bool) -> Iterator[Callable[[int], object]]:
    """Progress by the ids of orders."""
    if not on_terminal:
        yield lambda order_id: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(_("orders"), total=total)
        yield lambda order_id: bar.update(task, completed=order_id)
