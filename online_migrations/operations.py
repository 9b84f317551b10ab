"""Migration operations for large tables. Reading and writing go on while they run.

PostgreSQL builds an index concurrently only outside a transaction, so their migration has `atomic = False`. If it is
interrupted, some of its indexes exist and the one in work is left behind, invalid. `migrate` then runs the whole
migration again. These operations skip what is finished and build an invalid index anew.
"""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import NotSupportedError
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Index, UniqueConstraint

_IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(quote_ident(%s))"


class BuildIndex(AddIndexConcurrently):
    """Django's AddIndexConcurrently, which can run again after an interruption."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            _build(schema_editor, model, self.index)


class _ConcurrentOperation(Operation):
    atomic = False

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    @property
    def _model_key(self) -> str:
        return self.model_name.lower()

    def references_model(self, name: str, app_label: str) -> bool:
        return name.lower() == self._model_key


class ReplaceIndex(_ConcurrentOperation):
    """Replace an index, or a unique constraint that is one (with opclasses or a condition), by one of the same name.

    The new one is built with another name first, so that lookups always have an index and a unique key is always
    guarded. The old one may also be a constraint of the table.
    """

    def __init__(self, model_name: str, index: Index | UniqueConstraint) -> None:
        super().__init__(model_name)
        self.index = index

    def describe(self) -> str:
        return f"Concurrently replace index {self.index.name} of model {self.model_name}"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        if isinstance(self.index, Index):
            state.remove_index(app_label, self._model_key, self.index.name)
            state.add_index(app_label, self._model_key, self.index)
        else:
            state.remove_constraint(app_label, self._model_key, self.index.name)
            state.add_constraint(app_label, self._model_key, self.index)

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        new = self.index.clone()
        new.name = f"{self.index.name}_new"
        _build(schema_editor, model, new)
        quote = schema_editor.quote_name
        if not isinstance(self.index, Index):
            table = quote(model._meta.db_table)
            schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {quote(self.index.name)}")
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {quote(self.index.name)}")
        schema_editor.execute(f"ALTER INDEX IF EXISTS {quote(new.name)} RENAME TO {quote(self.index.name)}")

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Not concurrently: the old constraint may be one of the table."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(self.index.name)}")
        before = to_state.models[app_label, self._model_key]
        if isinstance(self.index, Index):
            schema_editor.add_index(model, before.get_index_by_name(self.index.name))
        else:
            schema_editor.add_constraint(model, before.get_constraint_by_name(self.index.name))


class IndexForeignKey(_ConcurrentOperation):
    """Build the index of a foreign key that was added with `db_index=False`, which is then its default again."""

    def __init__(self, model_name: str, name: str) -> None:
        super().__init__(model_name)
        self.name = name

    def describe(self) -> str:
        return f"Concurrently create the index of foreign key {self.name} of model {self.model_name}"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        field = state.models[app_label, self._model_key].fields[self.name].clone()
        field.db_index = True
        state.alter_field(app_label, self._model_key, self.name, field, preserve_default=True)

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            _build(schema_editor, model, self._index(model))

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.remove_index(model, self._index(model), concurrently=True)

    def _index(self, model: Any) -> Index:
        index = Index(fields=[self.name])
        index.set_name_with_model(model)
        return index


def _build(schema_editor: Any, model: Any, index: Index | UniqueConstraint) -> None:
    """Build the index, unless it exists and is valid. In `sqlmigrate`, always."""
    if schema_editor.connection.in_atomic_block and not schema_editor.collect_sql:
        raise NotSupportedError("An index can't be built concurrently in a transaction: set atomic = False.")
    is_valid = None if schema_editor.collect_sql else _is_valid(schema_editor, index.name)
    if is_valid:
        return
    if is_valid is False:
        schema_editor.execute(f"DROP INDEX CONCURRENTLY {schema_editor.quote_name(index.name)}")
    created = str(index.create_sql(model, schema_editor))
    if not created.startswith("CREATE "):
        raise ValueError(f"{index.name} is a constraint of the table, not an index. Give it opclasses or a condition.")
    # A unique constraint can't be asked for this, and neither of them for IF NOT EXISTS.
    concurrently = created.replace("INDEX ", "INDEX CONCURRENTLY IF NOT EXISTS ", 1)
    schema_editor.execute(concurrently, params=None)


def _is_valid(schema_editor: Any, name: str) -> bool | None:
    """Whether the index is complete. None if there is no such index."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_IS_VALID, [name])
        row = cursor.fetchone()
    return None if row is None else row[0]
