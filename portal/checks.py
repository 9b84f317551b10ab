"""Checks of `manage.py check --deploy`, in addition to those of Django and its apps."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.utils.translation import gettext as _

from portal.demo.leftovers import find_leftovers

DEMO_LEFTOVER = "portal.W001"
ANY_HOST = "portal.W002"
UNUSED_CLIENT_IP_HEADER = "portal.W003"
UNTRUSTED_PROXY = "portal.W004"


@register(Tags.security, deploy=True)
def check_demo_leftovers(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report what is left of a demo in this checkout."""
    return [Warning(each.problem, hint=each.remedy, id=DEMO_LEFTOVER) for each in find_leftovers()]


@register(Tags.security, deploy=True)
def check_hosts_and_proxies(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report settings that trust any client, or that no client can match."""
    found: list[CheckMessage] = []
    if "*" in settings.ALLOWED_HOSTS:
        found.append(
            Warning(
                _("ALLOWED_HOSTS allows every host name, so any domain can show this portal"),
                hint=_("Set it to your own hosts, or unset it to use the host of SITE_URL."),
                id=ANY_HOST,
            )
        )
    if settings.CLIENT_IP_HEADER and not settings.BEHIND_PROXY:
        found.append(
            Warning(
                _("CLIENT_IP_HEADER has no effect without BEHIND_PROXY"),
                hint=_("Set BEHIND_PROXY=true if every request comes through a proxy. If not, unset CLIENT_IP_HEADER."),
                id=UNUSED_CLIENT_IP_HEADER,
            )
        )
    if settings.TRUSTED_PROXIES and not settings.BEHIND_PROXY:
        found.append(
            Warning(
                _("TRUSTED_PROXIES has no effect without BEHIND_PROXY"),
                hint=_("Set BEHIND_PROXY=true as well."),
                id=UNTRUSTED_PROXY,
            )
        )
    return found
