"""Command line options of `manage.py demo`. Imports no other part of the demo, so that --help always works."""

import argparse

DEFAULT_PORT = 8000

HELP = """\
Starts the portal with demo orders. Press Ctrl-C to stop it.

Starts PostgreSQL and Valkey from their Python wheels, loads the orders of a fictional vendor,
and runs web server, Celery worker and beat, and a mail server that stores each email as a file.
When everything is ready, it prints the address, three ways to find an order, and the staff login.
"""

EXAMPLES = """\
examples:
  make demo                          prepares .venv first, then starts this command
  manage.py demo --port 8001         if port 8000 is in use
  VAR=var-2 manage.py demo --port 8001
                                     a second demo with its own data
  DATABASE_URL=postgres://… manage.py demo
                                     your own server; BROKER_URL and EMAIL_URL work the same way

While it runs, `manage.py doctor` in a second terminal checks the same data.
To start over, stop the demo and delete the folder.
"""


def port_number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} isn't a port. Use a number from 1024 to 65535.")
    return int(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        type=port_number,
        default=DEFAULT_PORT,
        help=("the port of the portal, on this computer only (default: 8000)"),
    )


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="manage.py demo",
        description=HELP,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(parser)
    return parser
