"""The software bill of materials: every locked package with its version and hashes, in CycloneDX's JSON."""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime, time
from pathlib import Path

from release.problems import ReleaseError

SPECIFICATION = "1.6"
_PACKAGE = re.compile(r"^[^\s#].*", re.MULTILINE)


def sbom_path(root: Path, version: str) -> Path:
    """Where the file of a version is written. Git ignores the folder."""
    return root / "dist" / f"find-my-order-{version}.cdx.json"


def write_sbom(root: Path, path: Path, day: date) -> None:
    """Write the SBOM of the version in pyproject.toml, dated to this day. The same input gives the same bytes.

    Raises ReleaseError if it doesn't fit CycloneDX's schema or lacks a package.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", str(root / "requirements.lock")]
    command += ["--pyproject", str(root / "pyproject.toml"), "--spec-version", SPECIFICATION, "--output-format", "JSON"]
    command += ["--output-reproducible", "--validate", "--output-file", str(path)]
    moment = datetime.combine(day, time(), UTC)
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(int(moment.timestamp()))}
    completed = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if completed.returncode:
        raise ReleaseError(f"The SBOM can't be made: {completed.stderr.strip()}")
    # Lines that it can't read are ignored.
    packages = _PACKAGE.findall((root / "requirements.lock").read_text("utf-8"))
    listed = {component.get("purl", "") for component in json.loads(path.read_text("utf-8")).get("components", [])}
    listed.discard("")
    if len(packages) != len(listed):
        raise ReleaseError(f"requirements.lock has {len(packages)} packages, and {len(listed)} are in the SBOM.")
