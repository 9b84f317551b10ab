"""The commands of the Dockerfile that build translations and static files work on the files that the image contains."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.portal.running_demo import ROOT

AFTER_THE_COPY = "COPY . .\n"


def build_commands() -> list[str]:
    """The RUN lines of the build stage that follow the copy of the source code."""
    build_stage = (ROOT / "Dockerfile").read_text().split("\nFROM ")[1]
    instructions = build_stage.partition(AFTER_THE_COPY)[2].replace("\\\n", " ")
    return re.findall(r"^RUN (.+)$", instructions, re.MULTILINE)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder with what .dockerignore lets into the image."""
    folder = tmp_path / "app"
    folder.mkdir()
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line.startswith("!"):
            source = ROOT / line[1:]
            if source.is_dir():
                shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__", "*.mo"))
            else:
                shutil.copy2(source, folder / source.name)
    return folder


def test_translations_and_static_files_are_built_from_the_source(app: Path) -> None:
    commands = build_commands()
    assert any("collectstatic" in command for command in commands)
    for command in commands:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.defpath])
        made = subprocess.run(
            ["sh", "-c", command.replace("/app/", f"{app}/")],
            cwd=app,
            env={"PATH": path},  # as bare as the image: no setting comes from outside of the line
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
    assert (app / "collected" / "staticfiles.json").exists()
    assert list((app / "locale").rglob("*.mo"))
