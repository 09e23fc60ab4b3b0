"""The Celery app of every process of the chaos: `celery -A tests.chaos.worker worker`."""

from __future__ import annotations

import json
import os

from celery import Celery

import example_project  # noqa: F401  now, for its Celery app becomes the current one of the thread that imports it

app = Celery("chaos")
app.set_default()
app.conf.update(json.loads(os.environ["CHAOS_CELERY"]))
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    imports=["tests.chaos.tasks"],
    task_ignore_result=True,
    timezone="UTC",
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_lost_wait=1.0,
    worker_prefetch_multiplier=1,
)
