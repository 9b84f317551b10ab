"""Create logins of staff, for commands."""

import secrets
from collections.abc import Collection

from django.contrib.auth.models import Group, User
from django.db import transaction

PASSWORD_BYTES = 15  # 20 characters


class RoleMissing(Exception):
    """The group of a role was deleted."""


def create_staff(
    name: str, email: str, roles: Collection[str], *, is_administrator: bool = False, dry_run: bool = False
) -> tuple[User, str]:
    """Create a login with these roles. Returns it and its first password, which is stored nowhere.

    An administrator may do everything. With `dry_run`, only checks the values. Raises RoleMissing, and ValidationError
    for a name or an address that can't be used.
    """
    groups = list(Group.objects.filter(name__in=roles))
    if len(groups) < len(set(roles)):
        raise RoleMissing
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    user = User(username=name.strip(), email=email.strip(), is_staff=True, is_superuser=is_administrator)
    user.set_password(password)
    user.full_clean()
    if not dry_run:
        with transaction.atomic():
            user.save()
            user.groups.set(groups)
    return user, password
