"""The admin's scripts evaluate expressions, which the policy of buyers' pages forbids: it has its own."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client

from portal.admin import PortalAdminSite

pytestmark = pytest.mark.django_db


def test_the_staff_site_is_ours() -> None:
    assert isinstance(admin.site, PortalAdminSite)


@pytest.mark.parametrize("page", ["/admin/login/", "/admin/", "/admin/orders/order/"])
def test_pages_for_staff_may_evaluate(client: Client, page: str) -> None:
    if page != "/admin/login/":
        client.force_login(User.objects.create_superuser("agent"))
    policy = client.get(page)["Content-Security-Policy"]
    assert "'unsafe-eval'" in policy
    assert "frame-ancestors 'none'" in policy


def test_pages_for_buyers_may_not(client: Client) -> None:
    assert "unsafe" not in client.get("/orders/find/")["Content-Security-Policy"]
