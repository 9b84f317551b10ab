"""Every page for buyers and every kind of email is read: nothing on it is English."""

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle

import pytest
import time_machine
from django.apps import apps
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.files.base import ContentFile
from django.db import models
from django.http import HttpResponse
from django.test import Client, RequestFactory

from cases.models import Case, CaseEvent
from licenses.models import InstallGuide, Product, Release
from licenses.models.downloads import releases_storage
from notifications import kinds, rendering
from notifications.models import Message
from orders.access.grants import grant_access
from orders.models import Attempt, Order
from support.models import PhoneNumber
from tests.languages.catalogs import TRANSLATED
from tests.languages.english import find_english
from tests.pages import text
from tests.production.addresses import ADDRESSES, Shop
from tests.upgrade.released_versions import ReleasedVersion

pytestmark = pytest.mark.xdist_group("upgrade")

LAST = ("orders:sign_out", "orders:language")  # they end access, or change the language
FOR_STAFF = ("password_reset",)
READ_ATTRIBUTES = re.compile(r'\b(?:alt|aria-label|placeholder|title)="([^"]*)"')
TYPED = "Xyzzy"  # instead of what people typed, which may be in any language


@pytest.fixture
def owner(shop: ReleasedVersion) -> Client:
    """Has all orders open that open with a password."""
    for model in apps.get_models():
        if issubclass(model, Case | CaseEvent):
            fields = model._meta.concrete_fields
            typed = {field.attname: TYPED for field in fields if isinstance(field, models.TextField)}
            model._default_manager.update(**typed)
    PhoneNumber.objects.update(price_note=TYPED, hours=TYPED)
    InstallGuide.objects.update(title=TYPED, body=TYPED)
    Product.objects.update(public_download=True)
    for release in Release.objects.all():
        releases_storage().save(release.stored_name, ContentFile(b"an installer"))
    browser = Client()
    request = RequestFactory().get("/")
    request.session = SessionStore()
    grant_access(request, Order.objects.all(), Attempt.Method.NUMBER)
    request.session.save()
    browser.cookies[settings.SESSION_COOKIE_NAME] = request.session.session_key
    return browser


# In CI, each page and each email is read in one language: a text that isn't marked for translation is English in all of
# them. `make stress` reads everything in every language.
ONE_AFTER_THE_OTHER = [pytest.param(TRANSLATED, id="one language after the other")]
EACH = [pytest.param([language], id=language, marks=pytest.mark.stress) for language in TRANSLATED]


def pages(owner: Client, languages: list[str]) -> Iterator[tuple[str, str, HttpResponse]]:
    """All pages: opened, and with the errors of their forms that are sent empty. With the language asked for."""
    order = Order.objects.filter(status=Order.Status.COMPLETED, licensed_lines__isnull=False).newest_first().first()
    assert order is not None
    next_language = cycle(languages)
    for name, paths in ADDRESSES.items():
        for path in paths(Shop(order)) if name not in LAST else []:
            language = next(next_language)
            for method in ("get", "post"):
                answer = getattr(owner, method)(path, headers={"Accept-Language": language})
                is_html = answer.headers.get("Content-Type", "").startswith("text/html")
                if is_html and not answer.streaming and answer.content:
                    yield f"{method} {path}", language, answer


@pytest.mark.parametrize("languages", [*ONE_AFTER_THE_OTHER, *EACH])
def test_pages_and_errors(owner: Client, languages: list[str]) -> None:
    found, titles, spoken = {}, set(), set()
    for path, language, answer in pages(owner, languages):
        html = answer.content.decode()
        assert f'<html lang="{language}"' in html, path
        assert answer.headers["Content-Language"] == language, path
        titles |= set(re.findall(r"<title>(.*?)</title>", html, re.DOTALL))
        spoken.add(language)
        found[path] = find_english(f"{text(answer)} {' '.join(READ_ATTRIBUTES.findall(html))}", language)
    assert len(found) > 150
    assert len(titles) > 60
    assert spoken == set(languages)
    assert {path: english for path, english in found.items() if english} == {}


@pytest.mark.parametrize("languages", [*ONE_AFTER_THE_OTHER, *EACH])
def test_emails(owner: Client, shop: ReleasedVersion, languages: list[str]) -> None:
    found, written = {}, set()
    next_language = cycle(languages)
    with time_machine.travel(shop.moment + timedelta(hours=1)):  # most are wanted only for a limited time
        for message in Message.objects.order_by("kind", "pk"):
            kind = kinds.find(message.kind)
            assert kind is not None
            if message.kind in FOR_STAFF or not kind.still_wanted(message):
                continue
            message.language = next(next_language)
            email = rendering.build(message, kind)
            assert f'<html lang="{message.language}"' in str(email.alternatives[0][0])
            english = find_english(f"{email.subject} {email.body}", message.language)
            found[f"{message.kind} {message.pk}"] = english
            written.add(message.kind)
    assert len(written) > 20
    assert {name: english for name, english in found.items() if english} == {}
