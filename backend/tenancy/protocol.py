"""One statement per message: the cursor of the app login never uses PostgreSQL's simple protocol.

psycopg sends a statement without bound values by the simple protocol, which takes `...; set role other; select ...`. In
a pipeline it uses the extended protocol, and the server itself refuses more than one statement (42601).
"""

import re
from typing import Any

from psycopg import AsyncCursor, ProgrammingError, sql
from psycopg.abc import Query
from psycopg.pq import TransactionStatus

# A placeholder of psycopg's, not a doubled percent sign: with at least one, a value goes along.
_PLACEHOLDER = re.compile(r"(?<!%)(?:%%)*%[(sbt]")


class OneStatementCursor(AsyncCursor[Any]):
    """A cursor whose every statement goes by the extended protocol (`executemany`, `stream` and named ones do)."""

    async def execute(self, query: Any, params: Any = None, **options: Any) -> Any:  # noqa: ANN401 - psycopg's overloads
        """Send one statement. Raises psycopg's SyntaxError (42601) for several; closes the connection when in doubt."""
        if params and isinstance(query, str) and _PLACEHOLDER.search(query):
            return await super().execute(query, params, **options)
        try:
            async with self.connection.pipeline():
                await super().execute(query, params, **options)
        except BaseException:
            # A server's refusal leaves the transaction INERROR; anything else may leave half a pipeline behind.
            if self.connection.info.transaction_status != TransactionStatus.INERROR:
                await self.connection.close()
            raise
        return self

    def copy(self, statement: Query, params: Any = None, **options: Any) -> Any:  # noqa: ANN401 - psycopg's types
        """Begin a COPY, which psycopg sends by the simple protocol only. Raises ProgrammingError if it holds a ';'."""
        if ";" in _text(statement, self.connection):
            message = "COPY takes one statement, and no semicolon in it: bind values instead"
            raise ProgrammingError(message)
        return super().copy(statement, params, **options)


def _text(statement: Query, connection: Any) -> str:  # noqa: ANN401 - either kind of connection
    if isinstance(statement, bytes):
        return statement.decode()
    return statement.as_string(connection) if isinstance(statement, sql.Composable) else str(statement)
