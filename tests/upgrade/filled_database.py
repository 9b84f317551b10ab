"""Fills a database with rows in every table and every state, for the dump of a released version."""

from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from django.test import Client, override_settings
from django.utils import timezone

from desk.models import ExportLink, LookRecord, PasswordReset, PersonRequest
from desk.privacy.erase import erase
from desk.second_factor import make_recovery_codes
from files.models import DownloadRecord, Upload
from intake.models import ImportRun, ImportUpload, StatusMeaning, TableMapping
from intake.tasks import update_orders_of_skus
from licenses.models import (
    Device,
    Download,
    DownloadWindow,
    License,
    LineWithoutSerial,
    Release,
    Sku,
)
from licenses.services import activations, assigning, devices, staff_decisions
from licenses.services.activations import Event, EventType
from licenses.services.download_extensions import extend_downloads
from notifications import bounces, follow_ups, opt_outs, services
from notifications.delivery import deliver_due
from notifications.models import FollowUp, Message, OptOut
from orders.access import CLIENT_RATE
from orders.models import (
    CorrectionLink,
    FollowUpSchedule,
    Order,
    OrderLine,
    OrderPasswordKey,
    Store,
)
from orders.services.address_corrections import correct_address
from orders.services.confirmations import queue_confirmations
from portal.models import Heartbeat, SchedulerLease
from refunds.models import ApprovalLimit, ReturnException, ReturnPolicy, WithdrawalPeriod
from support.models import AnswerTemplate, ArticleVersion, ArticleVote, FailedSearch, SearchSynonyms
from tests import factories
from tests.intake.exports import ORDER, Importer, portal_order, shopify_row, table
from tests.intake.mapped_tables import make_mapping
from tests.intake.pushing_stores import PushingStore, process
from tests.intake.test_stripe_payments import charge, event
from tests.pages import inside
from tests.production.shop import fill_shop
from tests.smtp import MailServer
from tests.upgrade.case_filling import CaseFilling


def fill_database() -> None:
    """Fill the freshly migrated database of this process."""
    with TemporaryDirectory() as folder:
        fill_shop(Path(folder) / "shop.jsonl")
        agent = factories.make_agent(username="upgrade")
        _fill_settings_of_staff()
        _fill_logins(agent)
        _fill_visits()
        CaseFilling(agent).fill()
        _fill_licenses(agent)
        _fill_imports(Path(folder))
        _fill_store_events()
        _fill_emails()
        ApprovalLimit.objects.create(currency="EUR", up_to=Decimal("100.00"))
        Heartbeat.record()
        update_orders_of_skus()
        SchedulerLease.take("upgrade", 0)


def _fill_settings_of_staff() -> None:
    store = Store.objects.get(slug="tarnholt-eu")
    policy = ReturnPolicy.objects.filter(store=store).get()
    ReturnException.objects.bulk_create(
        ReturnException(policy=policy, kind=kind, days=7) for kind in OrderLine.Kind.values
    )
    WithdrawalPeriod.objects.create(store=store, country="DE", days=30)
    DownloadWindow.objects.create(store=store, days=60)
    FollowUpSchedule.objects.create(store=store, kind="licenses.renewal", days=20)
    Sku.objects.bulk_create(Sku(store=store, code=f"UPGRADE-{kind}", kind=kind) for kind in OrderLine.Kind.values)
    for reason in (OrderPasswordKey.Reason.PLANNED, OrderPasswordKey.Reason.COMPROMISED):
        OrderPasswordKey.objects.create(fingerprint=reason.value, reason=reason, replaced_at=timezone.now())
    AnswerTemplate.objects.bulk_create(
        AnswerTemplate(name=f"Upgrade {about}", about=about, text="Hello {name}")
        for about in AnswerTemplate.About.values
    )
    version = ArticleVersion.objects.first()
    assert version is not None
    ArticleVote.objects.create(version=version, helped=True)
    SearchSynonyms.objects.create(language="en", words=["scam", "fraud"])
    FailedSearch.record("no such answer", "en", timezone.now())


