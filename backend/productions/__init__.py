"""What a company plays and where: productions and venues."""
