"""Errors as text that every database can store."""

from __future__ import annotations

import traceback

__all__ = ["storable_error"]

_LIMIT = 20_000


def storable_error(error: BaseException | str) -> str:
    """The error as text without NUL or lone surrogates, at most 20,000 characters long.

    An exception reads as its own line first, then its traceback.
    """
    text = error if isinstance(error, str) else _described(error)
    clean = text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
    if len(clean) <= _LIMIT:
        return clean
    note = f"… ({len(clean):,} characters in all)"
    return clean[: _LIMIT - len(note)] + note


def _described(error: BaseException) -> str:
    headline = "".join(traceback.format_exception_only(error)).strip()
    if error.__traceback__ is None:
        return headline
    return headline + "\n\n" + "".join(traceback.format_exception(error))
