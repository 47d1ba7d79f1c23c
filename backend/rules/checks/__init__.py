"""One module per kind of window; each yields the findings of one person."""
