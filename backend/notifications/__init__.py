"""Messages to people: what the planning notes for them becomes one mail each, and a log of what became of it."""
