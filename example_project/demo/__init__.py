"""`python -m example_project.demo`: a real worker takes censuses, one is cancelled half-way, and all is checked."""
