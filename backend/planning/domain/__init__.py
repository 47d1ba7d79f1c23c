"""Decisions of the planning, pure: no database, no clock, no settings."""
