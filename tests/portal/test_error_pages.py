import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client, RequestFactory
from django.views import defaults


@pytest.mark.django_db
def test_the_404_page_links_to_the_order_search(client: Client) -> None:
    answer = client.get("/no-such-page/")
    assert answer.status_code == 404
    assert "/orders/find/" in answer.content.decode()


@pytest.mark.django_db
def test_a_failed_csrf_check_is_explained() -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/orders/find/link/", {"email": "buyer@example.com"})
    assert answer.status_code == 403
    assert "Send the form again" in answer.content.decode()


def test_an_unknown_host_is_refused_without_a_database(client: Client) -> None:
    answer = client.get("/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert "We can’t read this request" in answer.content.decode()


def test_the_500_page_renders_without_a_database(rf: RequestFactory) -> None:
    answer = defaults.server_error(rf.get("/"))
    assert answer.status_code == 500
    assert "Your order is safe." in answer.content.decode()


def test_the_stylesheets_of_the_500_page_exist(rf: RequestFactory) -> None:
    page = defaults.server_error(rf.get("/")).content.decode()
    names = re.findall(r'href="/static/([^"]+)"', page)
    assert "css/bootstrap.min.css" in names
    assert [name for name in names if finders.find(name) is None] == []


@pytest.mark.django_db
def test_the_403_page_links_to_the_order_search(rf: RequestFactory) -> None:
    answer = defaults.permission_denied(rf.get("/"), PermissionError())
    assert answer.status_code == 403
    assert "/orders/find/" in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/%00/", "/" + "x" * 5000, "/%F0%9F%98%80/", "/orders/%0d%0aSet-Cookie:x/"])
def test_unusual_paths_are_not_found(client: Client, path: str) -> None:
    assert client.get(path).status_code in (301, 302, 404)
