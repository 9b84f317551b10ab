from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from tests.intake.activation_server import KEY_ID, SECRET, ActivationServer
from tests.intake.exports import Importer


@pytest.fixture
def importer(tmp_path: Path) -> Importer:
    return Importer(tmp_path)


@pytest.fixture
def server(settings: Settings) -> ActivationServer:
    settings.ACTIVATION_KEYS = {KEY_ID: SECRET}
    return ActivationServer()
