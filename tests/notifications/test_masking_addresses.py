import pytest

from notifications.addresses import mask_address


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("ann@example.com", "a…@e….com"),
        ("a@b.de", "a…@b….de"),
        ("bea.buyer+tag@mail.example.co.uk", "b…@m….uk"),
        (" ann@example.com ", "a…@e….com"),
        ("ann@example.museum", "a…@e….museum"),
        ("ann@x.call-1-800-555-0199", "a…@x….c…"),
        ("ann@x.12345", "a…@x….1…"),
        ("root@localhost", "r…@l…"),
        ("no address", "…@n…"),
        ("", "…@…"),
    ],
)
def test_an_address_is_shown_to_its_owner_only(address: str, masked: str) -> None:
    assert mask_address(address) == masked
