"""A server of one's own: what an end-to-end test does to its processes, nobody else's tests may notice."""

from tests.migrations.conftest import own_server

__all__ = ["own_server"]
