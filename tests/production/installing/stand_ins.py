"""Programs that would change the machine, replaced by ones that do the same in the folder of the test.

Each is a file in `bin/` of that folder, first in the PATH, which runs this module: `stand_ins.py NAME ARGUMENTS…`.
Only what the documentation uses is understood. Anything else is an error with exit status 2, so that a changed
documentation is noticed.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

FOLDER = Path(os.environ.get("PRODUCTION_FOLDER", "/nonexistent"))
CONTROL_SOCKET = "control.sock"
CONFIGURATION = "stand_ins.json"
PROGRAMS = ("apt-get", "git", "install", "nginx", "sudo", "systemctl", "systemd-run", "useradd", "usermod")
# Users that the documentation names. root stays root; the others are one user without privileges.
USERS = ("portal", "postgres", "root", "www-data")
# These folders of the machine are below the test's folder.
OWN_FOLDERS = re.compile(r"(?<![\w.}])/(?=(?:opt|etc|srv|var|usr/local)/)")
CHANGED_GROUPS = "groups"  # a file with the users that were added to the group portal


def main(arguments: list[str]) -> int:
    name, *rest = arguments
    configuration = json.loads((FOLDER / CONFIGURATION).read_text())
    return int(_FUNCTIONS[name](rest, configuration))


def own_paths(text: str, folder: Path) -> str:
    """Replace paths of the machine by those below the test's folder."""
    return OWN_FOLDERS.sub(f"{folder}/", text)


def refuse(program: str, arguments: list[str]) -> NoReturn:
    sys.exit(f"{program} {' '.join(arguments)}: the test of the installation doesn't know how to do this.")


def sudo(arguments: list[str], configuration: dict[str, Any]) -> int:
    """Run as the user who runs the test. For postgres, the programs get the server's address from their environment."""
    if arguments[:1] == ["-u"]:
        if arguments[1] != "postgres":
            refuse("sudo", arguments)
        arguments = arguments[2:]
    return run(arguments)


def apt_get(arguments: list[str], configuration: dict[str, Any]) -> int:
    """The packages were looked for before the test began."""
    if arguments[:1] != ["install"]:
        refuse("apt-get", arguments)
    if set(arguments[1:]) - set(configuration["packages"]):
        refuse("apt-get", arguments)
    return 0


def git(arguments: list[str], configuration: dict[str, Any]) -> int:
    """`clone` copies the checkout of the test; `pull` has nothing new."""
    if arguments == ["pull"]:
        return 0
    if arguments[:1] != ["clone"] or len(arguments) != 3:
        refuse("git", arguments)
    source, target = Path(configuration["checkout"]), Path(arguments[2])
    for name in configuration["files"]:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, target / name)
    return 0


def install(arguments: list[str], configuration: dict[str, Any]) -> int:
    """Give files to the test's user, if it may."""
    words = []
    remaining = iter(arguments)
    for word in remaining:
        if word in ("-o", "-g"):
            owner = next(remaining)
            if owner not in USERS:
                refuse("install", arguments)
            if configuration["unprivileged"]:
                id_of = configuration["unprivileged"]["user" if word == "-o" else "group"]
                words += [word, "0" if owner == "root" else str(id_of)]
        else:
            words.append(word)
    return run([configuration["programs"]["install"], *words])


def useradd(arguments: list[str], configuration: dict[str, Any]) -> int:
    return 0 if arguments[-1:] == ["portal"] else refuse("useradd", arguments)


def usermod(arguments: list[str], configuration: dict[str, Any]) -> int:
    if arguments != ["--append", "--groups", "portal", "www-data"]:
        refuse("usermod", arguments)
    (FOLDER / CHANGED_GROUPS).write_text("www-data")
    return 0


def systemctl(arguments: list[str], configuration: dict[str, Any]) -> int:
    """Ask the services of the test; see services.py."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(FOLDER / CONTROL_SOCKET))
        connection.sendall(json.dumps(arguments).encode() + b"\n")
        with connection.makefile() as answer:
            reply = json.loads(answer.readline())
    if reply["message"]:
        sys.stderr.write(f"systemctl: {reply['message']}\n")
    return int(reply["status"])


def systemd_run(arguments: list[str], configuration: dict[str, Any]) -> int:
    """Run a command with exactly the environment that systemd would give it, as the service's user."""
    environment = dict(configuration["service_environment"])
    # Those that a person typed are below the folder already.
    arguments = [word if str(FOLDER) in word else own_paths(word, FOLDER) for word in arguments]
    folder = "/"
    umask = 0o022
    while arguments and arguments[0].startswith("--"):
        option, _equals, value = arguments.pop(0).partition("=")
        kind, _equals, rest = value.partition("=")
        if option == "--setenv":
            environment[kind] = rest
        elif option == "--working-directory":
            folder = value
        elif (option, kind) == ("--property", "EnvironmentFile"):
            environment |= read_environment_file(Path(rest))
        elif (option, kind) == ("--property", "UMask"):
            umask = int(rest, 8)
        elif (option, value) not in (("--uid", "portal"), ("--gid", "portal")) and option not in (
            "--quiet",
            "--collect",
            "--wait",
            "--pty",
            "--pipe",
        ):
            refuse("systemd-run", [option])
    environment |= configuration["overriding_environment"]
    completed = subprocess.run(
        arguments, cwd=folder, env=environment, umask=umask, check=False, **unprivileged_options(configuration)
    )
    return completed.returncode


def nginx(arguments: list[str], configuration: dict[str, Any]) -> int:
    return run([*configuration["programs"]["nginx"], *arguments])


def run(command: list[str]) -> int:
    return subprocess.run(command, check=False).returncode


def read_environment_file(path: Path) -> dict[str, str]:
    """Read an EnvironmentFile of systemd: one assignment on each line."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    return {name: value.strip("\"'") for name, _equals, value in pairs}


def unprivileged_options(configuration: dict[str, Any]) -> dict[str, Any]:
    """Options of subprocess for the service's user; none if the test doesn't run as root."""
    owner = configuration["unprivileged"]
    return {**owner, "extra_groups": []} if owner else {}


_FUNCTIONS = {
    "apt-get": apt_get,
    "git": git,
    "install": install,
    "nginx": nginx,
    "sudo": sudo,
    "systemctl": systemctl,
    "systemd-run": systemd_run,
    "useradd": useradd,
    "usermod": usermod,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
