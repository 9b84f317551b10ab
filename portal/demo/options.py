"""Command line options of `manage.py demo`. Imports no other part of the demo, so that --help always works."""

import argparse

DEFAULT_PORT = 8000

HELP = """\
Try the portal: one command starts all of it, Ctrl-C ends all of it.

Starts PostgreSQL and Valkey from their Python wheels, loads the orders of a fictional vendor,
and runs web server, Celery worker and beat, and a mail server that stores each email as a file.
When everything answers, it prints the address, three ways to find an order, and the staff login.
"""

EXAMPLES = """\
examples:
  make demo                          prepares .venv first, then starts this command
  manage.py demo --port 8001         where port 8000 is taken
  VAR=var-2 manage.py demo --port 8001
                                     a second demo with data of its own, beside the first
  DATABASE_URL=postgres://… manage.py demo
                                     a server of yours instead; BROKER_URL and EMAIL_URL likewise

While it runs, `manage.py doctor` in a second terminal looks at the same data.
To begin afresh, end the demo and delete the folder.
"""


def port_number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; use a number from 1024 to 65535.")
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
