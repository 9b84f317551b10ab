"""`create_staff` creates a staff login with a role, and prints its password once."""

from io import StringIO

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client

pytestmark = pytest.mark.django_db


def create(*args: str) -> str:
    output = StringIO()
    call_command("create_staff", *args, stdout=output)
    return output.getvalue()


def test_a_new_agent_can_sign_in_with_the_printed_password(client: Client) -> None:
    password = create("ann", "--role", "agent", "--email", "ann@vendor.example").split()[-1]
    ann = User.objects.get(username="ann")
    assert (ann.is_staff, ann.is_superuser, ann.email) == (True, False, "ann@vendor.example")
    assert [group.name for group in ann.groups.all()] == ["agent"]
    client.post("/admin/login/", {"username": "ann", "password": password})
    assert client.get("/admin/refunds/return/").status_code == 200


def test_somebody_can_have_two_roles() -> None:
    create("lee", "--role", "supervisor", "--role", "finance")
    assert set(User.objects.get().groups.values_list("name", flat=True)) == {"supervisor", "finance"}


def test_a_dry_run_creates_nothing() -> None:
    assert "ann" in create("ann", "--role", "agent", "--dry-run")
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "args",
    [
        ("ann",),
        ("taken",),
        ("no spaces please",),
        ("x" * 200,),
        ("",),
        ("4111111111111111",),
        ("ann", "--email", "not an address"),
    ],
)
def test_a_name_or_address_that_cannot_be_used_is_refused_with_its_field(args: tuple[str, ...]) -> None:
    User.objects.create_user("taken")
    if args == ("ann",):
        User.objects.create_user("ann")
    with pytest.raises(CommandError, match=r"username:|email:") as refusal:
        create(*args, "--role", "agent")
    assert refusal.value.returncode == 1
    assert not User.objects.filter(is_staff=True).exists()


def test_an_unknown_role_is_an_unusable_call() -> None:
    with pytest.raises(CommandError, match="invalid choice"):
        create("ann", "--role", "boss")


def test_a_deleted_role_says_how_to_restore_it() -> None:
    Group.objects.get(name="agent").delete()
    with pytest.raises(CommandError, match="restore_roles") as unusable:
        create("ann", "--role", "agent")
    assert unusable.value.returncode == 2
