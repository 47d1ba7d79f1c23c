"""The demo: two companies of an invented season."""
