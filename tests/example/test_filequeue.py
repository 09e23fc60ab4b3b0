"""The queue of files: a reader never sees half a message."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from kombu import Connection


def connect(folder: Path) -> Connection:
    """A connection of its own to the queue in `folder`."""
    places = dict.fromkeys(("data_folder_in", "data_folder_out", "control_folder"), str(folder))
    options = places | {"store_processed": False}
    return Connection("filesystem://", transport="example_project.filequeue:Transport", transport_options=options)


@pytest.fixture
def name() -> str:
    """A queue's name, new for every test: a process remembers the queues that it has bound."""
    return uuid4().hex


def test_what_one_puts_another_gets_in_order(tmp_path: Path, name: str) -> None:
    with connect(tmp_path) as here, connect(tmp_path) as there:
        writer, reader = here.SimpleQueue(name), there.SimpleQueue(name)

        for number in range(20):
            writer.put({"number": number})

        assert [reader.get(block=False).payload["number"] for _ in range(20)] == list(range(20))
        with pytest.raises(reader.Empty):
            reader.get(block=False)


def test_a_message_is_not_seen_before_it_is_whole(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    rename = Path.rename

    def look_first(path: Path, target: Path) -> Path:
        with pytest.raises(reader.Empty):
            reader.get(block=False)
        looked.append(path.read_text())
        return rename(path, target)

    with connect(tmp_path) as here, connect(tmp_path) as there:
        writer, reader = here.SimpleQueue(name), there.SimpleQueue(name)
        monkeypatch.setattr(Path, "rename", look_first)

        writer.put({"number": 1})

        assert len(looked) == 1
        assert looked[0].endswith("}")
        assert reader.get(block=False).payload == {"number": 1}
