"""Settings, errors, clock, ids, pagination: no business, and nothing of ours is imported here."""
