"""The `filage` command: what an operator types."""
