"""Run the examples for calling the portal exactly as written in the docs."""

import json
import os
import re
import subprocess
from pathlib import Path

from pytest_django.live_server_helper import LiveServer

from tests.programs import find_program

DOCS = Path(__file__).resolve().parents[2] / "docs"


def read_example(page: str, language: str) -> str:
    """Return the first code block in this language on a page of the docs."""
    found = re.search(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    assert found
    return found[1]


def run_shell_example(page: str, server: LiveServer, **variables: str) -> dict[str, object]:
    """Run a page's example for a shell with these variables, and return the JSON that it prints."""
    for program in ("curl", "openssl"):
        find_program(program, package=program)
    ran = subprocess.run(
        ["sh", "-euc", read_example(page, "sh")],
        env={"PATH": os.environ["PATH"], "PORTAL": server.url, **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    answer: dict[str, object] = json.loads(ran.stdout)
    return answer
