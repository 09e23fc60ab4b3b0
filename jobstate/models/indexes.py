"""The index from which waiting jobs are taken."""

from __future__ import annotations

from typing import Any

from django.db import models

from jobstate.states import JobState

__all__ = ["WaitingIndex"]


class WaitingIndex(models.Index):
    """The waiting jobs alone, the most urgent first, then the oldest.

    Its size follows the queue and not the table. Where the database has no partial indexes it holds
    every row, by status first.
    """

    max_name_length = 60  # Oracle's 30 would be too short for the name of an app and a model

    def __init__(self, *, name: str, fields: Any = ("-priority", "created", "pk")) -> None:
        super().__init__(name=name, fields=list(fields))

    def keyed_by(self, key: str) -> WaitingIndex:
        """The same, with the primary key by its own name: an abstract model does not know it yet."""
        return WaitingIndex(name=self.name, fields=[key if name == "pk" else name for name in self.fields_as_given])

    @property
    def fields_as_given(self) -> list[str]:
        """The fields, with a minus before those in descending order."""
        return [f"-{name}" if order else name for name, order in self.fields_orders]

    def create_sql(self, model: type[models.Model], schema_editor: Any, using: str = "", **kwargs: Any) -> Any:
        if schema_editor.connection.features.supports_partial_indexes:
            return super().create_sql(model, schema_editor, using, **kwargs)
        whole = models.Index(name=self.name, fields=["status", *self.fields])
        return whole.create_sql(model, schema_editor, using, **kwargs)

    def _get_condition_sql(self, model: type[models.Model], schema_editor: Any) -> str:
        waiting = models.Index(
            name=self.name,
            fields=self.fields,
            condition=models.Q(status__in=sorted(JobState.claimable_states())),
        )
        condition: str = waiting._get_condition_sql(model, schema_editor)  # type: ignore[attr-defined]
        return condition


def _fit_to_the_model(sender: type[models.Model], **kwargs: Any) -> None:
    """Name the primary key; and a multi-table child inherits the abstract Meta, but not the columns."""
    own = {field.name for field in sender._meta.local_fields}
    kept = [index for index in sender._meta.indexes if not isinstance(index, WaitingIndex) or "priority" in own]
    if sender._meta.pk is not None:
        key = sender._meta.pk.name
        sender._meta.indexes = [index.keyed_by(key) if isinstance(index, WaitingIndex) else index for index in kept]


models.signals.class_prepared.connect(_fit_to_the_model)
