"""Chaos: jobs are worked on while everything around them is killed, and every job's history is audited afterwards.

`python -m tests.chaos` starts a PostgreSQL, a Redis and Celery workers of its own.
"""
