"""The bug, shown: one workload, played on a job with plain `save()` and on a job with JobMixin.

Run it with `python -m example_project.race`. It needs PostgreSQL, and brings its own.
"""
