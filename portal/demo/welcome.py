"""The summary that the demo prints when it is ready."""

import sys

from rich.console import Console

from portal.demo import vendor
from portal.demo.folder import DemoFolder

INDENT = 25  # characters


def print_welcome(url: str, admin_password: str, folder: DemoFolder, mail_setting: str) -> None:
    """Print the addresses and credentials, each on one line so that it can be copied.

    `mail_setting` names the setting of an external mail server; empty if the demo stores all email itself.
    """
    arrives = f"sent through {mail_setting}" if mail_setting else "the link arrives in the inbox"
    inbox = f"emails leave through {mail_setting}" if mail_setting else f"{url}/demo/inbox/"
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    lines = (
        ("[bold]Find an order[/bold]", f"{url}/orders/find/"),
        ("  number + password", f"{vendor.PASSWORD_ORDER}   {vendor.ORDER_PASSWORD}"),
        ("  email + last 4 digits", f"{vendor.BUYER_WITH_CARD.email}   {vendor.CARD_LAST4}"),
        ("  emailed link", f"{vendor.BUYER_WITH_PAYPAL.email}   ({arrives})"),
        ("[bold]Inbox of all emails[/bold]", inbox),
        ("[bold]Staff[/bold]", f"{url}/admin/"),
        ("  name + password", f"{vendor.ADMIN_USERNAME}   {admin_password}"),
        ("  with an agent’s role", f"{vendor.AGENT_USERNAME}   {admin_password}"),
        ("[bold]Files[/bold]", f"{folder.display_path}/mail/*.eml, {folder.display_path}/log/*.log"),
    )
    console.print()
    for label, value in lines:
        tags = len(label) - len(console.render_str(label))
        console.print(f"{label:<{INDENT + tags}}{value}")
    console.print("\nPress Ctrl-C to stop. To check all parts, run this in a second terminal:")
    console.print(f"  {folder.command_prefix}.venv/bin/python manage.py doctor")
