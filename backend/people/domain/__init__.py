"""What a directory begins with."""
