"""Pure half of the import and export: bytes to typed rows and back; no database, no clock."""
