"""`restore_roles` and `doctor` say how the groups of the roles differ from what they came with."""

from io import StringIO

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command

from desk.roles import PERMISSIONS, ROLES, compare_groups
from portal.data_checks import CheckWarning, check_roles
from tests.factories import make_agent

pytestmark = pytest.mark.django_db


def restore(*args: str) -> str:
    output = StringIO()
    call_command("restore_roles", *args, stdout=output)
    return output.getvalue()


def test_migrations_create_every_role_with_its_permissions() -> None:
    assert compare_groups(Group) == {}
    assert "5" in check_roles()


@pytest.mark.parametrize("role", ROLES)
def test_every_permission_of_a_role_exists(role: str) -> None:
    rows = Permission.objects.values_list("content_type__app_label", "codename")
    assert PERMISSIONS[role] <= {f"{app}.{codename}" for app, codename in rows}


def test_a_changed_and_a_deleted_role_are_reported_and_restored() -> None:
    agents = Group.objects.get(name="agent")
    ann = make_agent(is_superuser=False)
    ann.groups.add(agents)
    agents.permissions.remove(Permission.objects.get(codename="view_thread"))
    agents.permissions.add(Permission.objects.get(codename="delete_user"))
    Group.objects.get(name="auditor").delete()
    with pytest.raises(CheckWarning, match="agent, auditor"):
        check_roles()
    report = restore("--dry-run")
    for sentence in ("agent lacks support.view_thread", "agent also has auth.delete_user", "auditor lacks"):
        assert sentence in report
    assert len(compare_groups(Group)) == 2
    restore()
    assert compare_groups(Group) == {}
    assert list(User.objects.get(pk=ann.pk).groups.all()) == [agents]


def test_other_groups_stay_as_they_are() -> None:
    own = Group.objects.create(name="Night shift")
    own.permissions.add(Permission.objects.get(codename="view_order"))
    restore()
    assert own.permissions.count() == 1
