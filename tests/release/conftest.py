"""A small checkout, whose Makefile plays the slow steps of a release."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CHANGELOG = """# Changelog

## [Unreleased]

### Added

- Something new.

## [0.1.0] – 2026-11-28

The first release.
"""
LOCK = f"""\
one-package==1.0 \\
    --hash=sha256:{"1" * 64}
two-packages==2.0 ; sys_platform == "win32" \\
    --hash=sha256:{"2" * 64}
"""
MAKEFILE = """
lock:
\t@test -d "$(LOCK_FOLDER)" && echo "$(LOCK_FOLDER)" > ../asked
upgrade-dump:
\t@mkdir -p tests/upgrade/dumps
\t@grep '^version' pyproject.toml > tests/upgrade/dumps/$$(sed -n 's/^version = "\\(.*\\)"/\\1/p' pyproject.toml).dump
\t@echo '{}' > tests/upgrade/dumps/$$(sed -n 's/^version = "\\(.*\\)"/\\1/p' pyproject.toml).json
"""


class Checkout:
    """A repository of Git, in a folder of the test."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(root.parent), "GIT_CONFIG_NOSYSTEM": "1"}

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", *arguments]
        done = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def read(self, name: str) -> str:
        return (self.root / name).read_text()

    def commit(self, name: str, text: str) -> None:
        self.write(name, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", f"Change {name}")

    def everything(self) -> dict[str, bytes]:
        """The contents of all files, and what Git says about them."""
        files = {str(path.relative_to(self.root)): path for path in self.root.rglob("*") if path.is_file()}
        contents = {name: path.read_bytes() for name, path in files.items() if not name.startswith(".git/")}
        said = [self.git(*each) for each in (("rev-parse", "HEAD"), ("tag",), ("status", "--porcelain"))]
        return contents | {"git": "\n".join(said).encode()}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A clean checkout on main, after the release of 0.1.0."""
    (tmp_path / ".gitconfig").write_text("[user]\nname = A\nemail = a@example.com\n[init]\ndefaultBranch = main\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    root = tmp_path / "checkout"
    root.mkdir()
    made = Checkout(root)
    for name in ("pyproject.toml", "requirements.lock", "requirements-dev.lock", "LICENSE", "README.md", ".gitignore"):
        shutil.copy(ROOT / name, root)
    pyproject = made.read("pyproject.toml").splitlines()
    made.write(
        "pyproject.toml",
        "\n".join('version = "0.1.0"' if line.startswith("version = ") else line for line in pyproject),
    )
    made.write("CHANGELOG.md", CHANGELOG)
    made.git("init", "--quiet")
    made.commit("Makefile", MAKEFILE)
    made.git("tag", "--annotate", "v0.1.0", "--message", "Version 0.1.0")
    return made
