"""The demo's folder, its lock, and the environment file from which the settings are read.

Must not import anything that needs Django's settings, because it creates them.
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
DEFAULT_FOLDER = "var"  # relative to the checkout
HOST = "127.0.0.1"
SECRET_BYTES = 40
ADMIN_PASSWORD_BYTES = 12

# Generated at the first start and kept, because new keys would end sessions and change order passwords.
_KEPT_SETTINGS = ("SECRET_KEY", "ORDER_PASSWORD_KEY", "DEMO_ADMIN_PASSWORD", "ACTIVATION_KEYS")


class CannotStart(Exception):
    """The demo cannot start here. The message says why and what to do."""


@dataclass
class DemoFolder:
    """The folder with all data of one demo: the environment variable VAR, relative to the checkout."""

    path: Path
    _lock_file: TextIO | None = None

    @classmethod
    def from_environment(cls) -> "DemoFolder":
        return cls((ROOT / (os.environ.get("VAR") or DEFAULT_FOLDER)).resolve())

    @property
    def email(self) -> Path:
        return self.path / "mail"

    @property
    def engines(self) -> Path:
        return self.path / "engines"

    @property
    def env_file(self) -> Path:
        return self.path / "demo.env"

    @property
    def command_prefix(self) -> str:
        """Return the prefix for a command in a second terminal that makes it use this folder."""
        return "" if self.path == (ROOT / DEFAULT_FOLDER).resolve() else f"VAR={self.display_path} "

    @property
    def display_path(self) -> str:
        """Return the path relative to the working directory if it is below it."""
        working_directory = Path.cwd()
        is_below = self.path.is_relative_to(working_directory)
        return str(self.path.relative_to(working_directory) if is_below else self.path)

    def log(self, name: str) -> Path:
        return self.path / "log" / f"{name}.log"

    def lock(self) -> None:
        """Create the folder and lock it for this process. Raises CannotStart if another demo uses it."""
        try:
            for folder in (self.path, self.email, self.path / "log"):
                folder.mkdir(parents=True, exist_ok=True)
            lock_file = (self.path / "demo.lock").open("a+")
            (self.path / "demo.lock").chmod(0o600)
        except OSError as error:
            raise CannotStart(
                f"The folder {self.display_path} isn't writable ({error.strerror}). "
                "Choose another one: `make demo VAR=/path/to/folder`."
            ) from error
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock_file.seek(0)
            process_id = lock_file.read().strip() or "unknown"
            raise CannotStart(
                f"A demo is already running on {self.display_path} (process {process_id}). Stop it with Ctrl-C, "
                "or start a second one: `make demo VAR=another-folder PORT=8001`."
            ) from error
        lock_file.truncate(0)
        lock_file.write(str(os.getpid()))
        lock_file.flush()
        self._lock_file = lock_file  # the lock ends when the file is closed

    def read_settings(self) -> dict[str, str]:
        """Return the settings written by the last start; empty before the first start."""
        if not self.env_file.exists():
            return {}
        pairs = (line.partition("=") for line in self.env_file.read_text().splitlines())
        return {name: value.removeprefix("'").removesuffix("'") for name, _equals, value in pairs}

    def write_settings(self, values: dict[str, str]) -> None:
        """Write the environment file atomically, readable only by its owner because it contains secrets."""
        unfinished = self.env_file.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(f"{name}='{value}'\n" for name, value in values.items())
        unfinished.replace(self.env_file)


def ensure_port_is_free(port: int) -> None:
    """Raises CannotStart if the port is in use or may not be used."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CannotStart(
                f"Port {port} isn't available ({error.strerror}). Choose another one: `make demo PORT={port + 1}`."
            ) from error


def build_settings(folder: DemoFolder, port: int, servers: dict[str, str]) -> dict[str, str]:
    """Return the settings for this start; `servers` holds DATABASE_URL, BROKER_URL and EMAIL_URL.

    Environment variables take precedence over the demo's defaults.
    """
    previous = folder.read_settings()
    defaults = {
        "SECRET_KEY": secrets.token_urlsafe(SECRET_BYTES),
        "ORDER_PASSWORD_KEY": secrets.token_urlsafe(SECRET_BYTES),
        "DEMO_ADMIN_PASSWORD": secrets.token_urlsafe(ADMIN_PASSWORD_BYTES),
        "ACTIVATION_KEYS": f"demo={secrets.token_urlsafe(SECRET_BYTES)}",
        "ALLOWED_HOSTS": f"{HOST},localhost",
        "VENDOR_NAME": vendor.NAME,
        "VENDOR_COLOR": vendor.COLOR,
        "DEFAULT_FROM_EMAIL": vendor.SENDER,
        "SUPPORT_EMAIL": vendor.SUPPORT_EMAIL,
    }
    for name in _KEPT_SETTINGS:
        defaults[name] = previous.get(name, defaults[name])
    overridden = {name: os.environ[name] for name in defaults if os.environ.get(name)}
    fixed = {"DEMO": "true", "SITE_URL": f"http://{HOST}:{port}"}
    return defaults | overridden | fixed | servers
