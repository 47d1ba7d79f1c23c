"""What is promised of each route: 95 % of its requests within so many seconds (docs/observability.md).

The API, the pages of companies and those of a person are promised; the rules of Prometheus name the same routes.
"""

P95_SECONDS = 0.3
# Long work that its users wait for knowingly, and hashing a password, which is slow on purpose.
_OTHERS = {
    "/api/v1/imports/season": 5.0,
    "/c/{slug}/setup/import": 5.0,
    "/api/v1/auth/login": 0.5,
    "/api/v1/auth/register": 0.5,
    "/api/v1/companies": 0.5,
}


def is_promised(route: str) -> bool:
    """Tell whether anything is promised of a route's template."""
    return route == "/me" or route.startswith(("/api/", "/c/", "/me/"))


def p95_target_seconds(route: str) -> float:
    """Return the target of a route's template, in seconds."""
    return _OTHERS.get(route, P95_SECONDS)
