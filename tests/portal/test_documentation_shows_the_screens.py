"""docs/screens.md, which `make screens` writes, shows every picture in docs/screens/, and no others."""

import re

from tests.screens.pictures import FOLDER, MAX_BYTES, PAGE, describe
from tests.screens.screens import SCREENS

PICTURE = re.compile(rf"!\[[^\]]+\]\({FOLDER.name}/([^)]+)\)")


def test_it_names_each_picture_once_and_only_pictures_that_exist() -> None:
    named = PICTURE.findall(PAGE.read_text(encoding="utf-8"))
    assert sorted(named) == sorted(file.name for file in FOLDER.iterdir())


def test_it_is_what_the_list_of_screens_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == describe(SCREENS)


def test_the_pictures_stay_small() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= MAX_BYTES
