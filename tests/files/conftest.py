import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client


@pytest.fixture
def agent(client: Client, db: None) -> Client:
    """A client of a staff user whose only permission is to view uploads."""
    user = User.objects.create_user("agent", "agent@vendor.example", "a long password", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_upload"))
    client.force_login(user)
    return client
