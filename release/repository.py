"""The Git repository of a release."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from release.problems import ReleaseError

BRANCH = "main"
TAG_PREFIX = "v"
MOST_LINES = 40  # of what a failed command printed


@dataclass(frozen=True)
class Repository:
    root: Path

    def git(self, *arguments: str) -> str:
        """Run a command of Git. Returns what it prints. Raises ReleaseError."""
        return run(["git", *arguments], self.root)

    def judge_branch(self) -> None:
        """Raise ReleaseError unless this is the main branch."""
        branch = self.git("branch", "--show-current").strip()
        if branch != BRANCH:
            raise ReleaseError(f"Releases are made on {BRANCH}, and this is {branch or 'no branch'}.")

    def judge_tree(self) -> None:
        """Raise ReleaseError unless everything is committed."""
        if changed := [line[3:] for line in self.git("status", "--porcelain").splitlines()]:
            raise ReleaseError(f"Commit or remove what is not committed: {', '.join(changed[:10])}.")

    def released_versions(self) -> list[str]:
        return [tag.removeprefix(TAG_PREFIX) for tag in self.git("tag", "--list", f"{TAG_PREFIX}[0-9]*").split()]

    def head(self) -> str:
        return self.git("rev-parse", "HEAD").strip()

    def commit_and_tag(self, version: str, files: Sequence[Path]) -> None:
        """Commit these files and tag the commit. The tag is the last step: there is none if this fails."""
        self.git("add", "--", *map(str, files))
        self.git("commit", "--quiet", "--message", f"Version {version}")
        self.git("tag", "--annotate", f"{TAG_PREFIX}{version}", "--message", f"Version {version}")

    def undo(self, head: str) -> None:
        """Remove what was staged or committed after this commit. The files stay as they are."""
        self.git("reset", "--quiet", head)


def run(command: Sequence[str], root: Path) -> str:
    """Run a command in this folder. Returns what it prints. Raises ReleaseError with what it prints if it fails."""
    try:
        completed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise ReleaseError(f"{command[0]} is not installed.") from error
    if completed.returncode:
        said = [
            *completed.stdout.strip().splitlines()[-MOST_LINES:],
            *completed.stderr.strip().splitlines()[-MOST_LINES:],
        ]
        raise ReleaseError("\n  ".join([f"`{' '.join(command[:3])}` failed:", *said]))
    return completed.stdout
