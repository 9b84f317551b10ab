"""Each feed recognizes its own files, and no other feed's."""

import json
from pathlib import Path

import pytest

from intake.feeds import FEEDS
from intake.source_file import SourceFile
from tests.intake import (
    test_fastspring_orders,
    test_gumroad_orders,
    test_stripe_payments,
    test_twocheckout_orders,
    test_woocommerce_orders,
)
from tests.intake.exports import json_lines, portal_order, shopify_row, table

PAYU = "REFNO=1&REFNOEXT=2&ORDERNO=3&ORDERSTATUS=COMPLETE&IPN_PID[]=1&IPN_PNAME[]=A&IPN_CC_TOKEN=x&HASH=0"
SAMPLES = {
    "portal": [json_lines(portal_order())],
    "shopify": [table(shopify_row())],
    "woocommerce": [json.dumps(test_woocommerce_orders.ORDER), json.dumps([test_woocommerce_orders.ORDER], indent=1)],
    "stripe": [
        json.dumps(test_stripe_payments.CHARGE),
        json.dumps(test_stripe_payments.event(test_stripe_payments.CHARGE)),
    ],
    "fastspring": [
        json.dumps({"events": [test_fastspring_orders.event(test_fastspring_orders.ORDER)]}, indent=2),
        json.dumps(test_fastspring_orders.RETURN),
    ],
    "2checkout": [
        test_twocheckout_orders.form(test_twocheckout_orders.IPN),
        json.dumps(test_twocheckout_orders.IPN),
        "# ipn.txt line 1: a reason\n" + json.dumps(test_twocheckout_orders.IPN),
    ],
    "gumroad": [
        table(test_gumroad_orders.SALE),
        json.dumps(test_gumroad_orders.PING),
        test_gumroad_orders.urlencode(test_gumroad_orders.PING),
    ],
    "": [
        PAYU,
        "ref,mail,day,sum\n1,a@example.com,2026-11-01,5\n",
        "Purchase ID,Item Name,Total\n1,Antivirus,5\n",
        '{"events": [{"id": "1", "type": "order.completed", "data": {"currency": "EUR"}}]}',
        '{"REFNO": "1", "ORDERSTATUS": "COMPLETE"}',
        "sale_id=1&email=ann%40example.com",
    ],
}


@pytest.mark.parametrize(
    ("format_name", "content"), [(name, content) for name, contents in SAMPLES.items() for content in contents]
)
def test_a_file_is_recognized_by_its_own_feed_only(tmp_path: Path, format_name: str, content: str) -> None:
    path = tmp_path / "file.txt"
    path.write_text(content)
    head = SourceFile(path).head
    assert [feed.name for feed in FEEDS if feed.matches(head)] == ([format_name] if format_name else [])
