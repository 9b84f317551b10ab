"""What is said to the person who makes a release."""


class ReleaseError(Exception):
    """A sentence that says why there is no release."""
