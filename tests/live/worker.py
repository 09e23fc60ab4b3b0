"""The Celery app of a live worker process: `celery -A tests.live.worker worker`."""

from __future__ import annotations

from tests.live.brokers import Broker

app = Broker.of_environment().app("worker")
app.conf.imports = ["tests.live.tasks", "tests.live.observers"]
app.autodiscover_tasks()
