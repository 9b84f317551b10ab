"""Where EU law lets buyers withdraw from a contract without a reason."""

_MEMBER_STATES = (
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU"),
    *("LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
)
# The other states of the EEA, to which Directive 2011/83/EU extends (Annex XIX to the EEA Agreement).
_OTHERS = ("IS", "LI", "NO")
_WITH_RIGHT_TO_WITHDRAW = frozenset({*_MEMBER_STATES, *_OTHERS})


def may_withdraw(country: str) -> bool:
    """Whether buyers there have that right; also where the country is not known."""
    return not country or country.upper() in _WITH_RIGHT_TO_WITHDRAW
