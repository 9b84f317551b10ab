"""`make release` judges everything first, and leaves nothing half done."""

import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from release.__main__ import Release, main
from release.changelog import unreleased_entries, with_release
from release.problems import ReleaseError
from tests.release.conftest import CHANGELOG, MAKEFILE, ROOT, Checkout
from tests.waiting import wait_until

SBOM = "dist/find-my-order-0.2.0.cdx.json"
NO_RELEASE = "No release was made, and everything is as before."


FAILURES = {
    "fail_after_the_dump": "the dump failed",
    "fail_at_the_sbom": "requirements.lock has 1 packages, and 0 are in the SBOM.",
    "fail_at_the_commit": "refused by a hook",
    "fail_at_the_tag": "`git tag --annotate` failed:",
}


def release(checkout: Checkout, *arguments: str) -> int:
    return main([*arguments, "--root", str(checkout.root)])


def test_a_release_sets_version_and_changelog_dumps_lists_commits_and_tags(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert release(checkout, "0.2.0") == 0
    assert tomllib.loads(checkout.read("pyproject.toml"))["project"]["version"] == "0.2.0"
    heading = (
        r"## \[Unreleased\]\n\n## \[0\.2\.0\] – \d{4}-\d\d-\d\d\n\n### Added\n\n- Something new\.\n\n## \[0\.1\.0\]"
    )
    assert re.search(heading, checkout.read("CHANGELOG.md"))
    assert checkout.read("tests/upgrade/dumps/0.2.0.dump") == 'version = "0.2.0"\n'
    assert (checkout.root / SBOM).exists()
    assert checkout.git("status", "--porcelain") == ""
    assert checkout.git("rev-parse", "v0.2.0^{commit}") == checkout.git("rev-parse", "HEAD")
    changed = checkout.git("show", "--format=%s", "--name-only", "HEAD").splitlines()
    dumps = [f"tests/upgrade/dumps/0.2.0.{suffix}" for suffix in ("dump", "json")]
    assert changed == ["Version 0.2.0", "", "CHANGELOG.md", "pyproject.toml", *dumps]
    assert "git push --atomic origin main v0.2.0" in capsys.readouterr().out


def test_a_second_release_needs_new_entries_and_goes_above_the_first(checkout: Checkout) -> None:
    text = with_release(CHANGELOG, "0.2.0", date(2026, 12, 24))
    with pytest.raises(ReleaseError, match="no entry below"):
        unreleased_entries(text)
    again = with_release(text.replace("[Unreleased]\n", "[Unreleased]\n\n- More.\n"), "0.3.0", date(2026, 12, 31))
    assert "## [Unreleased]\n\n## [0.3.0] – 2026-12-31\n\n- More.\n\n## [0.2.0] – 2026-12-24\n" in again


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("0.2", "0.2 is not a version."),
        ("v0.2.0", "v0.2.0 is not a version."),
        ("0.02.0", "0.02.0 is not a version."),
        ("0.2.0-beta", "0.2.0-beta is not a version."),
        ("0.2.0\n", "is not a version."),
        ("", "is not a version."),
        ("0.1.0", "0.1.0 is not higher than 0.1.0."),
        ("0.0.9", "0.0.9 is not higher than 0.1.0."),
    ],
)
def test_a_wrong_version_is_refused(
    checkout: Checkout, capsys: pytest.CaptureFixture[str], version: str, said: str
) -> None:
    before = checkout.everything()
    assert release(checkout, version) == 1
    assert said in capsys.readouterr().out
    assert checkout.everything() == before


