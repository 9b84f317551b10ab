"""An address is found in any text that names it, so that an erasure reaches all of them, and in no other."""

import json

import pytest

from notifications.address_search import AddressSearch, find_addresses, replace_addresses

ADDRESS = "o'brien+shop@exämple.com"
KEY = "o'brien+shop@xn--exmple-cua.com"

NAMING = (
    ADDRESS,
    "O'BRIEN+SHOP@XN--EXMPLE-CUA.COM",
    "o'brien+shop@exa\u0308mple.com",
    f"“{ADDRESS}” isn’t an amount.",
    f"„{ADDRESS}“, «{ADDRESS}» and ‘{ADDRESS}’",
    f"'{ADDRESS}'",
    f'"{ADDRESS}"',
    f"<{ADDRESS}>",
    f"*{ADDRESS}* _{ADDRESS}_",
    f"mailto:{ADDRESS}?subject=Order",
    f"https://shop.example.com/{ADDRESS}/",
    f"{ADDRESS}…",
    f"{ADDRESS}.",
    f"{ADDRESS}#1",
    "EMAIL=o%27brien%2Bshop%40ex%C3%A4mple.com&NAME=Kim",
    "email=o'brien%2bshop@exämple.com",
    "O&#39;Brien+shop@exämple.com",
    json.dumps({"email": ADDRESS}),
    json.dumps({"note": f"two lines\n{ADDRESS}\nand a tab\t"}),
    json.dumps({"email": ADDRESS}).replace("@", "\\u0040"),
    '{"note": "cut off after ' + json.dumps(f"😀 {ADDRESS} \\")[1:-1],
)
OTHERS = (
    "",
    "@",
    "brien+shop@exämple.com",
    f"x{ADDRESS}",
    f"x.{ADDRESS}",
    f"x'{ADDRESS}",
    f"{ADDRESS}.au",
    f"{ADDRESS}x",
    ADDRESS.replace("+shop", ""),
    ADDRESS.replace("ä", "a"),
    "o'brien+shop at exämple.com",
    "\\ud800 \\",
)


@pytest.mark.parametrize("text", NAMING)
def test_the_address_is_found_and_removed(text: str) -> None:
    search = AddressSearch(KEY)
    assert search.is_in(text)
    without = search.remove_from(f"before {text} after", "[gone]")
    assert not search.is_in(without)
    assert without.startswith("before ")
    assert without.endswith(" after")
    assert "[gone]" in without


@pytest.mark.parametrize("text", OTHERS)
def test_other_addresses_are_not_it(text: str) -> None:
    search = AddressSearch(KEY)
    assert not search.is_in(text)
    assert search.remove_from(text, "[gone]") == text


def test_no_address_is_in_no_text() -> None:
    assert not AddressSearch("").is_in("@ kim@example.com @")


def test_addresses_are_listed_as_they_are_read() -> None:
    text = json.dumps({"a": "one\nkim@example.com", "b": "“o'neil@example.com”, 'eve@example.com'."})
    assert list(find_addresses(text)) == ["kim@example.com", "o'neil@example.com", "eve@example.com"]


def test_all_addresses_can_be_replaced() -> None:
    text = "“kim@example.com” and o'neil@example.com/2, but not @home"
    assert replace_addresses(text, lambda found: f"[{len(found)}]") == "“[15]” and [18]/2, but not @home"


@pytest.mark.parametrize(
    "name", [f"{ADDRESS}.csv", f"orders-{ADDRESS.title()}-2.csv", f"{KEY}.csv", "o'brien+shop@exa\u0308mple.com.zip"]
)
def test_the_address_is_removed_from_the_name_of_a_file(name: str) -> None:
    without = AddressSearch(KEY).remove_from_name(name, "…")
    assert "brien" not in without.lower()
    assert without.endswith((".csv", ".zip"))


def test_names_of_files_without_the_address_stay() -> None:
    assert AddressSearch(KEY).remove_from_name("kim@example.com.csv", "…") == "kim@example.com.csv"
    assert AddressSearch("").remove_from_name("kim@example.com.csv", "…") == "kim@example.com.csv"
