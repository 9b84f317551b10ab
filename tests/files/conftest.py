"""Private files of tests are in a folder of their own."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django.fixtures import Settings


@pytest.fixture(autouse=True)
def kept(settings: Settings, tmp_path: Path) -> Path:
    """The folder in which uploads are kept."""
    folder = tmp_path / "private"
    private = settings.STORAGES["private"]
    settings.STORAGES = settings.STORAGES | {
        "private": private | {"OPTIONS": private["OPTIONS"] | {"location": str(folder)}}
    }
    return folder


@pytest.fixture
def agent(client: Client, db: None) -> Client:
    """Staff who may see uploads, no more."""
    user = User.objects.create_user("agent", "agent@vendor.example", "a long password", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_upload"))
    client.force_login(user)
    return client
