"""The key of a person in URLs: the key of their email address, encrypted, so that no address is in a URL or a log."""

from orders import encryption

PURPOSE = "desk.person"
SEARCH_PREFIX = "person:"  # marks a key in a search field


def make_person_key(email_key: str) -> str:
    """Return a key for URLs. Each call returns a different one, and all are valid for as long as SECRET_KEY is."""
    return encryption.encrypt(PURPOSE, email_key.encode()).decode().rstrip("=")


def read_person_key(key: str) -> str | None:
    """Return the email key, or None if the portal didn't create this key for a person."""
    padded = key + "=" * (-len(key) % 4)
    try:
        return encryption.decrypt(PURPOSE, padded.encode()).decode()
    except encryption.Undecryptable:
        return None
