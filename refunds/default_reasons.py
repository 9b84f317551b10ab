"""The initial return reasons of a new installation. Staff edit them afterwards."""

from typing import Any

from django.apps import apps as installed
from django.apps.registry import Apps
from django.utils.translation import gettext_noop

# Marked for translation: ReturnReason.label falls back to the translation catalog.
DEFAULT_REASONS = [
    gettext_noop("Bought the wrong product"),
    gettext_noop("Bought twice by mistake"),
    gettext_noop("It doesn’t work on my device"),
    gettext_noop("It doesn’t do what I expected"),
    gettext_noop("I don’t need it anymore"),
    gettext_noop("I didn’t order this"),
    gettext_noop("Another reason"),
]
SWAP_OFFERING_REASON = DEFAULT_REASONS[0]


def create_default_reasons(using: str, apps: Apps = installed, **_signal: Any) -> None:
    """Create the default reasons after `migrate`, unless there are reasons already. A `post_migrate` receiver."""
    try:
        reasons = apps.get_model("refunds", "ReturnReason")._default_manager.using(using)
    except LookupError:  # the table does not exist yet at this migration
        return
    if not reasons.exists():
        reasons.bulk_create(
            reasons.model(name=name, offers_swap=name == SWAP_OFFERING_REASON, position=position)
            for position, name in enumerate(DEFAULT_REASONS, start=1)
        )
