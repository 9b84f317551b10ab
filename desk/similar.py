"""Other addresses that may belong to the same person.

Their orders have the same billing name, and the same card or an address with one letter of difference. Both are looked
up with an index and read a limited number of orders: the card with `order_by_card_and_name`, and the address with
`order_by_email` and all addresses with one letter of difference.
"""

from collections.abc import Sequence
from typing import NamedTuple

from django.db.models import Q

from desk.one_slip import ADDRESS_CHARACTERS, one_slip_apart
from desk.person_keys import make_person_key
from orders.models import Order

MAX_SIMILAR = 5
MAX_ORDERS_READ = 100  # for each of the two
MAX_PAIRS = 10  # of a name and a card


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
    if pairs and (neighbors := list(one_slip_apart(email_key, ADDRESS_CHARACTERS))):
        names = {name for name, _card in pairs}
        for other, name in others.filter(email_key__in=neighbors, billing_name__in=names)[:MAX_ORDERS_READ]:
            found.setdefault(other, SimilarPerson(other, name, has_same_card=False))
    return list(found.values())[:MAX_SIMILAR]
