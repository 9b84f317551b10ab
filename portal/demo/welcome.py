"""What a newcomer reads when everything answers."""

import sys

from rich.console import Console

from portal.demo import vendor

INDENT = 25  # characters


def show(url: str, admin_password: str, folder: str) -> None:
    """Print where to go and with what. Values stand whole on one line, to be copied."""
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    lines = (
        ("[bold]Find an order[/bold]", f"{url}/orders/find/"),
        ("  number + password", f"{vendor.PASSWORD_ORDER}   {vendor.ORDER_PASSWORD}"),
        ("  email + last 4 digits", f"{vendor.WITH_CARD.email}   {vendor.CARD_LAST4}"),
        ("  emailed link", f"{vendor.WITH_PAYPAL.email}   (the link arrives in the inbox)"),
        ("[bold]Inbox of all mails[/bold]", f"{url}/demo/inbox/"),
        ("[bold]Staff[/bold]", f"{url}/admin/"),
        ("  name + password", f"{vendor.ADMIN}   {admin_password}"),
        ("[bold]Files[/bold]", f"{folder}/mail/*.eml, {folder}/log/*.log"),
    )
    console.print()
    for label, value in lines:
        tags = len(label) - len(console.render_str(label))
        console.print(f"{label:<{INDENT + tags}}{value}")
    console.print("\nCtrl-C ends it all. What is well and what is not: `.venv/bin/python manage.py doctor`")
