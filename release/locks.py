"""Whether the lock files fit pyproject.toml."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from release.problems import ReleaseError
from release.repository import run

LOCKS = ("requirements.lock", "requirements-dev.lock")


def judge_locks(root: Path) -> None:
    """Raise ReleaseError unless `make lock` would change nothing. It works on copies, and asks the package index."""
    with TemporaryDirectory() as folder:
        for name in LOCKS:
            shutil.copy2(root / name, folder)
        try:
            run(["make", "lock", f"LOCK_FOLDER={folder}"], root)
        except ReleaseError as error:
            raise ReleaseError(
                f"The lock files can't be checked. Without a network, SKIP_LOCKS=1 leaves this step to you. {error}"
            ) from error
        outdated = [name for name in LOCKS if (Path(folder) / name).read_bytes() != (root / name).read_bytes()]
    if outdated:
        raise ReleaseError(f"Run `make lock` and commit it: {' and '.join(outdated)} would change.")
