"""What the import answers."""

from typing import Annotated

from pydantic import Field

from backend.core.schemas import Body

Rows = Annotated[int, Field(ge=0, examples=[40])]
None_ = Annotated[int, Field(ge=0, examples=[0])]


class FileCounts(Body):
    """What became of the rows of one file."""

    created: Rows
    updated: None_
    unchanged: None_
    kept: Annotated[int, Field(ge=0, examples=[0], description="Rows that differ, left as an act in Filage made them.")]
    absent: Annotated[int, Field(ge=0, examples=[0], description="The company's rows that the file lacks: they stay.")]


Findings = Annotated[
    dict[str, int],
    Field(
        examples=[{"HARD": 32, "DEROG": 26, "WARN": 27, "INFO": 139}],
        description="What the law says of the company's whole planning afterwards, by severity: it refuses nothing.",
    ),
]


class ImportReport(Body):
    """What an import did, or, with `dry_run`, would do; by file name."""

    dry_run: Annotated[bool, Field(examples=[False])]
    files: Annotated[
        dict[str, FileCounts],
        Field(examples=[{"people.csv": {"created": 40, "updated": 0, "unchanged": 0, "kept": 0, "absent": 0}}]),
    ]
    warnings: Annotated[
        list[str],
        Field(examples=[["La colonne « slug » de company.csv est ignorée."]], description="They refuse nothing."),
    ]
    findings: Findings
