from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django.fixtures import Settings


@pytest.fixture(autouse=True)
def upload_folder(settings: Settings, tmp_path: Path) -> Path:
    """Store uploads in a folder of the test, and return it."""
    folder = tmp_path / "private"
    private = settings.STORAGES["private"]
    settings.STORAGES = settings.STORAGES | {
        "private": private | {"OPTIONS": private["OPTIONS"] | {"location": str(folder)}}
    }
    return folder


@pytest.fixture
def agent(client: Client, db: None) -> Client:
    """A client of a staff user whose only permission is to view uploads."""
    user = User.objects.create_user("agent", "agent@vendor.example", "a long password", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_upload"))
    client.force_login(user)
    return client
