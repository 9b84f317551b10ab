"""A staff user with view permission opens every page of the admin and tries every action, without a server error."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Model
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import URLPattern, reverse
from django.utils import timezone

from portal.demo.content_loading import load_demo_content
from tests.factories import make_agent

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor(tmp_path: Path) -> Client:
    """Signed in, with permission to view everything in a portal with many rows."""
    load_demo_content(tmp_path / "orders.jsonl")
    Group.objects.create(name="Agents")
    user = make_agent(is_superuser=False)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    browser = Client(raise_request_exception=False)
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    typed = {"username": "ann", "ip_address": "192.0.2.1", "path_info": "/admin/login/"}
    AccessAttempt.objects.create(**typed, failures_since_start=1)
    for model in (AccessFailureLog, AccessLog):
        model.objects.create(**typed)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(days=1))  # signing in deletes expired ones
    return browser


def registered() -> list[tuple[type[Model], Any]]:
    return [(model, model_admin) for model, model_admin in admin.site._registry.items()]


def pages(model_admin: Any, row: Model | None) -> Iterator[str]:
    """Return all URLs of a model's admin: Django's and its own."""
    for pattern in model_admin.get_urls():
        if not isinstance(pattern, URLPattern) or pattern.name is None:
            continue
        converters = pattern.pattern.converters
        if not converters:
            yield reverse(f"admin:{pattern.name}")
        elif row is not None and len(converters) == 1:
            yield reverse(f"admin:{pattern.name}", args=[row.pk])


def action_names(model_admin: Any, superuser: User) -> set[str]:
    """Return all actions, including those that the list offers only to other users."""
    request: HttpRequest = RequestFactory().get("/")
    request.user = superuser
    return {*model_admin.get_actions(request), "delete_selected"}


def test_no_page_and_no_action_is_a_server_error(auditor: Client) -> None:
    failed, opened, tried = [], 0, 0
    superuser = make_agent()
    for model, model_admin in registered():
        row = model._default_manager.first()
        for page in pages(model_admin, row):
            for method in ("get", "post"):
                status = getattr(auditor, method)(page).status_code
                opened += status == 200
                if status >= 500:
                    failed.append((method, page, status))
        if row is None:
            continue
        page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        before = list(model._default_manager.order_by("pk").values())
        for action in action_names(model_admin, superuser):
            typed = {"action": action, ACTION_CHECKBOX_NAME: [row.pk], "index": "0", "post": "yes"}
            status = auditor.post(page, typed).status_code
            tried += 1
            if status >= 500:
                failed.append((page, action, status))
        assert list(model._default_manager.order_by("pk").values()) == before, page
    assert failed == []
    assert opened > 100
    assert tried > 20
    assert not LogEntry.objects.exclude(user__is_superuser=True).exists()
