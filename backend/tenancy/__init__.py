"""The kernel: who is the tenant, which schema, which session. Nothing here knows what a company does."""
