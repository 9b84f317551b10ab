"""Other addresses that may belong to the same person.

Their orders have the same billing name, and the same card or an address with one letter of difference. Both are looked
up with an index and read a limited number of orders: the card with `order_by_card_and_name`, and the address with
`order_by_email` and all addresses with one letter of difference.
"""

import string
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from django.db.models import Q

from desk.person_keys import make_person_key
from orders.models import Order

MAX_SIMILAR = 5
MAX_ORDERS_READ = 100  # for each of the two
MAX_PAIRS = 10  # of a name and a card
MAX_VARIED_LENGTH = 64  # characters; longer addresses have too many variants
# Characters of addresses. Other characters are only removed or swapped.
_LETTERS = f"{string.ascii_lowercase}{string.digits}._-+"


class SimilarPerson(NamedTuple):
    """An address, a name of its orders, and whether they have the same card; otherwise the address differs by one
    letter.
    """

    email_key: str
    name: str
    has_same_card: bool

    @property
    def key(self) -> str:
        return make_person_key(self.email_key)


def find_similar(email_key: str, names_and_cards: Sequence[tuple[str, str]]) -> list[SimilarPerson]:
    """Return at most MAX_SIMILAR other addresses, given the names and last 4 digits of the orders of this one.

    Makes two queries, or fewer if there is nothing to look for.
    """
    pairs = [(name, card) for name, card in names_and_cards if name][:MAX_PAIRS]
    found: dict[str, SimilarPerson] = {}
    others = Order.objects.exclude(email_key__in=["", email_key]).values_list("email_key", "billing_name")
    if with_card := [Q(card_last4=card, billing_name=name) for name, card in pairs if card]:
        same_card = others.filter(Q(*with_card, _connector=Q.OR), card_last4__gt="")
        for other, name in same_card[:MAX_ORDERS_READ]:
            found.setdefault(other, SimilarPerson(other, name, has_same_card=True))
    if pairs and (neighbors := list(_one_letter_apart(email_key))):
        names = {name for name, _card in pairs}
        for other, name in others.filter(email_key__in=neighbors, billing_name__in=names)[:MAX_ORDERS_READ]:
            found.setdefault(other, SimilarPerson(other, name, has_same_card=False))
    return list(found.values())[:MAX_SIMILAR]


def _one_letter_apart(address: str) -> Iterator[str]:
    """Yield the addresses with one letter removed, added or changed, or with two neighboring letters swapped."""
    if not address or len(address) > MAX_VARIED_LENGTH:
        return
    for index in range(len(address) + 1):
        before, after = address[:index], address[index:]
        yield from (f"{before}{letter}{after}" for letter in _LETTERS)
        if after:
            yield f"{before}{after[1:]}"
            yield from (f"{before}{letter}{after[1:]}" for letter in _LETTERS)
        if len(after) > 1:
            yield f"{before}{after[1]}{after[0]}{after[2:]}"
