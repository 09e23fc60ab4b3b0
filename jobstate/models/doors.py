"""Closed doors of the instance: `save()` never writes a guarded column of an existing row."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from django.db import models, router
from django.utils.timezone import now

from jobstate.models.columns import JobColumns
from jobstate.querysets import close_door, guarded_among
from jobstate.states import JobState
from jobstate.transitions import GUARDED_COLUMNS

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["GuardedModel"]


class GuardedModel(JobColumns):
    """A row whose guarded columns `save()` leaves alone."""

    _loaded: dict[str, Any] | None = None  # the guarded columns as the database gave them

    class Meta(JobColumns.Meta):
        abstract = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        models.signals.pre_save.connect(_complete_fixture, sender=cls)

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **kwargs: Any) -> Self:
        instance = super().from_db(db, field_names, values, **kwargs)
        instance._remember()
        return instance

    def refresh_from_db(
        self, using: str | None = None, fields: Iterable[str] | None = None, from_queryset: Any = None
    ) -> None:
        names = None if fields is None else list(fields)
        super().refresh_from_db(using, names, from_queryset)
        self._remember(names)

    def save(
        self,
        *,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Save the model's own fields.

        A new row may begin in any state. Of an existing row the guarded columns are left out, so
        that a stale instance may save its own fields; GuardedFieldError if one of them was changed.
        """
        if self._loaded is not None and (self.pk is None or self._state.adding):
            self._begin_as_copy()
        alias = using or router.db_for_write(type(self), instance=self)
        if update_fields is None and (self._state.adding or force_insert):
            self._save_new(alias, force_insert, force_update)
        else:
            names = self._own_names() if update_fields is None else self._checked(update_fields)
            super().save(force_insert=force_insert, force_update=force_update, using=alias, update_fields=names)
        self._remember()

    def _save_new(self, alias: str, force_insert: Any, force_update: bool) -> None:
        self._complete_new_row()
        may_exist = self.pk is not None and not force_insert
        if force_update or (may_exist and self._rows(alias).exists()):
            close_door(type(self), GUARDED_COLUMNS, "save() of an instance that was not loaded")
        elif may_exist:
            force_insert = (self._owner(),)  # a row that appears meanwhile is not overwritten
        super().save(force_insert=force_insert, force_update=force_update, using=alias)

    def _own_names(self) -> list[str]:
        changed = self._changed_columns()
        close_door(type(self), changed, "save()")
        left_out = self.get_deferred_fields() | (set(GUARDED_COLUMNS) - changed)
        fields = (f for f in self._meta.concrete_fields if not f.primary_key)
        return [f.name for f in fields if f.attname not in left_out]

    def _checked(self, update_fields: Iterable[str]) -> list[str]:
        names = list(update_fields)
        close_door(type(self), guarded_among(names), "save(update_fields=…)")
        return names

    def _changed_columns(self) -> set[str]:
        loaded, present = self._loaded or {}, self.__dict__
        return {n for n in GUARDED_COLUMNS if n in present and (n not in loaded or loaded[n] != present[n])}

    def _remember(self, names: Iterable[str] | None = None) -> None:
        fresh = GUARDED_COLUMNS if names is None else guarded_among(list(names))
        kept = {} if names is None else (self._loaded or {})
        self._loaded = kept | {name: self.__dict__[name] for name in fresh if name in self.__dict__}

    def _begin_as_copy(self) -> None:
        for field in self._meta.concrete_fields:
            if field.name in GUARDED_COLUMNS:
                setattr(self, field.name, field.get_default())
        self._loaded = None
        self._state.adding = True

    def _complete_new_row(self) -> None:
        if self.status in JobState.final_states() and self.finished_at is None:
            self.finished_at = now()

    @classmethod
    def _owner(cls) -> type[models.Model]:
        """The model whose own table has the status: not the child of a multi-table parent."""
        owner: type[models.Model] = cls._meta.get_field("status").model
        return owner

    def _rows(self, alias: str) -> models.QuerySet[Any]:
        """This job's row on the table that owns the status, past every manager."""
        owner = self._owner()
        own_key = getattr(self, owner._meta.pk.attname)  # not set yet on a child that was never loaded
        return models.QuerySet(owner, using=alias).filter(pk=self.pk if own_key is None else own_key)


def _complete_fixture(instance: GuardedModel, raw: bool, **kwargs: Any) -> None:
    if raw:  # a fixture does not come through save()
        instance._complete_new_row()
