"""The example in docs/activations.md works as written."""

import json

import pytest
from pytest_django.live_server_helper import LiveServer

from licenses.models import Device
from tests.factories import make_license, make_line, make_order
from tests.intake.activation_server import KEY_ID, SECRET, ActivationServer
from tests.intake.doc_examples import read_example, run_shell_example

PAGE = "activations.md"

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_is_answered_as_the_page_says(live_server: LiveServer, server: ActivationServer) -> None:
    make_license(make_line(make_order()), "XAAB-1234-5678-9012-3456")
    assert run_shell_example(PAGE, live_server, KEY_ID=KEY_ID, SECRET=SECRET) == json.loads(read_example(PAGE, "json"))
    assert Device.objects.get().name == "Laptop"


def test_with_another_secret_it_is_refused(live_server: LiveServer, server: ActivationServer) -> None:
    assert run_shell_example(PAGE, live_server, KEY_ID=KEY_ID, SECRET=SECRET.swapcase())["error"] == "signature"
    assert not Device.objects.exists()
