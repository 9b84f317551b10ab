"""Questions that every page asks, with their SQL made once.

For a page's small questions the ORM takes several times as long to make the SQL as PostgreSQL takes
to answer it. So a question is written as a queryset, as everywhere, compiled at its first asking, and
then asked with other values. A column added to a model is in it by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import connection, models

Row = TypeVar("Row", bound=models.Model)


@dataclass(frozen=True)
class _Compiled(Generic[Row]):
    model: type[Row]
    sql: str
    # What stands at each placeholder: the number of a value, or what the queryset itself says there.
    slots: list[tuple[int | None, Any]]
    columns: list[str]
    converters: list[tuple[int, list[Any], Any]]  # column's place, functions, expression


class AskedOften(Generic[Row]):
    """A queryset of whole rows, as a function of its values.

    `question` makes the queryset; `samples` are values of the right types, each unlike all others in
    it, by which the places of the values are known. The queryset joins nothing: two short statements
    are quicker than the planning of a join.
    """

    def __init__(self, question: Callable[..., models.QuerySet[Row]], *samples: Any) -> None:
        self._question = question
        self._samples = samples
        self._compiled: _Compiled[Row] | None = None

    def __call__(self, *values: Any) -> list[Row]:
        """The rows for these values, which stand where the samples stood. One query."""
        compiled = self._compiled = self._compiled or self._compile()
        parameters = [fixed if number is None else values[number] for number, fixed in compiled.slots]
        with connection.cursor() as cursor:
            cursor.execute(compiled.sql, parameters)
            rows = [self._converted(compiled, row) for row in cursor.fetchall()]
        return [compiled.model.from_db(connection.alias, compiled.columns, row) for row in rows]

    def _compile(self) -> _Compiled[Row]:
        queryset = self._question(*self._samples)
        compiler = queryset.query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        columns = [column for column, _sql, _alias in compiler.select]
        return _Compiled(
            model=queryset.model,
            sql=sql,
            slots=[
                (self._samples.index(parameter), None) if parameter in self._samples else (None, parameter)
                for parameter in parameters
            ],
            columns=[column.target.attname for column in columns],
            converters=[
                (place, functions, column) for place, (functions, column) in compiler.get_converters(columns).items()
            ],
        )

    @staticmethod
    def _converted(compiled: _Compiled[Row], row: tuple[Any, ...]) -> tuple[Any, ...] | list[Any]:
        if not compiled.converters:
            return row
        values = list(row)
        for place, functions, column in compiled.converters:
            for function in functions:
                values[place] = function(values[place], column, connection)
        return values
