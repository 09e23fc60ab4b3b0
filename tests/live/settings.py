"""Settings of the live workers: the suite's own, on the databases that the suite made for itself."""

from __future__ import annotations

import json
import os

from tests.settings import *  # noqa: F403

DATABASES = json.loads(os.environ["LIVE_DATABASES"])

# Kept open on purpose: a connection that died between two jobs has to be noticed by jobstate, not by its age.
for database in DATABASES.values():
    database["CONN_MAX_AGE"] = None
