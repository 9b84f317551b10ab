"""The reasons for a return that a new portal begins with. From then on they are staff's."""

from typing import Any

from django.apps import apps as installed
from django.apps.registry import Apps
from django.utils.translation import gettext_noop

# Marked for translation: a reason that staff did not translate is looked up among the portal's own texts.
FIRST_REASONS = [
    gettext_noop("Bought the wrong product"),
    gettext_noop("Bought twice by mistake"),
    gettext_noop("It does not work on my device"),
    gettext_noop("It does not do what I expected"),
    gettext_noop("I do not need it any more"),
    gettext_noop("I did not order this"),
    gettext_noop("Another reason"),
]
OFFERS_SWAP = FIRST_REASONS[0]


def make_first_reasons(using: str, apps: Apps = installed, **_signal: Any) -> None:
    """After a migration: without any reason nobody could ask for a return. Reasons that are there stay as they are."""
    try:
        reasons = apps.get_model("refunds", "ReturnReason")._default_manager.using(using)
    except LookupError:  # not migrated so far
        return
    if not reasons.exists():
        reasons.bulk_create(
            reasons.model(name=name, offers_swap=name == OFFERS_SWAP, position=position)
            for position, name in enumerate(FIRST_REASONS, start=1)
        )
