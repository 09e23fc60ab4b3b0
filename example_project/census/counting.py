"""Counting Python code: pure functions, which know neither jobs nor the database."""

from __future__ import annotations

import os
import tokenize
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from io import BytesIO
from pathlib import Path

__all__ = ["LEFT_OUT", "Count", "count_directory", "count_file", "python_files"]

LEFT_OUT = frozenset({"__pycache__", "dist-packages", "site-packages", "test", "tests"})
"""Folders that are not part of the library proper."""


@dataclass(frozen=True, slots=True)
class Count:
    """What was found in some files; `files` includes the unreadable ones."""

    files: int = 0
    lines: int = 0
    tokens: int = 0
    unreadable: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(*map(sum, zip(astuple(self), astuple(other), strict=True)))


def python_files(directory: Path) -> list[Path]:
    """Every `.py` file under the directory, in an order that is always the same."""
    return list(_walk(directory))


def _walk(directory: Path) -> Iterator[Path]:
    for folder, subfolders, names in os.walk(directory):
        subfolders[:] = sorted(set(subfolders) - LEFT_OUT)
        yield from (Path(folder, name) for name in sorted(names) if name.endswith(".py"))


def count_file(path: Path) -> Count:
    """Lines and tokens of one file; a file that Python cannot read counts as unreadable."""
    try:
        source = path.read_bytes()
        tokens = sum(1 for _ in tokenize.tokenize(BytesIO(source).readline))
    except (OSError, SyntaxError, ValueError, tokenize.TokenError):  # ValueError: bytes that are no text
        return Count(files=1, unreadable=1)
    return Count(files=1, lines=len(source.splitlines()), tokens=tokens)


def count_directory(directory: Path) -> Count:
    """Count every file under the directory, one after the other."""
    return sum(map(count_file, python_files(directory)), Count())
