"""Pages for when something is wrong: in the portal's words, and never without a way on."""

import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client, RequestFactory
from django.views import defaults


@pytest.mark.django_db
def test_a_page_that_is_not_there_leads_to_the_search(client: Client) -> None:
    answer = client.get("/no-such-page/")
    assert answer.status_code == 404
    assert "/orders/find/" in answer.content.decode()


@pytest.mark.django_db
def test_a_form_without_its_proof_is_explained() -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/orders/find/link/", {"email": "buyer@example.com"})
    assert answer.status_code == 403
    assert "Please send the form again" in answer.content.decode()


def test_a_foreign_host_is_refused_without_a_database(client: Client) -> None:
    answer = client.get("/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert "could not be understood" in answer.content.decode()


def test_an_error_of_ours_needs_nothing_that_may_be_broken(rf: RequestFactory) -> None:
    answer = defaults.server_error(rf.get("/"))
    assert answer.status_code == 500
    assert "not your fault" in answer.content.decode()


def test_every_stylesheet_that_the_bare_page_names_is_served(rf: RequestFactory) -> None:
    page = defaults.server_error(rf.get("/")).content.decode()
    names = re.findall(r'href="/static/([^"]+)"', page)
    assert "css/bootstrap.min.css" in names
    assert [name for name in names if finders.find(name) is None] == []


@pytest.mark.django_db
def test_what_is_not_allowed_is_explained(rf: RequestFactory) -> None:
    answer = defaults.permission_denied(rf.get("/"), PermissionError())
    assert answer.status_code == 403
    assert "/orders/find/" in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/%00/", "/" + "x" * 5000, "/%F0%9F%98%80/", "/orders/%0d%0aSet-Cookie:x/"])
def test_odd_addresses_are_not_found(client: Client, path: str) -> None:
    assert client.get(path).status_code in (301, 302, 404)
