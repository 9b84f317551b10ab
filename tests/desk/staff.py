"""Members of staff who may see some of it, signed in to the admin."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.test import Client

from tests.factories import make_agent


def staff_with_role(role: str) -> Client:
    """The browser of a member of staff with this role."""
    user = make_agent(is_superuser=False)
    user.groups.add(Group.objects.get(name=role))
    return signed_in(user)


def staff_with(*permissions: str) -> Client:
    """The browser of a member of staff who has only these permissions, such as "orders.view_order"."""
    user = make_agent(is_superuser=False)
    for each in permissions:
        app, codename = each.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return signed_in(user)


def signed_in(user: Any) -> Client:
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser
