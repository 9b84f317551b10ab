"""The SBOM of a release: complete, valid, and the same each time."""

import json
import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from release.sbom import write_sbom
from tests.release.conftest import ROOT

DAY = date(2026, 12, 24)
LOCKED = re.compile(r"^([\w.-]+)==([^ ;\\]+)(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("sbom") / "dist" / "sbom.json"
    write_sbom(ROOT, path, DAY)
    return path.read_text()


@pytest.fixture(scope="module")
def sbom(text: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(text)
    return content


def test_it_fits_the_schema(text: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_the_project_is_the_root_with_its_license(sbom: dict[str, Any]) -> None:
    root = sbom["metadata"]["component"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (root["name"], root["version"], root["type"]) == (project["name"], project["version"], "application")
    assert [each["license"]["id"] for each in root["licenses"]] == [project["license"]]
    assert sbom["metadata"]["timestamp"].startswith("2026-12-24T00:00:00")


def test_every_locked_package_is_listed_with_its_hashes(sbom: dict[str, Any]) -> None:
    lock = (ROOT / "requirements.lock").read_text()
    locked = {
        f"pkg:pypi/{name}@{version}": set(re.findall(r"sha256:([0-9a-f]{64})", rest))
        for name, version, rest in LOCKED.findall(lock)
    }
    assert len(locked) > 50
    assert all(locked.values())
    listed = {
        component["purl"].partition("?")[0]: {
            each["content"] for reference in component["externalReferences"] for each in reference["hashes"]
        }
        for component in sbom["components"]
    }
    assert listed == locked


def test_the_same_input_gives_the_same_bytes_without_anything_of_the_machine(text: str, tmp_path: Path) -> None:
    write_sbom(ROOT, tmp_path / "again.json", DAY)
    assert (tmp_path / "again.json").read_text() == text
    assert str(ROOT) not in text
