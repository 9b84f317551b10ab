from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.production.shop import load_shop
from tests.production.stack import Stack
from tests.production.visitors import Visitor


@pytest.fixture(scope="session")
def stack(django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The portal with production settings. Started once; its database is shared by all tests in this folder."""
    started = Stack(tmp_path_factory.mktemp("production"), django_db_blocker)
    try:
        started.start()
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="session")
def shop(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The stack with the orders, cases, threads and articles of a whole shop."""
    load_shop(stack, tmp_path_factory.mktemp("shop") / "orders.jsonl")
    return stack


@pytest.fixture
def visitor(stack: Stack) -> Visitor:
    """A stranger with a separate browser and address."""
    return Visitor(stack)
