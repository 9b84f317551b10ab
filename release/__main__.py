"""`make release VERSION=0.2.0`: set the version, dump its database, list its packages, commit and tag."""

import argparse
import difflib
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from release.changelog import unreleased_entries, with_release
from release.locks import judge_locks
from release.problems import ReleaseError
from release.repository import BRANCH, TAG_PREFIX, Repository, run
from release.sbom import sbom_path, write_sbom
from release.versions import current_version, judge_version, with_version

ROOT = Path(__file__).resolve().parent.parent
DUMPS = Path("tests", "upgrade", "dumps")
HELP = """\
Makes a release of the committed code on main:

  1. judges version, tree, changelog and lock files, and names everything that is wrong;
  2. sets the version in pyproject.toml, and moves the entries of Unreleased in CHANGELOG.md below it;
  3. runs `make upgrade-dump`, for the upgrade tests of later versions;
  4. writes the SBOM (CycloneDX) to dist/, to be published with the release;
  5. commits and tags. Pushing is left to you.

If a step fails, everything is as before. Exit status: 0 if the release is made (or, with --dry-run, could be), 1 if
not, 2 if the command can't be understood.
"""


@dataclass
class Release:
    root: Path
    version: str
    checks_locks: bool = True
    day: date = field(default_factory=lambda: datetime.now(UTC).date())

    def __post_init__(self) -> None:
        self.repository = Repository(self.root)
        self.pyproject = self.root / "pyproject.toml"
        self.changelog = self.root / "CHANGELOG.md"
        self.dumps = [self.root / DUMPS / f"{self.version}.{suffix}" for suffix in ("dump", "json")]
        self.sbom = sbom_path(self.root, self.version)

    def judge(self) -> list[str]:
        """Return a sentence for everything that is wrong."""
        checks: list[Callable[[], object]] = [
            lambda: judge_version(self.version, self._earlier_versions()),
            self.repository.judge_branch,
            self.repository.judge_tree,
            self._judge_dumps,
            lambda: unreleased_entries(self.changelog.read_text("utf-8")),
        ]
        if self.checks_locks:
            checks.append(lambda: judge_locks(self.root))
        return [str(error) for check in checks if (error := _error_of(check))]

    def _earlier_versions(self) -> list[str]:
        return [current_version(self.pyproject.read_text("utf-8")), *self.repository.released_versions()]

    def _judge_dumps(self) -> None:
        if existing := [path.name for path in self.dumps if path.exists()]:
            raise ReleaseError(f"{DUMPS} already contains {' and '.join(existing)}.")

    def changed_texts(self) -> dict[Path, str]:
        """The new contents of the files that name the version."""
        return {
            self.pyproject: with_version(self.pyproject.read_text("utf-8"), self.version),
            self.changelog: with_release(self.changelog.read_text("utf-8"), self.version, self.day),
        }

    def diff(self) -> Iterator[str]:
        """The lines of the changes to these files."""
        for path, text in self.changed_texts().items():
            name, before = path.name, path.read_text("utf-8")
            yield from difflib.unified_diff(before.splitlines(), text.splitlines(), name, name, n=2, lineterm="")

    def make(self) -> None:
        """Make the release, or leave everything as it was."""
        with self._undone_on_failure():
            for path, text in self.changed_texts().items():
                path.write_text(text, "utf-8")
            run(["make", "upgrade-dump"], self.root)
            write_sbom(self.root, self.sbom, self.day)
            self.repository.commit_and_tag(self.version, [self.pyproject, self.changelog, *self.dumps])

    @contextmanager
    def _undone_on_failure(self) -> Iterator[None]:
        head = self.repository.head()
        texts = {path: path.read_bytes() for path in (self.pyproject, self.changelog)}
        try:
            yield
        except BaseException:  # also Ctrl-C
            self.repository.undo(head)
            for path, text in texts.items():
                path.write_bytes(text)
            for path in (*self.dumps, self.sbom):
                path.unlink(missing_ok=True)
            raise


def _error_of(check: Callable[[], object]) -> ReleaseError | None:
    try:
        check()
    except ReleaseError as error:
        return error
    return None


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _exit)
    release = Release(options.root, options.version, not options.skip_locks)
    try:
        if problems := release.judge():
            return say("\n".join([f"{release.version} can't be released.", *(f"- {each}" for each in problems)]), 1)
        return try_out(release) if options.dry_run else make(release)
    except ReleaseError as error:
        return say(f"No release was made, and everything is as before. {error}", 1)
    except KeyboardInterrupt:
        return say("Stopped. No release was made, and everything is as before.", 130)


def try_out(release: Release) -> int:
    """Show what would change."""
    with TemporaryDirectory() as folder:
        write_sbom(release.root, Path(folder, "sbom"), release.day)
    say("\n".join(release.diff()))
    names = [str(path.relative_to(release.root)) for path in (*release.dumps, release.sbom)]
    return say(f"Dry run: nothing was changed. These would be written, too: {', '.join(names)}")


def make(release: Release) -> int:
    say("Filling and dumping a database …")
    release.make()
    tag = f"{TAG_PREFIX}{release.version}"
    return say(
        f"{release.version} is committed and tagged as {tag}. To publish it:\n"
        f"  git push --atomic origin {BRANCH} {tag}\n"
        f"Then publish the release on the hosting platform, with its section of CHANGELOG.md as the text, and with "
        f"{release.sbom.relative_to(release.root)}."
    )


def say(sentence: str, status: int = 0) -> int:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()
    return status


def _exit(number: int, _frame: Any) -> None:
    """End with an exception, so that everything is restored."""
    sys.exit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "make release", description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("version", help="for example 0.2.0")
    parser.add_argument("--dry-run", action="store_true", help="show what would change (DRY_RUN=1)")
    parser.add_argument("--skip-locks", action="store_true", help="don't check the lock files (SKIP_LOCKS=1)")
    parser.add_argument("--root", type=Path, default=ROOT, help="another checkout")
    return parser


if __name__ == "__main__":
    sys.exit(main())
