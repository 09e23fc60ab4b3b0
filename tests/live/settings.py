"""Settings of the live workers: the suite's own, on the databases that the suite made for itself."""

from __future__ import annotations

import json
import os
from datetime import timedelta

from tests.settings import *  # noqa: F403

DATABASES = json.loads(os.environ["LIVE_DATABASES"])

JOBSTATE = {name: timedelta(seconds=value) for name, value in json.loads(os.environ["LIVE_DURATIONS"]).items()}

# Kept open on purpose: a connection that died between two jobs has to be noticed by jobstate, not by its age.
for database in DATABASES.values():
    database["CONN_MAX_AGE"] = None
