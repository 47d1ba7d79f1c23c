"""The HTTP surface: routers under /api/v1, health, errors as problem documents, and the OpenAPI document."""
