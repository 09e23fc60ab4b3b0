"""The two signals. Both carry `sender` (the model), `pk`, `using`, `from_status`, `to_status`,
`outcome`, `generation`, `attempt`, `actor`, `source` and `reason`; a refusal also `where`."""

from __future__ import annotations

from django.dispatch import Signal

__all__ = ["job_transition_refused", "job_transitioned"]

job_transitioned = Signal()
"""Sent after commit, at most once for every transition that was applied, by its winner only.

A receiver that raises is logged, and undoes nothing. `from_status` is empty and `attempt` None where
the database could not tell: off PostgreSQL without history, or when a later write hid a change whose
acknowledgement was lost.
"""

job_transition_refused = Signal()
"""Sent when a guarded write was refused; `from_status` is what the row said then.

`where` is "claim" if somebody asked for the job in order to run it, a redelivered message for instance, and
"finish" for every other write.
"""
