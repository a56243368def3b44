"""Statements of the hot paths, composed once and prepared on the server.

A screen's read and the writes of a call's event happen several times per call, and for them composing SQL from a
queryset cost more than all the rest: 5 ms of 10 in Python, and 2 ms of planning in PostgreSQL. What is here runs the
same SQL as the ORM would, on the connection (and in the transaction) that the ORM would use, and gives the same
objects. Elsewhere the ORM itself is the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Generic, TypeVar

import psycopg
from django.db import connection
from django.db.models import Field, Model, QuerySet
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=Model)


def run(sql: str, params: Sequence[Any] | Mapping[str, Any], *, binary: bool = False) -> psycopg.Cursor[Any]:
    """Execute a statement that never changes (psycopg's placeholders) with these values, prepared.

    `binary`: rows come in PostgreSQL's binary form, for those with much in them. Raises django.db's errors.
    """
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    if connection.queries_logged:  # so that tests that count queries count these too
        connection.queries_log.append({"sql": sql, "time": "0"})
    with connection.wrap_database_errors, _preparing(connection.connection):
        cursor = psycopg.Cursor(connection.connection)
        try:
            return cursor.execute(sql.encode(), params, prepare=True, binary=binary)
        except psycopg.errors.FeatureNotSupported:
            # A migration changed a table since it was prepared here ("cached plan must not change result type").
            if connection.in_atomic_block:
                raise
            return cursor.execute(sql.encode(), params, prepare=False, binary=binary)


@contextmanager
def _preparing(raw: psycopg.Connection[Any]) -> Iterator[None]:
    """Let this connection prepare, for as long as it takes to send one statement.

    While it may, psycopg counts whatever runs: it keeps the last hundred of the ORM's statements, values and all, on
    every connection, although none of those is ever prepared.
    """
    raw.prepare_threshold = 0
    try:
        yield
    finally:
        raw.prepare_threshold = None


@contextmanager
def together() -> Iterator[None]:
    """Send statements whose answer nobody reads without waiting for the one before; the commit waits for them all.

    An error among them is raised by the next statement that is read, or by the commit. Use it around a transaction
    whose first statement is read: before that psycopg does not know that there is something to commit.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


def commit_lazily() -> None:
    """Let the current transaction's commit not wait for the disk: a crash of the database may lose the last moments.

    For what is found out again by itself, or does no harm when it happens twice. Order is kept: whatever is committed
    later, and waited for, takes this with it.
    """
    run("SET LOCAL synchronous_commit TO off", [])


class Read(Generic[M]):
    """A queryset whose only changing parts are a few values.

    `build` is called once, with `samples`: values of the right types that occur nowhere else in the query.
    """

    def __init__(self, build: Callable[..., QuerySet[M]], *samples: Any) -> None:
        self._build, self._samples = build, samples
        self._compiled: _Compiled[M] | None = None

    def all(self, *values: Any) -> list[M]:
        """The objects of the query with these values in the samples' places."""
        if self._compiled is None:
            self._compiled = _Compiled(self._build(*self._samples), self._samples)
        return self._compiled.fetch(values)

    def first(self, *values: Any) -> M | None:
        """The first of them, or None; say in the query that one is enough."""
        return next(iter(self.all(*values)), None)


class _Compiled(Generic[M]):
    """The SQL of a queryset and how to make objects of its rows; as django.db.models.query.ModelIterable does."""

    def __init__(self, queryset: QuerySet[M], samples: Sequence[Any]) -> None:
        compiler = queryset.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        if missing := [sample for sample in samples if sample not in params]:
            raise ValueError(f"The query does not use {missing}.")
        self._sql = sql
        # Every parameter is a constant of the query, or takes the value at this place.
        self._params = [(param, samples.index(param) if param in samples else None) for param in params]
        selected = compiler.klass_info["select_fields"]
        self._own = slice(selected[0], selected[-1] + 1)
        self._names = [column[0].target.attname for column in compiler.select[self._own]]
        self._model: type[M] = compiler.klass_info["model"]
        self._related = get_related_populators(compiler.klass_info, compiler.select, connection.alias)  # type: ignore[call-arg]  # the stubs tell of Django 6
        self._annotations = compiler.annotation_col_map or {}
        self._compiler = compiler
        self._converters = compiler.get_converters([column[0] for column in compiler.select])

    def fetch(self, values: Sequence[Any]) -> list[M]:
        rows: Any = run(self._sql, [param if place is None else values[place] for param, place in self._params])
        if self._converters:
            rows = self._compiler.apply_converters(rows, self._converters)
        return [self._object(row) for row in rows]

    def _object(self, row: Sequence[Any]) -> M:
        made = self._model.from_db(connection.alias, self._names, row[self._own])
        for related in self._related:
            related.populate(row, made)
        for name, place in self._annotations.items():
            setattr(made, name, row[place])
        return made


def lock(model: type[M], key: Any) -> M | None:
    """The row of a primary key, whole and locked; None when there is none.

    NO KEY: rows that only refer to it may be written meanwhile.
    """
    sql, names = _locking(model)
    row = run(sql, [key]).fetchone()
    return None if row is None else model.from_db(connection.alias, names, row)


@cache
def _locking(model: type[Model]) -> tuple[str, list[str]]:
    fields = model._meta.concrete_fields
    columns = ", ".join(_column(field) for field in fields)
    table, key = _names(model)
    return f"SELECT {columns} FROM {table} WHERE {key} = %s FOR NO KEY UPDATE", [field.attname for field in fields]  # noqa: S608


def update(row: Model, names: tuple[str, ...]) -> None:
    """Write these fields of a row that is there; what Model.save(update_fields=…) does, without its signals."""
    sql, fields = _updating(type(row), names)
    run(sql, [*_values(row, fields, adding=False), row.pk])


@cache
def _updating(model: type[Model], names: tuple[str, ...]) -> tuple[str, list[Field[Any, Any]]]:
    fields: list[Field[Any, Any]] = [model._meta.get_field(name) for name in names]  # type: ignore[misc]
    settings = ", ".join(f"{_column(field)} = %s" for field in fields)
    table, key = _names(model)
    return f"UPDATE {table} SET {settings} WHERE {key} = %s", fields  # noqa: S608


def insert(row: Model) -> None:
    """Add a row. What the database fills in by itself is left to it, and not read back: not even the key."""
    sql, fields = _inserting(type(row))
    run(sql, _values(row, fields, adding=True))


@cache
def _inserting(model: type[Model]) -> tuple[str, list[Field[Any, Any]]]:
    table, _ = _names(model)
    left_out = model._meta.auto_field
    fields = [
        field
        for field in model._meta.concrete_fields
        if field is not left_out and not field.generated and not field.has_db_default()
    ]
    columns = ", ".join(_column(field) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    return f"INSERT INTO {table} ({columns}) VALUES ({places})", fields  # noqa: S608


def _names(model: type[Model]) -> tuple[str, str]:
    pk = model._meta.pk
    assert pk is not None
    return connection.ops.quote_name(model._meta.db_table), _column(pk)


def _column(field: Field[Any, Any]) -> str:
    assert field.column is not None
    return connection.ops.quote_name(field.column)


def _values(row: Model, fields: Sequence[Field[Any, Any]], *, adding: bool) -> list[Any]:
    return [field.get_db_prep_save(field.pre_save(row, adding), connection) for field in fields]