def _fill_logins(agent: User) -> None:
    make_recovery_codes(agent)
    Client().force_login(agent, backend="django.contrib.auth.backends.ModelBackend")
    PasswordReset.objects.create(email_key="upgrade@example.com")
    for kind in LookRecord.Kind:
        LookRecord.objects.create(by=agent, username=agent.get_username(), kind=kind, object_key="upgrade")
    _fill_requests_about_data()


def _fill_requests_about_data() -> None:
    """Requests in each state, and a receipt."""
    for kind in PersonRequest.Kind:
        for outcome in PersonRequest.Outcome:
            asked = PersonRequest.objects.create(
                kind=kind, outcome=outcome, email_key="upgrade@example.com", used_at=timezone.now()
            )
    ExportLink.objects.create(request=asked)
    erased = factories.make_order(store_email="erased@example.com")
    erase(erased.email_key, "upgrade")


def _fill_visits() -> None:
    """Lookups of each kind, and the rows that they create."""
    careful = factories.make_store(confirm_card_lookup=Store.ConfirmCardLookup.ALWAYS)
    order = factories.make_order(store=careful, store_email="careful@example.com")
    inside(order)
    browser, guesser = Client(), Client(REMOTE_ADDR="192.0.2.66")
    browser.post("/orders/find/card/", {"email": order.email, "card_last4": "4242"})  # redirects to the emailed code
    browser.post("/orders/find/link/", {"email": order.email})
    for _try in range(CLIENT_RATE.short + 1):  # first this order's rate is exceeded, then this client's
        guesser.post("/orders/find/number/", {"order_number": order.number, "password": "wrong"})
    corrected = factories.make_order(store_email="mistyped@example.com")
    CorrectionLink.objects.create(correction=correct_address(corrected, "right@example.com"))


def _fill_licenses(agent: User) -> None:
    active = License.objects.first()
    assert active is not None
    events = [
        Event(uuid4().hex, EventType.ACTIVATED, active.serial, f"device-{number}", timezone.now(), "0" * 64, "Phone")
        for number in range(2)
    ]
    activations.process_events("server", events)
    order = active.licensed_lines.select_related("order").first().order
    devices.release(Device.objects.filter(license=active).first(), order, timezone.now())
    with transaction.atomic():
        extend_downloads(order, date(2030, 1, 1), agent)
    Download.objects.create(release=Release.objects.first(), order=order, client="192.0.2.1")
    for license, decision in zip(
        License.objects.exclude(pk=active.pk)[:2],
        [License.StaffDecision.VALID, License.StaffDecision.REVOKED],
        strict=True,
    ):
        staff_decisions.decide_license(license, decision, date(2030, 1, 1))
    line = LineWithoutSerial.lines.missing().first()
    assert line is not None
    assigning.assign_and_notify(line, "UPGRADE-0000-0001")
    upload = Upload.objects.first()
    assert upload is not None
    DownloadRecord.objects.create(upload_id=upload.pk, staff=agent)


def _fill_imports(folder: Path) -> None:
    """Runs that created, changed and rejected orders, and that were undone, partly or completely, or never ended."""
    importer = Importer(folder)
    importer.orders(*(portal_order(number=f"UPGRADE-{number}", store="upgrade-import") for number in range(4)))
    importer.orders(
        portal_order(number="UPGRADE-0", store="upgrade-import", status="refunded"),
        portal_order(number="UPGRADE-1", store="upgrade-import", currency="nothing"),
    )
    importer.orders(portal_order(number="UPGRADE-9", lines=[ORDER["lines"][0] | {"kind": "other"}]))
    importer.shopify(shopify_row(Payment_Reference="ch_1"), store="upgrade-import")
    importer.shopify(shopify_row(Name="#1002", Financial_Status="never heard of"), store="upgrade-import")
    store = Store.objects.get(slug="upgrade-import")
    StatusMeaning.objects.bulk_create(
        StatusMeaning(store=store, format="shopify", word=meaning, meaning=meaning)
        for meaning in [*Order.Status.values, StatusMeaning.NOT_AN_ORDER]
    )
    for used in ([], [0]):
        numbers = [f"UNDONE-{len(used)}-{number}" for number in range(2)]
        importer.orders(*(portal_order(number=number, store="upgrade-undone") for number in numbers))
        for number in used:
            inside(Order.objects.get(number=numbers[number]))
        with suppress(SystemExit):
            call_command("undo_import", str(ImportRun.objects.latest("pk").pk), verbosity=0, stdout=StringIO())
    for source in ImportRun.Source:
        ImportRun.objects.create(source=source, state=ImportRun.State.RUNNING, started_by_name="ops")
    ImportRun.objects.create(source=ImportRun.Source.COMMAND, state=ImportRun.State.INTERRUPTED, started_by_name="ops")
    _fill_uploads(importer)


