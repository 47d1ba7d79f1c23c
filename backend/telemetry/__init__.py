"""What an operator sees: logs, traces and metrics of every request. No business, no personal data."""
