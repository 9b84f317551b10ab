"""Every field that can hold data of a person, and every other text field with the reason why it holds none.

A test fails if a text, JSON, binary, file or address field of any model is in neither table. Fields whose choices are
fixed hold none. docs/privacy.md describes these tables for people.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models


class Erased(Enum):
    """What an erasure does with the personal fields of a row."""

    EMPTIED = "emptied"  # the row stays, because law or the license needs the rest
    DELETED = "deleted"
    REDACTED = "redacted"  # only what names the person is removed, because the rest is about others
    KEPT = "kept"  # says nothing about a person once the rest is erased
    EXPIRES = "expires"  # can't be found by person, and is deleted after its period
    STAFF = "staff"  # about a member of staff, not a buyer


@dataclass(frozen=True)
class Holding:
    """A model with personal data. `period` names the period in settings.RETENTION_PERIODS after which it goes.

    `secret` are fields that are never exported. Of the fields that aren't personal, an export has those that describe
    the row: amounts, dates, states.
    """

    model: str
    personal: tuple[str, ...]
    erased: Erased
    period: str = ""
    secret: tuple[str, ...] = ()


_CASE = ("comment", "first_approved_text", "tags")
_EVENT = ("text", "note")


HOLDINGS: tuple[Holding, ...] = (
    # --- Orders
    Holding(
        "orders.Order",
        (
            "store_email",
            "contact_email",
            "email_key",
            "card_last4",
            "device_last4",
            "billing_name",
            "billing_company",
            "billing_address",
            "billing_city",
            "billing_postcode",
            "billing_vat_id",
        ),
        Erased.EMPTIED,
        "orders",
        secret=("password_hash",),
    ),
    Holding(
        "orders.AddressCorrection",
        ("old_email", "old_contact_email", "new_email", "client"),
        Erased.DELETED,
        "address_corrections",
    ),
    Holding("orders.Attempt", ("subject", "client"), Erased.DELETED, "attempts", secret=("shared_key",)),
    Holding("orders.AccessLink", ("email_key", "next_path"), Erased.DELETED, "access_links"),
    Holding("orders.LookupCode", ("email_key",), Erased.DELETED, "lookup_codes"),
    Holding("orders.SuppressedAddress", (), Erased.EXPIRES, "suppressed_addresses", secret=("digest", "key_id")),
    Holding("orders.RateLimitCounter", (), Erased.EXPIRES, "rate_limits", secret=("key", "tries")),
    Holding("sessions.Session", (), Erased.DELETED, "sessions", secret=("session_key", "session_data")),
    # --- Licenses
    Holding("licenses.Device", ("name", "platform", "vendor_id"), Erased.EMPTIED, "device_names"),
    Holding("licenses.Download", ("client",), Erased.DELETED, "downloads"),
    Holding("licenses.License", ("serial", "serial_key"), Erased.KEPT),
    # --- Cases
    Holding("refunds.Return", _CASE, Erased.EMPTIED, "cases"),
    Holding("refunds.ReturnEvent", _EVENT, Erased.EMPTIED, "cases"),
    Holding(
        "refunds.Withdrawal",
        (*_CASE, "name", "order_number", "email", "email_key"),
        Erased.EMPTIED,
        "cases",
    ),
    Holding("refunds.WithdrawalEvent", _EVENT, Erased.EMPTIED, "cases"),
    Holding("refunds.Swap", (*_CASE, "wanted"), Erased.EMPTIED, "cases"),
    Holding("refunds.SwapEvent", _EVENT, Erased.EMPTIED, "cases"),
    Holding("refunds.CashbackClaim", (*_CASE, "payout_details"), Erased.EMPTIED, "cases"),
    Holding("refunds.CashbackEvent", _EVENT, Erased.EMPTIED, "cases"),
    Holding("refunds.RefundTransaction", ("last_answer",), Erased.EMPTIED, "orders"),
    # --- Support
    Holding("support.Thread", ("subject", "email", "email_key", "tags"), Erased.DELETED, "threads"),
    Holding("support.ThreadMessage", _EVENT, Erased.DELETED, "threads"),
    Holding(
        "support.ChargeClaim",
        ("card_brand", "card_last4", "order_number", "serial", "other_emails"),
        Erased.DELETED,
        "threads",
    ),
    Holding("files.Upload", ("name",), Erased.DELETED, "uploads", secret=("stored_name", "sha256", "client_key")),
    # --- Emails
    Holding(
        "notifications.Message",
        ("recipient", "recipient_key", "last_error"),
        Erased.DELETED,
        "messages",
        secret=("code", "key"),
    ),
    Holding("notifications.FollowUp", ("recipient", "recipient_key"), Erased.DELETED, "follow_ups", secret=("key",)),
    Holding("notifications.OptOut", ("email_key",), Erased.DELETED),
    # --- Imports
    Holding("intake.ImportReject", ("text", "word", "content"), Erased.DELETED, "import_details"),
    Holding("intake.ImportChange", ("before",), Erased.DELETED, "import_details"),
    Holding("intake.ImportRun", ("reject_counts", "warnings"), Erased.REDACTED),
    Holding("intake.ImportFile", ("name",), Erased.REDACTED),
    Holding("intake.ImportUpload", ("name", "preview", "problem"), Erased.REDACTED, "import_uploads"),
    Holding("intake.StoreEvent", ("body", "reason", "word"), Erased.EMPTIED, "store_event_bodies"),
    # --- Staff and records
    Holding("desk.LookRecord", ("object_key",), Erased.REDACTED, "look_records"),
    Holding("desk.PersonRequest", ("email_key",), Erased.DELETED, "person_requests"),
    Holding("desk.PasswordReset", ("email_key",), Erased.DELETED, "password_resets"),
    Holding("admin.LogEntry", ("object_repr", "change_message"), Erased.REDACTED, "staff_actions"),
    Holding("desk.StaffSession", ("browser",), Erased.STAFF, "sessions", secret=("session_key",)),
    Holding("auth.User", ("username", "first_name", "last_name", "email"), Erased.STAFF, secret=("password",)),
    Holding(
        "axes.AccessAttempt",
        ("user_agent", "ip_address", "username", "http_accept", "path_info", "get_data", "post_data"),
        Erased.STAFF,
        "staff_logins",
    ),
    Holding(
        "axes.AccessFailureLog",
        ("user_agent", "ip_address", "username", "http_accept", "path_info"),
        Erased.STAFF,
        "staff_logins",
    ),
    Holding(
        "axes.AccessLog",
        ("user_agent", "ip_address", "username", "http_accept", "path_info"),
        Erased.STAFF,
        "staff_logins",
        secret=("session_hash",),
    ),
    Holding("otp_totp.TOTPDevice", ("name",), Erased.STAFF, secret=("key",)),
    Holding("otp_static.StaticDevice", ("name",), Erased.STAFF),
    Holding("otp_static.StaticToken", (), Erased.STAFF, secret=("token",)),
)


# The reasons why other fields hold no data of a person, with the fields: "app.Model.field", or "app.Model.*" for all.
NOT_PERSONAL: dict[str, tuple[str, ...]] = {
    "written by staff for all buyers, or configuration": (
        "support.Article.*",
        "support.ArticleVersion.*",
        "support.AnswerTemplate.*",
        "support.CardRegion.*",
        "support.StoreRegion.*",
        "support.PhoneNumber.*",
        "support.SearchSynonyms.*",
        "refunds.AutoApprovalLimit.*",
        "refunds.ApprovalLimit.*",
        "refunds.WithdrawalPeriod.*",
        "refunds.CashbackPromotion.*",
        "refunds.ReturnReason.*",
        "refunds.SwapOffer.*",
        "licenses.Product.*",
        "licenses.SerialPrefix.*",
        "licenses.AppliedPrefix.*",
        "licenses.Sku.*",
        "licenses.Release.*",
        "licenses.InstallGuide.*",
        "orders.Store.*",
        "orders.FollowUpSchedule.*",
        "intake.StatusMeaning.*",
        "intake.WebhookSecret.*",
        "intake.TableMapping.*",
        "intake.ImportedObject.*",  # licenses, SKUs and stores, without serial numbers
        "auth.Group.*",
        "auth.Permission.*",
        "contenttypes.ContentType.*",
        "portal.Heartbeat.*",
        "portal.SchedulerLease.*",
        "orders.OrderPasswordKey.*",
    ),
    "searches that may identify someone are not recorded": ("support.FailedSearch.*",),
    "the sale, which law requires to keep: numbers, items, and how it was paid": (
        "orders.Order.number",
        "orders.Order.number_key",
        "orders.Order.invoice_number",
        "orders.Order.currency",
        "orders.Order.payment_method",
        "orders.Order.card_brand",
        "orders.Order.wallet",
        "orders.OrderLine.*",
        "orders.Refund.*",
        "refunds.CashbackClaim.payout_reference",
        "refunds.RefundTransaction.store_reference",
    ),
    "the seller, not the buyer": ("orders.Order.invoice_seller",),
    "a country or language, shared by millions; the country decides on the tax": (
        "orders.Order.billing_country",
        "refunds.CashbackClaim.country",
        "orders.Order.chosen_language",
        "orders.Order.language",
        "desk.PersonRequest.language",
        "notifications.Message.language",
        "notifications.FollowUp.language",
        *(f"refunds.{case}.language" for case in ("Return", "Withdrawal", "Swap", "CashbackClaim")),
        "support.Thread.language",
    ),
    "identifies a payment at the provider, to match refunds and chargebacks that come later": (
        "orders.PaymentReference.reference",
    ),
    "made by the portal: references, digests with a key, states, kinds": (
        "orders.Order.sources",
        "licenses.ActivationEvent.*",
        "desk.Erasure.reference",
        "desk.Erasure.counts",
        "desk.LookRecord.object_model",
        "admin.LogEntry.object_id",
        "notifications.Message.kind",
        "notifications.FollowUp.kind",
        "support.Thread.reference",
        *(f"refunds.{case}.reference" for case in ("Return", "Withdrawal", "Swap", "CashbackClaim")),
        *(
            f"{event}.{name}"
            for event in (
                "support.ThreadMessage",
                *(f"refunds.{case}Event" for case in ("Return", "Withdrawal", "Swap", "Cashback")),
            )
            for name in ("from_status", "to_status")
        ),
        *(f"refunds.{case}.currency" for case in ("Return", "Swap", "CashbackClaim", "RefundTransaction")),
        "support.ChargeClaim.currency",
    ),
    "how a file or event was read": (
        "intake.ImportUpload.stored_name",
        "intake.ImportUpload.encoding",
        "intake.ImportRun.options",
        *(f"intake.ImportFile.{name}" for name in ("sha256", "format", "store", "header", "delimiter")),
        "intake.ImportReject.code",
        "intake.StoreEvent.format",
        "intake.StoreEvent.event_id",
        "intake.StoreEvent.kind",
        "intake.StoreEvent.code",
    ),
    "the name of a member of staff, kept with what they did": (
        "desk.LookRecord.username",
        "desk.Erasure.made_by_name",
        "desk.PersonRequest.settled_by_name",
        "intake.ImportRun.started_by_name",
        "intake.ImportRun.undone_by_name",
    ),
}

_TEXTS = (
    models.CharField,
    models.TextField,
    models.JSONField,
    models.BinaryField,
    models.FileField,
    models.GenericIPAddressField,
    models.GeneratedField,
    ArrayField,
)


def text_fields() -> Iterator[str]:
    """Yield each field of any model that can hold text, as "app.Model.field", except those with fixed choices."""
    for model in apps.get_models(include_auto_created=True):
        if model._meta.proxy or not model._meta.managed:
            continue
        for field in model._meta.concrete_fields:
            inner = getattr(field, "base_field", field)  # of an ArrayField
            if isinstance(field, _TEXTS) and not inner.choices:
                yield f"{model._meta.label}.{field.name}"


def personal_fields() -> set[str]:
    return {f"{each.model}.{name}" for each in HOLDINGS for name in (*each.personal, *each.secret)}


def impersonal_fields() -> set[str]:
    """Return the fields of NOT_PERSONAL, with each `*` expanded."""
    named = {name for names in NOT_PERSONAL.values() for name in names}
    whole = {name.removesuffix(".*") for name in named if name.endswith(".*")}
    return {name for name in text_fields() if name in named or name.rpartition(".")[0] in whole}
