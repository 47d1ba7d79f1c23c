"""What is promised of each route: 95 % of its requests within so many seconds (docs/observability.md)."""

P95_SECONDS = 0.3
# Long work that its users wait for knowingly, and hashing a password, which is slow on purpose.
_OTHERS = {
    "/api/v1/imports/season": 5.0,
    "/api/v1/auth/login": 0.5,
    "/api/v1/auth/register": 0.5,
    "/api/v1/companies": 0.5,
}


def p95_target_seconds(route: str) -> float:
    """Return the target of a route's template, in seconds."""
    return _OTHERS.get(route, P95_SECONDS)
