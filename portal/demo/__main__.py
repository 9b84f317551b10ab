"""Entry point of `manage.py demo`."""

import sys

from portal.demo.options import make_parser

# The demo's packages are an optional extra: without them, say what to install instead of a traceback.
try:
    from portal.demo.supervisor import run  # needs the extra `trial`
except ModuleNotFoundError as error:
    if error.name not in ("aiosmtpd", "psutil"):
        raise
    sys.exit(f"The demo needs the package {error.name}. Run `make demo`, or `pip install -r requirements-dev.lock`.")

if __name__ == "__main__":
    arguments = sys.argv[2:] if sys.argv[1:2] == ["demo"] else sys.argv[1:]
    sys.exit(run(make_parser().parse_args(arguments).port))
