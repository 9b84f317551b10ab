"""Finding staff by their names."""

from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q


def staff_named(term: str) -> Any:
    """Return the ids of staff with a similar first name, last name or both."""
    named = Q()
    for word in term.split()[:3]:
        named &= Q(first_name__icontains=word) | Q(last_name__icontains=word)
    return User.objects.filter(named, is_staff=True).values("pk")
