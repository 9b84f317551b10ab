import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.test import Client

from portal import doctor_checks, health, schema

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _reset_cached_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_tables_matched", False)


def test_newly_migrated_tables_match_the_models(client: Client) -> None:
    assert schema.find_differences() == []
    assert client.get("/readyz").content == b"ok\n"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("ALTER TABLE support_thread DROP COLUMN subject", "The column support_thread.subject is missing."),
        ("ALTER TABLE orders_order ALTER status TYPE text", "orders_order.status is text"),
        ("ALTER TABLE orders_order ALTER number DROP NOT NULL", "orders_order.number can be empty"),
        ("ALTER TABLE orders_order ADD old integer NOT NULL", "orders_order.old is required"),
        ("ALTER TABLE orders_orderline DROP CONSTRAINT order_line_id_once_per_order", "order_line_id_once_per_order"),
        ("DROP INDEX order_number_once_per_store", "order_number_once_per_store"),
        ("DROP INDEX order_by_email", "order_by_email of the table orders_order is missing."),
        ("ALTER TABLE refunds_returnevent RENAME TO gone", "The table refunds_returnevent is missing."),
    ],
)
def test_differences_are_reported_by_doctor_and_readyz(client: Client, change: str, sentence: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(change)
    assert any(sentence in each for each in schema.find_differences())
    answer = client.get("/readyz")
    assert (answer.status_code, answer.content) == (503, b"tables differ from the models\n")
    with pytest.raises(doctor_checks.CheckFailed) as failure:
        doctor_checks.check_tables()
    assert "docs/operate.md" in str(failure.value.remedy)


@pytest.mark.parametrize(
    "column",
    [
        models.BooleanField(),
        models.CharField(),
        models.CharField(max_length=64),
        models.DateTimeField(),
        models.DecimalField(max_digits=16, decimal_places=3),
        models.DurationField(),
        models.FloatField(),
        models.TimeField(),
        ArrayField(models.BooleanField()),
        ArrayField(models.CharField()),
        ArrayField(models.CharField(max_length=64)),
        ArrayField(models.DecimalField(max_digits=16, decimal_places=3)),
    ],
    ids=lambda column: column.db_type(connection) if hasattr(column, "db_type") else None,
)
def test_column_types_are_catalog_name_as_in_the_catalog(column: models.Field) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE typed (it {column.db_type(connection)})")
        cursor.execute(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = 'typed'::regclass AND attname = 'it'"
        )
        (catalog_name,) = cursor.fetchone()
    assert schema._catalog_type(column) == catalog_name
