"""Decisions about absences: no database, no framework, no clock."""
