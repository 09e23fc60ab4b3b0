"""A small Django project that shows jobstate at work: a census of Python code."""

from example_project.celery import app as celery_app

__all__ = ["celery_app"]
