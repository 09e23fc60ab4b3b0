"""The two signals. Both carry `sender` (the model), `pk`, `using`, `from_status`, `to_status`,
`outcome`, `generation`, `attempt`, `actor`, `source` and `reason`."""

from __future__ import annotations

from django.dispatch import Signal

__all__ = ["job_transition_refused", "job_transitioned"]

job_transitioned = Signal()
"""Sent after commit, at most once for every transition that was applied, by its winner only.

A receiver that raises is logged, and undoes nothing. `from_status` is empty where a later write
hid the row's earlier status before the signal could read it.
"""

job_transition_refused = Signal()
"""Sent when a guarded write was refused; `from_status` is what the row said then."""
