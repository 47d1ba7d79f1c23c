"""Who did what in a company: events are added and read, never changed."""
