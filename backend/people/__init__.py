"""A company's directory: its trades (jobs) and its people, with or without an account."""
