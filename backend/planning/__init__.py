"""Calls, positions, assignments and the ledger that refuses double bookings."""
