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
ORDER_PASSWORD_KEY generates the order passwords that the portal sends. It also protects imported order passwords until
their first use. Set the new key first (50 random characters), restart all processes, then run this command.

planned change (the old key isn't known to anyone else):
  1. Move the old key to ORDER_PASSWORD_KEY_FALLBACKS and set the new one. Passwords of both keys work, and emails
     contain the new ones. You can keep this for as long as you like.
  2. manage.py rotate_keys             shows how many imported passwords still need the old key
  3. Remove the old key from ORDER_PASSWORD_KEY_FALLBACKS. Passwords that were sent with it stop working; their
     buyers get new ones with their next confirmation. Then:
     manage.py rotate_keys --finish    replaces imported passwords that no key can check

the key leaked:
  1. Set a new ORDER_PASSWORD_KEY, and leave ORDER_PASSWORD_KEY_FALLBACKS empty.
  2. manage.py rotate_keys --compromised --dry-run
     manage.py rotate_keys --compromised
     Every password that the portal generated and every imported password that hasn't been used is replaced, and
     everyone is signed out of these orders. Buyers whose orders are newer than CONFIRMATION_WINDOW_HOURS get an
     email with the new password immediately, all others with their next confirmation.

You can interrupt the command and run it again. It continues where it stopped and replaces no password twice for the
same key. The database stores fingerprints of the keys, never a key. `doctor keys` reports when they don't match.

Exit status: 0 if all went well; 1 if the database connection was lost (run it again); 2 if these settings are refused.
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
    help = "Replaces order passwords after a change of ORDER_PASSWORD_KEY, or shows what still needs the old key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = EPILOG
        parser.formatter_class = RawDescriptionHelpFormatter
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--compromised", action="store_true", help="the old key leaked")
        what.add_argument("--finish", action="store_true", help="complete a planned change")
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would be replaced without saving anything"
        )

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
        """Describe which key is still needed by what."""
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
    """Show progress by order id."""
    if not on_terminal:
        yield lambda order_id: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(_("orders"), total=total)
        yield lambda order_id: bar.update(task, completed=order_id)
