"""What a newcomer reads when everything answers."""

import sys

from rich.console import Console

from portal.demo import vendor
from portal.demo.state import Folder

INDENT = 25  # characters


def show(url: str, admin_password: str, folder: Folder, mail_goes_to: str) -> None:
    """Print where to go and with what. Values stand whole on one line, to be copied.

    `mail_goes_to` names a mail server of the person's own; empty: the demo keeps all mail.
    """
    arrives = f"sent through {mail_goes_to}" if mail_goes_to else "the link arrives in the inbox"
    inbox = f"mails leave through {mail_goes_to}" if mail_goes_to else f"{url}/demo/inbox/"
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    lines = (
        ("[bold]Find an order[/bold]", f"{url}/orders/find/"),
        ("  number + password", f"{vendor.PASSWORD_ORDER}   {vendor.ORDER_PASSWORD}"),
        ("  email + last 4 digits", f"{vendor.WITH_CARD.email}   {vendor.CARD_LAST4}"),
        ("  emailed link", f"{vendor.WITH_PAYPAL.email}   ({arrives})"),
        ("[bold]Inbox of all mails[/bold]", inbox),
        ("[bold]Staff[/bold]", f"{url}/admin/"),
        ("  name + password", f"{vendor.ADMIN}   {admin_password}"),
        ("[bold]Files[/bold]", f"{folder.shown}/mail/*.eml, {folder.shown}/log/*.log"),
    )
    console.print()
    for label, value in lines:
        tags = len(label) - len(console.render_str(label))
        console.print(f"{label:<{INDENT + tags}}{value}")
    console.print("\nCtrl-C ends it all. In a second terminal, to see whether all is well:")
    console.print(f"  {folder.prefix}.venv/bin/python manage.py doctor")
