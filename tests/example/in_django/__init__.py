"""Tests that Django's runner runs with the settings of the example; pytest does not collect them."""
