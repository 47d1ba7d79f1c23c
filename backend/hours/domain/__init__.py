"""Decisions of the counter: pure functions over dataclasses."""
