"""Runs a command of manage.py. What an operator can solve ends with a sentence, not with a traceback."""

import os
import sys
from collections.abc import Callable

import psycopg2.errors
from django.db import InterfaceError, OperationalError, ProgrammingError

EXIT_UNUSABLE = 2
EXIT_INTERRUPTED, EXIT_PIPE_CLOSED = 130, 141  # as shells report Ctrl-C and a closed pipe
_UNMIGRATED = (psycopg2.errors.UndefinedTable, psycopg2.errors.UndefinedColumn)


def run(execute: Callable[[list[str]], None], arguments: list[str]) -> None:
    """Run the command. Commands that know more about their state catch these errors themselves."""
    if "--traceback" in arguments:
        execute(arguments)
        return
    try:
        try:
            execute(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Whatever is still to be written, also at the end of Python, goes nowhere: `… | head -1` has read enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_PIPE_CLOSED)
    except KeyboardInterrupt:
        _end("Stopped.", EXIT_INTERRUPTED)
    except (OperationalError, InterfaceError) as error:
        cause = error.__cause__
        if getattr(cause, "pgcode", None) is None:  # no answer from the server
            _end(f"The database can’t be reached ({_reason(error)}). Start PostgreSQL, or correct DATABASE_URL.")
        _end(f"The database stopped the command: {_reason(error)}. Run it again.")
    except ProgrammingError as error:
        if not isinstance(error.__cause__, _UNMIGRATED):
            raise
        _end(f"The database isn’t migrated ({_reason(error)}). Run `manage.py migrate`.")


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _end(sentence: str, status: int = EXIT_UNUSABLE) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.exit(status)
