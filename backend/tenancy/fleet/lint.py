"""Refuses revisions that would stop a company's work or break the code in service: a reading of their rendered SQL.

Rules are about tables that exist: what a revision makes itself may be made in any way. A contracting release waives a
rule in its module: `WAIVED = {"drop-column": "why nobody misses it"}`; the reason is read at review.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_FLAGS = re.IGNORECASE | re.DOTALL
_NAME = r'(?:IF EXISTS |IF NOT EXISTS |ONLY )*(?:"?\w+"?\.)?"?(?P<table>\w+)"?'
_MADE = re.compile(rf"CREATE (?:UNLOGGED )?TABLE {_NAME}", _FLAGS)
_ACTIONS = re.compile(r",\s*(?=(?:ADD|DROP|ALTER|RENAME)\b)", _FLAGS)
_EXPAND = "Expand first: add the new thing, let a release write both, and drop the old one a release later."


@dataclass(frozen=True, slots=True)
class Rule:
    """What is forbidden, and what to write instead."""

    code: str
    pattern: re.Pattern[str]
    advice: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A statement that breaks a rule."""

    code: str
    statement: str
    advice: str

    def __str__(self) -> str:
        """Return the finding in one line."""
        return f"{self.code}: {self.statement}  ({self.advice})"


def _alter(code: str, action: str, advice: str) -> Rule:
    return Rule(code, re.compile(rf"ALTER TABLE {_NAME} {action}", _FLAGS), advice)


RULES = (
    _alter(
        "not-null-without-default",
        r"ADD (?:COLUMN )?(?!CONSTRAINT)(?!.*\bDEFAULT\b).*\bNOT NULL",
        "Rows exist: give a constant server_default, or add it empty and fill it in a later release.",
    ),
    _alter(
        "volatile-default",
        r"ADD (?:COLUMN )?.*\bDEFAULT (?:gen_random_uuid|random|clock_timestamp|nextval|uuidv[47])",
        "Each row would be written anew under an exclusive lock: add it empty and fill it in batches.",
    ),
    _alter("set-not-null", r"ALTER (?:COLUMN )?\S+ SET NOT NULL", "Add a CHECK (... IS NOT NULL) NOT VALID first."),
    _alter("type-change", r"ALTER (?:COLUMN )?\S+ (?:SET DATA )?TYPE ", f"It rewrites the table. {_EXPAND}"),
    _alter("drop-column", r"DROP (?:COLUMN )?(?!CONSTRAINT)", f"The code in service reads it. {_EXPAND}"),
    _alter("rename", "RENAME ", f"The code in service uses the old name. {_EXPAND}"),
    _alter(
        "foreign-key-validated",
        r"ADD (?:CONSTRAINT \S+ )?FOREIGN KEY\b(?!.*\bNOT VALID)",
        "Add it NOT VALID, and validate it in a later revision: both tables stay open.",
    ),
    _alter(
        "check-validated",
        r"ADD (?:CONSTRAINT \S+ )?CHECK\b(?!.*\bNOT VALID)",
        "Add it NOT VALID, and validate it in a later revision.",
    ),
    _alter(
        "unique-constraint",
        r"ADD (?:CONSTRAINT \S+ )?(?:UNIQUE|PRIMARY KEY|EXCLUDE)\b(?!.*\bUSING INDEX)",
        "It builds its index under an exclusive lock: make a unique index in AFTERWARDS.",
    ),
    Rule("drop-table", re.compile(rf"DROP TABLE {_NAME}", _FLAGS), f"The code in service reads it. {_EXPAND}"),
    Rule(
        "index-not-concurrent",
        re.compile(rf"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).*? ON {_NAME}", _FLAGS),
        "Writers wait while it is built: put it into AFTERWARDS, which makes it CONCURRENTLY.",
    ),
    Rule(
        "not-portable",
        re.compile(r"CREATE (?:TYPE|TRIGGER|DOMAIN)|GENERATED (?:ALWAYS|BY DEFAULT) AS IDENTITY", _FLAGS),
        "Citus and SQLite have no such thing in a company's schema.",
    ),
    Rule(
        "names-a-schema",
        re.compile(r"(?:TABLE|INTO|UPDATE|REFERENCES|FROM) \"?(?:shared|public|t_\d+)\"?\.", _FLAGS),
        "A company's revision names no schema: the search path holds its own alone.",
    ),
    Rule("ends-transaction", re.compile(r"^(?:COMMIT|ROLLBACK|BEGIN)$", _FLAGS), "Use AFTERWARDS for indexes."),
)


def findings(sql: str, waived: Mapping[str, str] | None = None) -> list[Finding]:
    """Return what in `sql` breaks a rule that is not waived."""
    statements = list(_statements(sql))
    made = {match["table"].lower() for statement in statements if (match := _MADE.match(statement))}
    return [
        Finding(rule.code, " ".join(statement.split())[:120], rule.advice)
        for statement in statements
        for rule in RULES
        if rule.code not in (waived or {}) and _breaks(rule, statement, made)
    ]


def _breaks(rule: Rule, statement: str, made: set[str]) -> bool:
    found = rule.pattern.search(statement) if rule.code == "names-a-schema" else rule.pattern.match(statement)
    return found is not None and found.groupdict().get("table", "").lower() not in made


def _statements(sql: str) -> Iterable[str]:
    """Yield each statement; one ALTER TABLE with several actions comes as several."""
    without_comments = re.sub(r"^\s*--.*$", "", sql, flags=re.MULTILINE)
    for part in without_comments.split(";"):
        statement = part.strip()
        head = re.match(rf"ALTER TABLE {_NAME} ", statement, _FLAGS)
        if head is None:
            yield from (statement,) if statement else ()
        else:
            yield from (head[0] + action for action in _ACTIONS.split(statement[head.end() :]))
