"""The admin's scripts need eval, which the policy of all other pages forbids."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client

from portal.admin_site import PortalAdminSite

pytestmark = pytest.mark.django_db


def test_the_admin_site_is_portal_admin_site() -> None:
    assert isinstance(admin.site, PortalAdminSite)


@pytest.mark.parametrize("page", ["/admin/login/", "/admin/", "/admin/orders/order/"])
def test_admin_pages_allow_eval(client: Client, page: str) -> None:
    if page != "/admin/login/":
        client.force_login(User.objects.create_superuser("agent"))
    policy = client.get(page)["Content-Security-Policy"]
    assert "'unsafe-eval'" in policy
    assert "frame-ancestors 'none'" in policy


def test_pages_for_buyers_do_not_allow_eval(client: Client) -> None:
    assert "unsafe" not in client.get("/orders/find/")["Content-Security-Policy"]