def test_versions_are_compared_as_numbers_and_with_every_tag(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.git("tag", "v0.10.0")
    checkout.git("tag", "v9-is-no-version")
    assert release(checkout, "0.9.0") == 1
    assert "0.9.0 is not higher than 0.10.0." in capsys.readouterr().out
    assert Release(checkout.root, "0.11.0").judge() == []


def test_everything_that_is_wrong_is_said_at_once(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    checkout.commit("CHANGELOG.md", CHANGELOG.replace("- Something new.\n", ""))
    checkout.git("switch", "--quiet", "--create", "topic")
    checkout.write("new-file", "")
    before = checkout.everything()
    assert release(checkout, "0.1.0") == 1
    said = capsys.readouterr().out
    assert "0.1.0 is not higher" in said
    assert "Releases are made on main, and this is topic." in said
    assert "not committed: new-file." in said
    assert "CHANGELOG.md has no entry below [Unreleased]." in said
    assert checkout.everything() == before


def test_a_lock_file_that_is_out_of_date_is_refused(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    changing = MAKEFILE.replace("lock:\n", "lock:\n\t@echo more >> $(LOCK_FOLDER)/requirements-dev.lock\n")
    checkout.commit("Makefile", changing)
    before = checkout.everything()
    assert release(checkout, "0.2.0") == 1
    assert "Run `make lock` and commit it: requirements-dev.lock would change." in capsys.readouterr().out
    assert checkout.everything() == before


def test_without_a_network_the_lock_files_may_be_skipped(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.commit("Makefile", MAKEFILE.replace("lock:\n", "lock:\n\t@echo no route to host >&2; exit 2\n"))
    assert release(checkout, "0.2.0") == 1
    said = capsys.readouterr().out
    assert "SKIP_LOCKS=1" in said
    assert "no route to host" in said
    assert Release(checkout.root, "0.2.0", checks_locks=False).judge() == []


def test_a_dry_run_shows_what_would_change_and_changes_nothing(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    before = checkout.everything()
    assert release(checkout, "0.2.0", "--dry-run") == 0
    said = capsys.readouterr().out
    assert '\n-version = "0.1.0"\n+version = "0.2.0"\n' in said
    assert re.search(r"\n\+## \[0\.2\.0\] – ", said)
    assert SBOM in said
    assert checkout.everything() == before


def fail_after_the_dump(checkout: Checkout) -> None:
    checkout.commit("Makefile", f"{MAKEFILE}\t@echo the dump failed >&2; exit 1\n")


def fail_at_the_sbom(checkout: Checkout) -> None:
    checkout.commit("requirements.lock", "not a requirement ==\n")


def fail_at_the_commit(checkout: Checkout) -> None:
    hook = checkout.root / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho refused by a hook >&2\nexit 1\n")
    hook.chmod(0o755)


def fail_at_the_tag(checkout: Checkout) -> None:
    checkout.git("config", "tag.gpgSign", "true")
    checkout.git("config", "gpg.program", "false")


@pytest.mark.parametrize("fail", [fail_after_the_dump, fail_at_the_sbom, fail_at_the_commit, fail_at_the_tag])
def test_a_failure_restores_everything(
    checkout: Checkout, capsys: pytest.CaptureFixture[str], fail: Callable[[Checkout], None]
) -> None:
    fail(checkout)
    before = checkout.everything()
    assert release(checkout, "0.2.0") == 1
    said = capsys.readouterr().out
    assert NO_RELEASE in said
    assert FAILURES[fail.__name__] in said
    assert checkout.everything() == before


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_restores_everything(checkout: Checkout, tmp_path: Path, stop: signal.Signals) -> None:
    checkout.commit("Makefile", f"{MAKEFILE}\t@touch {tmp_path}/dumping; sleep 60\n")
    before = checkout.everything()
    command = [sys.executable, "-m", "release", "0.2.0", "--root", str(checkout.root)]
    # A shell starts what runs in the background with SIGINT ignored, and each process inherits that.
    previous = signal.signal(stop, signal.SIG_DFL)
    try:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    finally:
        signal.signal(stop, previous)
    wait_until((tmp_path / "dumping").exists, "the dump")
    process.send_signal(stop)
    said, _nothing = process.communicate(timeout=120)
    assert process.returncode == 128 + stop, said
    assert b"Traceback" not in said
    assert checkout.everything() == before


def test_a_dump_of_that_version_is_kept(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout.root / "tests/upgrade/dumps").mkdir(parents=True)
    checkout.commit("tests/upgrade/dumps/0.2.0.dump", "precious")
    assert release(checkout, "0.2.0") == 1
    assert "already contains 0.2.0.dump." in capsys.readouterr().out
    assert checkout.read("tests/upgrade/dumps/0.2.0.dump") == "precious"


def test_an_unusable_call_is_explained() -> None:
    command = ["make", "-s", "-o", ".venv/installed", "release"]
    completed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert completed.returncode == 2
    assert "Name the version: make release VERSION=0.2.0" in completed.stderr
