"""`python -m example_project.demo`: one census is cancelled, one loses its worker, and all is checked."""