def _fill_uploads(importer: Importer) -> None:
    """Mappings with each notation, an import with one of them, and uploads in each state."""
    columns = {"No": "number", "Date": "placed_at", "Sum": "total"}
    for date_order in TableMapping.DateOrder.values:
        for sign in TableMapping.DecimalSign.values:
            name = f"{date_order}-{'comma' if sign == ',' else 'point'}"
            mapping = make_mapping(
                columns, "upgrade-import", name, date_order=date_order, decimal_sign=sign, constants={"currency": "EUR"}
            )
    importer(table({"No": "UPGRADE-M", "Date": "2026-11-01", "Sum": "5.00"}), store="upgrade-import", mapping=name)
    for state, date_order in zip(ImportUpload.State, cycle(TableMapping.DateOrder), strict=False):
        ImportUpload.objects.create(
            store=mapping.store,
            name="sales.csv",
            stored_name=ImportUpload.new_stored_name(),
            size=1,
            mapping=mapping,
            date_order=date_order,
            state=state,
        )


def _fill_store_events() -> None:
    """Events with each verdict, and the secret that signs them."""
    store = PushingStore("portal", "upgrade-import")
    store.push(portal_order(number="UPGRADE-PUSHED", store="upgrade-import"))
    store.push(b"no order")
    stripe = PushingStore("stripe", "upgrade-import")
    stripe.push({"id": "evt_test", "livemode": False})
    stripe.push(event(charge(id="ch_unknown", payment_intent="pi_unknown", billing_details={})))
    process()


def _fill_emails() -> None:
    """Emails in each state; most were sent."""
    refused = Message.objects.filter(status=Message.Status.WAITING).order_by("-pk").first()
    assert refused is not None
    with MailServer() as server:
        server.at("RCPT", lambda envelope: "550 5.1.1 No such user" if refused.recipient in envelope.rcpt_tos else None)
        with override_settings(
            EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=server.port
        ):
            deliver_due()
    bounced = Message.objects.filter(status=Message.Status.SENT).latest("pk")
    bounces.record_bounce(
        bounces.Bounce(bounced.recipient, "550 5.1.1 No such user", is_final=True, message_id=bounced.message_id),
        timezone.now(),
    )
    waiting, unwanted = (factories.make_order(placed_at=timezone.now()) for _order in range(2))
    queue_confirmations([waiting.pk, unwanted.pk])
    services.cancel_about_orders([unwanted.pk])
    follow_ups.run(timezone.now())
    _settle_follow_ups()
    for number, source in enumerate(OptOut.Source):
        opt_outs.switch_off(f"opted-out-{number}@example.com", source)


def _settle_follow_ups() -> None:
    """Follow-ups in each state. Most of these would take weeks to occur."""
    model = FollowUp.objects.first()
    assert model is not None
    for status in FollowUp.Status:
        settled_at = None if status == FollowUp.Status.PLANNED else timezone.now()
        FollowUp.objects.create(
            kind=model.kind,
            object_id=model.object_id,
            key=status.value,
            order_id=model.order_id,
            recipient=model.recipient,
            status=status,
            due_at=timezone.now(),
            closes_at=timezone.now() + timedelta(days=7),
            settled_at=settled_at,
        )
