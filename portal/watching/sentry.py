"""Reports of errors to Sentry, or to anything that speaks its protocol, without data of persons."""

from typing import Any

try:
    import sentry_sdk
    from sentry_sdk.utils import BadDsn
except ImportError:  # an optional package: pip install "find-my-order[sentry]"
    sentry_sdk = None  # type: ignore[assignment]

# What stays of a report's request. URLs may contain tokens, and forms what a person typed.
KEPT_OF_REQUEST = frozenset({"method"})


class SentryNotStarted(Exception):
    """Reports can't be sent; the text says what to do."""


def start_sentry(dsn: str) -> None:
    """Report errors of web processes and workers from now on. Raises SentryNotStarted."""
    if sentry_sdk is None:
        raise SentryNotStarted("SENTRY_DSN needs the package sentry-sdk. Install it, or unset SENTRY_DSN.")
    try:
        sentry_sdk.init(
            dsn=dsn,
            send_default_pii=False,
            include_local_variables=False,
            max_request_body_size="never",
            traces_sample_rate=0.0,
            max_breadcrumbs=0,
            before_send=without_personal_data,  # type: ignore[arg-type]
        )
    except BadDsn:
        raise SentryNotStarted("SENTRY_DSN must be an address such as https://key@sentry.example.com/1.") from None


def without_personal_data(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
    """Keep of a report where the error happened and what kind it is, not about whom."""
    event.pop("user", None)
    event.pop("extra", None)
    event["request"] = {name: value for name, value in event.get("request", {}).items() if name in KEPT_OF_REQUEST}
    for error in event.get("exception", {}).get("values", []):
        error["value"] = ""  # may quote what was typed, or a row of the database
    if "logentry" in event:
        event["logentry"] = {"message": event["logentry"].get("message", "")}  # without its values
    return event
