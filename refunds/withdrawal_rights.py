"""The countries in which EU law gives consumers a right to withdraw from a contract without a reason."""

_EU_COUNTRIES = (
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU"),
    *("LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
)
# The rest of the EEA, to which Directive 2011/83/EU extends (Annex XIX to the EEA Agreement).
_OTHER_EEA_COUNTRIES = ("IS", "LI", "NO")
_COUNTRIES = frozenset({*_EU_COUNTRIES, *_OTHER_EEA_COUNTRIES})


def has_withdrawal_right(country: str) -> bool:
    """Whether buyers in this country have the right. True for an unknown (empty) country."""
    return not country or country.upper() in _COUNTRIES
