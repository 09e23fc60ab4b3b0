"""What can be counted: the packages of the standard library, which every machine has."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from django.core.exceptions import ValidationError

__all__ = ["WHOLE", "known_packages", "title_of", "validate_package"]

WHOLE = "stdlib"


def known_packages() -> dict[str, Path]:
    """The folder of each package by name, the whole library first."""
    library = Path(sysconfig.get_path("stdlib"))
    folders = {name: library / name for name in sorted(sys.stdlib_module_names) if name != "test"}
    return {WHOLE: library} | {name: folder for name, folder in folders.items() if (folder / "__init__.py").exists()}


def title_of(package: str) -> str:
    """The package as people read it."""
    return "the whole library" if package == WHOLE else package


def validate_package(package: str) -> None:
    """Refuse whatever is not one of the known packages, paths above all."""
    if package not in known_packages():
        raise ValidationError("There is no package of that name in the standard library.")
