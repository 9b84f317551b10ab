"""The demo's folder: who holds it, and the values that settings read from it.

Nothing here needs settings: this is what makes them.
"""

import fcntl
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from portal.demo import vendor

ROOT = Path(__file__).resolve().parent.parent.parent
DEFAULT = "var"  # the folder, within the checkout
HOST = "127.0.0.1"
SECRET_BYTES = 40
ADMIN_PASSWORD_BYTES = 12

# Made at the first start and kept: another key would end sessions and change order passwords.
_KEPT = ("SECRET_KEY", "ORDER_PASSWORD_KEY", "DEMO_ADMIN_PASSWORD", "ACTIVATION_KEYS")


class CannotStart(Exception):
    """Something outside the demo is in its way; the text says what, and what to do."""


@dataclass
class Folder:
    """Everything that one demo keeps: `VAR`, relative to the checkout, `var` by default."""

    path: Path
    _lock: TextIO | None = None

    @classmethod
    def from_environment(cls) -> "Folder":
        return cls((ROOT / (os.environ.get("VAR") or DEFAULT)).resolve())

    @property
    def mail(self) -> Path:
        return self.path / "mail"

    @property
    def engines(self) -> Path:
        return self.path / "engines"

    @property
    def env_file(self) -> Path:
        return self.path / "demo.env"

    @property
    def prefix(self) -> str:
        """What a command in a second terminal needs before it, to reach this folder."""
        return "" if self.path == (ROOT / DEFAULT).resolve() else f"VAR={self.shown} "

    @property
    def shown(self) -> str:
        """The path as a person would type it."""
        here = Path.cwd()
        return str(self.path.relative_to(here) if self.path.is_relative_to(here) else self.path)

    def log(self, name: str) -> Path:
        return self.path / "log" / f"{name}.log"

    def hold(self) -> None:
        """Take the folder for this process. Raises CannotStart where that is not possible."""
        try:
            for folder in (self.path, self.mail, self.path / "log"):
                folder.mkdir(parents=True, exist_ok=True)
            lock = (self.path / "demo.lock").open("a+")
            (self.path / "demo.lock").chmod(0o600)
        except OSError as error:
            raise CannotStart(
                f"The folder {self.shown} cannot be written ({error.strerror}). "
                "Name another one, as in `make demo VAR=/path/to/folder`."
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise CannotStart(
                f"A demo is already running on {self.shown} (process {holder}). End it with Ctrl-C there, "
                "or start another beside it: `make demo VAR=another-folder PORT=8001`."
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock  # held while it is open

    def values(self) -> dict[str, str]:
        """What the last demo wrote; empty before the first."""
        if not self.env_file.exists():
            return {}
        pairs = (line.partition("=") for line in self.env_file.read_text().splitlines())
        return {name: value.removeprefix("'").removesuffix("'") for name, _equals, value in pairs}

    def write_values(self, values: dict[str, str]) -> None:
        """Let settings read these from now on. Only the owner may: secrets are among them."""
        unfinished = self.env_file.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(f"{name}='{value}'\n" for name, value in values.items())
        unfinished.replace(self.env_file)


def check_port(port: int) -> None:
    """Raises CannotStart where something listens on the port or may not listen on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CannotStart(
                f"Port {port} is not free ({error.strerror}). Choose another one, as in `make demo PORT={port + 1}`."
            ) from error


def make_values(folder: Folder, port: int, servers: dict[str, str]) -> dict[str, str]:
    """The settings of this start: `servers` are DATABASE_URL, BROKER_URL and EMAIL_URL.

    What the environment sets stands above what the demo would choose, as it does in settings.
    """
    kept = folder.values()
    chosen = {
        "SECRET_KEY": secrets.token_urlsafe(SECRET_BYTES),
        "ORDER_PASSWORD_KEY": secrets.token_urlsafe(SECRET_BYTES),
        "DEMO_ADMIN_PASSWORD": secrets.token_urlsafe(ADMIN_PASSWORD_BYTES),
        "ACTIVATION_KEYS": f"demo={secrets.token_urlsafe(SECRET_BYTES)}",
        "ALLOWED_HOSTS": f"{HOST},localhost",
        "VENDOR_NAME": vendor.NAME,
        "VENDOR_COLOR": vendor.COLOR,
        "DEFAULT_FROM_EMAIL": vendor.SENDER,
        "SUPPORT_EMAIL": vendor.SUPPORT,
    }
    for name in _KEPT:
        chosen[name] = kept.get(name, chosen[name])
    chosen |= {name: os.environ[name] for name in chosen if os.environ.get(name)}
    fixed = {"DEMO": "true", "SITE_URL": f"http://{HOST}:{port}"}
    return chosen | fixed | servers
