"""Working-time law over a planning: pure functions on dataclasses; knows no database, no clock and no settings."""
