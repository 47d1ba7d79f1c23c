"""When people are away: given once by the person for all companies, or recorded by one company for itself."""
