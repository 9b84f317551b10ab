"""What staff may see, by the same Django permissions as the admin's own lists."""

from typing import Any

from django.db.models import Model


def may_view(user: Any, *models: type[Model]) -> bool:
    """Whether the user may view or change rows of all these models."""
    return all(
        user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
        or user.has_perm(f"{model._meta.app_label}.change_{model._meta.model_name}")
        for model in models
    )
