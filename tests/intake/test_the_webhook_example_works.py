"""The example of docs/webhooks.md, run as it stands there."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from intake.models import StoreEvent
from orders.models import Order
from tests.intake.pushing_stores import PushingStore, process

DOCS = Path(__file__).resolve().parents[2] / "docs" / "webhooks.md"

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
        env={"PATH": os.environ["PATH"], "PORTAL": server.url, "SECRET": secret},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return json.loads(ran.stdout)


def test_its_order_is_stored_once_and_imported(live_server: LiveServer) -> None:
    store = PushingStore("portal", "shop-eu")
    for _time in range(2):
        assert run(live_server, store.secret) == json.loads(example("json"))
    assert process() == {"taken": 1}
    assert Order.objects.get().number == "S-7"


def test_with_another_secret_it_is_refused(live_server: LiveServer) -> None:
    store = PushingStore("portal", "shop-eu")
    assert run(live_server, store.secret.swapcase().replace("WHSEC_", "whsec_"))["error"] == "unknown"
    assert not StoreEvent.objects.exists()
