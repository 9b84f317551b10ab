from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client


@pytest.fixture(autouse=True)
def _upload_folder(upload_folder: Path) -> None:
    """Every test of this folder stores uploads in a folder of its own."""


@pytest.fixture
def agent(client: Client, db: None) -> Client:
    """A client of a staff user whose only permission is to view uploads."""
    user = User.objects.create_user("agent", "agent@vendor.example", "a long password", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_upload"))
    client.force_login(user)
    return client
