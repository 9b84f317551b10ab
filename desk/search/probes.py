"""Looks up many values, or beginnings of values, in an index at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import F, Model

from licenses.models import License
from orders.models import Order
from orders.search_keys import name_key, number_ending, postcode_key, surname_key
from refunds.models import CashbackClaim, Return, Swap, Withdrawal
from support.models import Thread

HIGHEST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True)
class Index:
    """An expression with an index that compares texts byte by byte. `condition` is that of a partial index."""

    model: type[Model]
    expression: Any
    condition: str = "TRUE"
    is_pattern_index: bool = False  # compares with PostgreSQL's operators for patterns

    def equal(self, values: Iterable[str], each: int, limit: int) -> list[int]:
        """Return the ids of rows that have one of the values, at most `each` for one value."""
        values = list(dict.fromkeys(values))
        return self._probe("{sql} = probe.low", values, values, each, limit) if values else []

    def beginning(self, starts: Iterable[str], each: int, limit: int) -> list[int]:
        """Return the ids of rows whose value begins with one of the texts, at most `each` for one text. The rows of
        the first text come first, sorted by their values.
        """
        lows = list(dict.fromkeys(start for start in starts if start))
        highs = [f"{low}{HIGHEST_CHARACTER}" for low in lows]
        at_least, below = ("~>=~", "~<~") if self.is_pattern_index else (">=", "<")
        condition = f"{{sql}} {at_least} probe.low AND {{sql}} {below} probe.high ORDER BY {{sql}} USING {below}"
        return self._probe(condition, lows, highs, each, limit) if lows else []

    def _probe(self, condition: str, lows: list[str], highs: list[str], each: int, limit: int) -> list[int]:
        sql, table = _sql_of(self), self.model._meta.db_table
        statement = (  # consists of names in this module only
            "SELECT found.id FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS probe(low, high, position)"  # noqa: S608
            f" CROSS JOIN LATERAL (SELECT id FROM {table} WHERE {self.condition}"
            f" AND {condition.format(sql=sql)} LIMIT %s) AS found ORDER BY probe.position LIMIT %s"
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, [lows, highs, each, limit])
            return [row[0] for row in cursor.fetchall()]


@cache
def _sql_of(index: Index) -> str:
    query: Any = index.model._default_manager.all().query
    compiler = query.get_compiler(DEFAULT_DB_ALIAS)
    sql, parameters = compiler.compile(index.expression.resolve_expression(query))
    assert not parameters  # an index has none
    return str(sql).replace("%", "%%")


NUMBER = Index(Order, F("number_key"), is_pattern_index=True)
NUMBER_ENDING = Index(Order, number_ending())
ADDRESS = Index(Order, F("email_key"), is_pattern_index=True)
NAME = Index(Order, name_key(), "billing_name > ''")
SURNAME = Index(Order, surname_key(), "billing_name > ''")
POSTCODE = Index(Order, postcode_key(), "billing_postcode > ''")
SERIAL = Index(License, F("serial_key"), is_pattern_index=True)
THREAD_ADDRESS = Index(Thread, F("email_key"))
REFERENCES = {
    model: Index(model, F("reference")) for model in (Return, Withdrawal, Swap, CashbackClaim, Thread)
}  # only for equal values
