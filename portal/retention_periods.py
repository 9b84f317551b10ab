"""For how many days data is kept, and why. Pure data, because the settings read it.

`RETENTION_DAYS` changes the days. `manage.py retention` deletes what is older, once a day. What an order needs by law
is kept without the person; see docs/privacy.md.
"""

from dataclasses import dataclass

MAX_DAYS = 36500  # a hundred years


@dataclass(frozen=True)
class Period:
    """`what` is kept for `days` after `since`, for this reason."""

    what: str
    days: int
    since: str
    reason: str


PERIODS: dict[str, Period] = {
    "orders": Period(
        "the person on an order",
        3653,
        "the purchase, and the end of the license",
        "invoices must be kept for up to ten years in the EU, and licenses must be found until then",
    ),
    "cases": Period(
        "what was written in returns, withdrawals, swaps and cashback claims",
        1095,
        "the decision",
        "claims about them expire after three years in most countries",
    ),
    "threads": Period(
        "messages to support and charge claims",
        1095,
        "the last message",
        "claims about them expire after three years in most countries",
    ),
    "address_corrections": Period(
        "corrections of email addresses", 1095, "the correction", "they show who had access to an order, and when"
    ),
    "messages": Period("emails that were sent", 730, "the email", "buyers ask what they were told during a license"),
    "unsent_messages": Period(
        "emails that were canceled", 90, "the email", "they explain to support why an email is missing"
    ),
    "follow_ups": Period("follow-ups", 730, "their settlement", "the same follow-up must not be sent twice"),
    "uploads": Period("files sent by buyers", 180, "the upload", "evidence, until the case is decided and disputed"),
    "upload_downloads": Period(
        "who of the staff downloaded a file", 1095, "the download", "shows who saw evidence in a dispute"
    ),
    "attempts": Period("attempts to open orders", 90, "the attempt", "attacks are investigated within weeks"),
    "access_links": Period("links to orders", 30, "the link", "an expired link can be renewed until then"),
    "lookup_codes": Period("emailed codes", 1, "the code", "a code is valid for minutes"),
    "thread_links": Period("links to messages", 30, "the link", "an expired link can be renewed until then"),
    "downloads": Period("downloads of installers", 365, "the download", "show that a paid product was delivered"),
    "device_names": Period(
        "names of devices", 730, "the deactivation", "the owner recognizes devices released in the last years"
    ),
    "activation_events": Period(
        "ids of activation events", 90, "the event", "a repeated event is recognized until then"
    ),
    "import_details": Period(
        "rejected rows, and data to undo an import", 30, "the import", "mistakes are noticed within weeks"
    ),
    "import_uploads": Period(
        "files uploaded for an import", 30, "the upload", "until they are imported, at most this long"
    ),
    "store_event_bodies": Period("contents of store events", 30, "the event", "problems are solved within weeks"),
    "store_events": Period("results of store events", 180, "the event", "a repeated event is recognized until then"),
    "failed_searches": Period(
        "searches without a result", 180, "the last search", "they show which help article is missing"
    ),
    "look_records": Period(
        "who of the staff looked at what", 365, "the look", "misuse by staff is investigated within a year"
    ),
    "staff_actions": Period(
        "what staff did in the admin", 730, "the action", "decisions are audited for the two last years"
    ),
    "staff_logins": Period("logins of staff", 365, "the login", "misuse of a login is investigated within a year"),
    "password_resets": Period("requests to reset a staff password", 1, "the request", "the link is valid for an hour"),
    "unconfirmed_person_requests": Period(
        "requests about personal data without confirmation", 1, "the request", "the link is valid for an hour"
    ),
    "person_requests": Period(
        "requests about personal data", 365, "the answer", "the answer to each must be shown to an authority"
    ),
    "erasures": Period("receipts of erasures", 1095, "the erasure", "each must be shown to an authority"),
    "suppressed_addresses": Period(
        "keyed hashes of erased addresses", 3653, "the erasure", "as long as an import may contain an order of then"
    ),
}
