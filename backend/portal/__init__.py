"""A person's own view over all their companies: the only code that visits many tenants, one transaction for each."""
