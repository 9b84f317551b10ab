#!/usr/bin/env python
"""Django's command line. `demo` creates the settings that all other commands read, so it starts before them."""

import os
import runpy
import sys

from django.core.management import execute_from_command_line

from portal.command_line import run


def main() -> None:
    if sys.argv[1:2] == ["demo"]:
        runpy.run_module("portal.demo", run_name="__main__")
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    run(execute_from_command_line, sys.argv)


if __name__ == "__main__":
    main()
