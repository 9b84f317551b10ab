"""Reads the environment for portal/settings.py, which is the only module that may. A wrong value stops the start.

Each method returns the value of one variable. If it is wrong, the process ends with a sentence that names the variable
and says what is expected, never with a traceback.
"""

import ipaddress
import os
import re
import sys
from collections.abc import Collection, Sequence
from email.utils import parseaddr
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import SplitResult, urlsplit
from zoneinfo import available_timezones

import environ
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SHORTEST_KEY = 32  # characters
TRUE, FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})
HOST = re.compile(
    r"(\*|\.?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\])", re.IGNORECASE
)
COLOR = re.compile(r"#[0-9a-fA-F]{6}")
HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


def stop(sentence: str) -> NoReturn:
    """Abort the start of any process with a message instead of a traceback."""
    sys.exit(f"Settings: {sentence}")


class Environment(environ.Env):
    """The environment without empty values: a Compose file passes unset variables as empty strings."""

    ENVIRON = {name: value for name, value in os.environ.items() if value}

    def text(self, name: str, default: str = "") -> str:
        value: str = self.str(name, default)
        if "\x00" in value or "\n" in value:
            stop(f"{name} must be a single line.")
        return value

    def boolean(self, name: str, *, default: bool = False) -> bool:
        value = self.text(name).strip().lower()
        if value and value not in TRUE | FALSE:
            stop(f"{name} must be true or false.")
        return value in TRUE if value else default

    def number(self, name: str, default: int, *, at_least: int = 1) -> int:
        value = self.text(name, str(default)).strip()
        if not (re.fullmatch(r"-?[0-9]{1,9}", value) and int(value) >= at_least):
            stop(f"{name} must be a whole number, at least {at_least}.")
        return int(value)

    def choice(self, name: str, default: str, choices: Sequence[str]) -> str:
        value = self.text(name, default)
        if value not in choices:
            stop(f"{name} must be {', '.join(choices[:-1])} or {choices[-1]}.")
        return value

    def words(self, name: str) -> list[str]:
        """The parts of a list that is separated by commas, without empty ones."""
        return [part.strip() for part in self.text(name).split(",") if part.strip()]

    def selection(self, name: str, choices: Sequence[str]) -> list[str]:
        """A list of some of the choices, each once, in the order written. All of them if it isn't set."""
        chosen = self.words(name) or list(choices)
        if unknown := [each for each in chosen if each not in choices]:
            stop(f"{name} contains {unknown[0]}. Possible are {', '.join(choices)}, separated by commas.")
        if len(set(chosen)) < len(chosen):
            stop(f"{name} contains a value twice.")
        return chosen

    def pairs(self, name: str, *, example: str, shortest: int = 1) -> dict[str, str]:
        """Pairs such as windows=secret,mac=secret. Each value has at least `shortest` characters."""
        parts = [part.partition("=") for part in self.words(name)]
        found = {key.strip(): value.strip() for key, _equals, value in parts}
        if len(found) < len(parts) or not all(key and len(value) >= shortest for key, value in found.items()):
            length = f" Each value needs at least {shortest} characters." if shortest > 1 else ""
            stop(f"{name} must have the form {example}. Each name must be unique.{length}")
        return found

    # --- Addresses ---

    def url(
        self, name: str, value: str, schemes: Collection[str], example: str, *, needs_host: bool = True
    ) -> SplitResult:
        """Check a URL that was read before."""
        try:
            parts = urlsplit(value)
            host, _port = parts.hostname, parts.port
        except ValueError:
            stop(f"{name} isn't an address. Use for example {example}.")
        if parts.scheme not in schemes or any(character.isspace() for character in value):
            beginnings = " or ".join(f"{scheme}://" for scheme in schemes)
            stop(f"{name} must be an address that starts with {beginnings}, for example {example}.")
        if needs_host and not host:
            stop(f"{name} has no host. Use for example {example}.")
        return parts

    def web_address(self, name: str, default: str = "") -> str:
        """An http(s) URL, or the default."""
        value = self.text(name, default)
        if value:
            self.url(name, value, ("https", "http"), "https://www.example.com/help")
        return value

    def email(self, name: str, default: str) -> str:
        """An email address, which may have a name: Orders <orders@example.com>."""
        if not (value := self.text(name)):
            return default
        try:
            validate_email(parseaddr(value)[1])
        except ValidationError:
            stop(f"{name} must be an email address, for example Orders <orders@example.com>.")
        return value

    def emails(self, name: str) -> list[str]:
        """Email addresses without names, separated by commas."""
        found = self.words(name)
        for each in found:
            try:
                validate_email(each)
            except ValidationError:
                stop(f"{name} must contain email addresses, for example ops@example.com,dev@example.com. Not: {each}.")
        return found

    def host_names(self, name: str, default: str) -> list[str]:
        names = self.words(name) or [default]
        for each in names:
            if not HOST.fullmatch(each):
                stop(f"{name} must contain host names without https:// and paths, for example orders.example.com.")
        return names

    def networks(self, name: str) -> list[Network]:
        """IP addresses and networks, separated by commas."""
        try:
            return [ipaddress.ip_network(each) for each in self.words(name)]
        except ValueError as error:
            stop(f"{name} must contain IP addresses or networks, for example 10.0.0.5,10.1.0.0/16: {error}.")

    def header_name(self, name: str) -> str:
        value = self.text(name)
        if value and not HEADER.fullmatch(value):
            stop(f"{name} must be the name of a header, for example X-Forwarded-For.")
        return value

    # --- Secrets ---

    def key(self, name: str, value: str) -> str:
        """Check a key that was read before."""
        if len(value) < SHORTEST_KEY or len(set(value)) < 5:
            stop(f"{name} is too short or too simple. Use 50 random characters.")
        return value

    # --- Files ---

    def folder(self, name: str) -> str:
        """A folder that exists; empty if the variable isn't set."""
        value = self.text(name)
        if value and not Path(value).is_dir():
            stop(f"{name} must be a folder that exists: {value} doesn't.")
        return value

    def static_file(self, name: str, folders: Sequence[Path]) -> str:
        """The path of a file below one of the folders of static files; empty if the variable isn't set."""
        value = self.text(name)
        if value and (value.startswith("/") or ".." in Path(value).parts):
            stop(f"{name} must be a path below static/, for example vendor/logo.svg.")
        if value and not any((folder / value).is_file() for folder in folders):
            stop(f"{name} names a file that doesn't exist: {value}. Put it below static/, and run collectstatic again.")
        return value

    # --- Look ---

    def color(self, name: str, default: str) -> str:
        value = self.text(name, default)
        if not COLOR.fullmatch(value):
            stop(f"{name} must be a color such as {default}.")
        return value

    def time_zone(self, name: str) -> str:
        value = self.text(name)
        if value and value not in available_timezones():
            stop(f"{name} must be the name of a time zone, for example Europe/Berlin.")
        return value

    # --- Servers ---

    def database(self, name: str, value: str) -> dict[str, Any]:
        """Read the address of a PostgreSQL database."""
        example = "postgres://user:password@host:5432/name"
        self.url(name, value, ("postgres", "postgresql"), example, needs_host=False)  # empty for a Unix socket
        try:
            config: dict[str, Any] = self.db_url_config(value)
        except (ValueError, ImproperlyConfigured, KeyError):
            stop(f"{name} isn't an address. Use for example {example}.")
        if not config.get("NAME"):
            stop(f"{name} has no name of a database at its end. Use for example {example}.")
        return config

    def mail_server(self, name: str, value: str) -> dict[str, object]:
        """Read the address of a mail server as Django's settings."""
        schemes = ("smtp", "smtp+tls", "smtps", "smtp+ssl")
        self.url(name, value, schemes, "smtp+tls://user:password@host:587")
        try:
            return dict(self.email_url_config(value))
        except (ValueError, ImproperlyConfigured, KeyError):
            stop(f"{name} isn't an address. Use for example smtp+tls://user:password@host:587.")
