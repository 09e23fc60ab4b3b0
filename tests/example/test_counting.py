"""Counting is pure: files in, numbers out."""

from __future__ import annotations

from pathlib import Path

import pytest

from example_project.census.counting import Count, count_directory, count_file, python_files


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Two modules, a broken one, and files that are none of ours."""
    for name, source in {
        "one.py": "x = 1\n",
        "sub/two.py": "def f():\n    return 2\n",
        "broken.py": "x = (\n",
        "notes.txt": "x = 1\n",
        "test/of_one.py": "x = 1\n",
        "site-packages/foreign.py": "x = 1\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(source)
    return tmp_path


def test_only_python_files_of_the_library_proper(package: Path) -> None:
    found = [path.relative_to(package).as_posix() for path in python_files(package)]

    assert found == ["broken.py", "one.py", "sub/two.py"]


def test_a_directory_is_the_sum_of_its_files(package: Path) -> None:
    # ENCODING NAME OP NUMBER NEWLINE ENDMARKER, and of two.py
    # ENCODING NAME NAME OP OP OP NEWLINE INDENT NAME NUMBER NEWLINE DEDENT ENDMARKER
    assert count_directory(package) == Count(files=3, lines=3, tokens=6 + 13, unreadable=1)


def test_an_empty_directory_counts_nothing(tmp_path: Path) -> None:
    assert count_directory(tmp_path) == Count()


@pytest.mark.parametrize(
    "source", [b"x = (\n", b"if 1:\n\t x\n  y\n", b"# coding: no-such-coding\n", b'"""open', b"x = '\xff'\n"]
)
def test_what_python_cannot_read_is_counted_as_such(tmp_path: Path, source: bytes) -> None:
    path = tmp_path / "odd.py"
    path.write_bytes(source)

    assert count_file(path) == Count(files=1, unreadable=1)


def test_a_file_that_vanished_is_unreadable(tmp_path: Path) -> None:
    assert count_file(tmp_path / "gone.py") == Count(files=1, unreadable=1)
