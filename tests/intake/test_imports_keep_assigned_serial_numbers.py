"""Serial numbers assigned by staff take precedence over an import."""

import pytest

from licenses.models import LicensedLine
from licenses.services.assigning import assign_and_notify
from tests.intake.exports import Importer, portal_order, the_order

pytestmark = pytest.mark.django_db


def bare(**changes: object) -> dict[str, object]:
    lines = portal_order()["lines"]
    del lines[0]["licenses"]
    return portal_order(lines=lines) | changes


@pytest.mark.parametrize("again", ["without", "emptied", "another", "the same", "line gone"])
def test_no_import_takes_it_away(importer: Importer, again: str) -> None:
    importer.orders(bare())
    assign_and_notify(the_order().lines.get(store_line_id="1"), "XAAB-0009")
    lines = portal_order()["lines"]
    if again == "without":
        del lines[0]["licenses"]
    elif again == "emptied":
        lines[0]["licenses"] = []
    elif again == "the same":
        lines[0]["licenses"] = [{"serial": "xaab 0009"}]
    elif again == "line gone":
        del lines[0]
    importer.orders(portal_order(lines=lines, status="partially_refunded"))
    if again == "the same":
        importer.orders(portal_order(lines=lines, status="refunded"))
    link = LicensedLine.objects.get(license__serial="XAAB-0009")
    assert link.origin == LicensedLine.Origin.STAFF
    assert link.line.store_line_id == "1"
