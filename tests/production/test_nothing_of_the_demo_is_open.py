"""In production, the demo's pages don't exist, and the checks find no problems."""

import subprocess
import sys

import pytest

from tests.portal.running_demo import ROOT
from tests.production.stack import Stack
from tests.production.visitors import Visitor

pytestmark = pytest.mark.xdist_group("production")


@pytest.mark.parametrize("path", ["/demo/inbox/", "/demo/inbox/x.eml/", "/demo/inbox/x.eml/html/"])
def test_the_inbox_of_the_demo_is_not_there(visitor: Visitor, path: str) -> None:
    assert visitor.get(path).status == 404


def test_no_page_says_that_it_is_a_trial(visitor: Visitor) -> None:
    assert "/demo/" not in visitor.get("/").text


def test_the_settings_pass_the_deployment_checks(stack: Stack) -> None:
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    checked = subprocess.run(command, cwd=ROOT, env=stack.environment(), capture_output=True, text=True, check=False)
    assert ("portal.W001" in checked.stderr) == (checked.returncode != 0), checked.stderr
    assert "security." not in checked.stderr


def test_the_doctor_finds_all_parts_well(stack: Stack) -> None:
    command = [sys.executable, "manage.py", "doctor", "--wait", "60", "settings", "database", "migrations", "tables"]
    command += ["broker", "worker", "beat", "mail", "storage", "uploads", "releases"]
    doctor = subprocess.run(command, cwd=ROOT, env=stack.environment(), capture_output=True, text=True, check=False)
    assert doctor.returncode == 0, doctor.stdout
