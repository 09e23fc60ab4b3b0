"""Renews the leases of a worker's active requests: one batched UPDATE per job model and interval.

Only claims of requests that are active now are renewed. Asking the database for whatever bears this
worker's name would keep a job alive that the worker has long abandoned.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from typing import Any

from celery.worker import state
from django.db import connections
from django.db.models import QuerySet

from jobstate import clock, conf
from jobstate.celery.delivery import Delivery, exited
from jobstate.models import JobMixin
from jobstate.reaper import job_models
from jobstate.transitions import renew_claims

__all__ = ["LeaseRenewer"]

logger = logging.getLogger("jobstate")


class LeaseRenewer(threading.Thread):
    """A thread of the worker's main process. It holds no connection while it waits."""

    def __init__(self) -> None:
        super().__init__(name="jobstate-leases", daemon=True)
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(conf.renew_every(job_models()).total_seconds()):
            self.renew()

    def stop(self) -> None:
        """End the thread before its next round."""
        self._stopped.set()

    def renew(self) -> None:
        """One round. A database that does not answer is tried again in the next one."""
        for (model, using), deliveries in _active().items():
            try:
                _renew(model, using, deliveries)
            except Exception:
                logger.exception("job_leases_not_renewed", extra={"event": "job_leases_not_renewed"})
        connections.close_all()


def _active() -> dict[tuple[type[JobMixin], str], list[Delivery]]:
    gone = set(exited)
    found = [d for request in _requests() if (d := Delivery.of(request.request_dict)) is not None]
    exited.difference_update(gone - {d.token for d in found})
    by_table: dict[tuple[type[JobMixin], str], list[Delivery]] = defaultdict(list)
    for delivery in found:
        if delivery.token and delivery.token not in exited:
            by_table[delivery.model, delivery.using].append(delivery)
    return by_table


def _requests() -> list[Any]:
    while True:
        try:
            return list(state.active_requests)
        except RuntimeError:  # the worker's own thread added one meanwhile
            continue


def _renew(model: type[JobMixin], using: str, deliveries: list[Delivery]) -> None:
    rows: QuerySet[Any] = QuerySet(model._owner(), using=using).filter(pk__in=[d.pk for d in deliveries])
    renew_claims(rows, [d.token for d in deliveries], clock.later(conf.lease(model)))
