import ast
import os
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_image_runs_the_oldest_supported_python() -> None:
    oldest = PROJECT["requires-python"].removeprefix(">=")
    images = re.findall(r"^FROM python:(\S+?)-slim", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert set(images) == {oldest}


def test_the_workflow_runs_in_the_python_of_the_image() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert re.findall(r"container: python:(\d+\.\d+)-", workflow) == [oldest]


def test_changes_are_tested_on_the_python_of_the_image() -> None:
    found = re.search(r"FROM python:(\d+)\.(\d+)-slim", (ROOT / "Dockerfile").read_text())
    assert found
    of_image = int(found[1]), int(found[2])
    # Developers may use a newer version; CI uses the image's.
    assert sys.version_info[:2] == of_image if "CI" in os.environ else sys.version_info[:2] >= of_image


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_file_has_one_version_of_each_package(name: str) -> None:
    packages = re.findall(r"^([\w.-]+)==", (ROOT / name).read_text(), re.MULTILINE)
    assert sorted(packages) == sorted(set(packages))


def imported_modules(folder: str) -> set[str]:
    """The top-level modules that the folder's files import."""
    nodes = [node for path in (ROOT / folder).rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    imports = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    from_imports = {
        node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level
    }
    return {name.partition(".")[0] for name in imports | from_imports}


@pytest.mark.parametrize("folder", ["tests", "bench"])
def test_what_tests_import_is_a_declared_dependency(folder: str) -> None:
    extras = PROJECT["optional-dependencies"]
    requirements = PROJECT["dependencies"] + extras["trial"] + extras["sentry"] + extras["dev"]
    declared = {canonicalize_name(Requirement(line).name) for line in requirements}
    distributions = packages_distributions()
    missing = {
        module
        for module in imported_modules(folder) - sys.stdlib_module_names
        if module in distributions
        and not declared & {canonicalize_name(distribution) for distribution in distributions[module]}
    }
    assert missing == set()
