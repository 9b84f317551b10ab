"""The example of docs/activations.md, run as it stands there."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from licenses.models import Device
from tests.factories import make_license, make_line, make_order
from tests.intake.activation_server import KEY_ID, SECRET, ActivationServer

DOCS = Path(__file__).resolve().parents[2] / "docs" / "activations.md"

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # CI installs both, so that the example of the docs is always tried there.
    pytest.mark.skipif(
        "CI" not in os.environ and not (shutil.which("curl") and shutil.which("openssl")),
        reason="needs curl and openssl",
    ),
]


def example(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found
    return found[1]


def run(server: LiveServer, secret: str) -> dict[str, object]:
    ran = subprocess.run(
        ["sh", "-euc", example("sh")],
        env={"PATH": os.environ["PATH"], "PORTAL": server.url, "KEY_ID": KEY_ID, "SECRET": secret},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return json.loads(ran.stdout)


def test_it_is_answered_as_the_page_says(live_server: LiveServer, server: ActivationServer) -> None:
    make_license(make_line(make_order()), "XAAB-1234-5678-9012-3456")
    assert run(live_server, SECRET) == json.loads(example("json"))
    assert Device.objects.get().name == "Laptop"


def test_with_another_secret_it_is_refused(live_server: LiveServer, server: ActivationServer) -> None:
    assert run(live_server, SECRET.swapcase())["error"] == "signature"
    assert not Device.objects.exists()
