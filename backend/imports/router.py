"""Routes of `/imports/season` and `/exports/*.csv`."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.exceptions import HTTPException

from backend.core.languages import language_of
from backend.identity.access import AsExporter, AsPlanner
from backend.imports import exports, receiving, refusals, service
from backend.imports.domain.columns import FILES
from backend.imports.receiving import FIELD
from backend.imports.schemas import ImportReport
from backend.planning.probing import unhurried
from backend.tenancy.idempotency import AnswerRoute

router = APIRouter(route_class=AnswerRoute, tags=["import"])

_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {
                        FIELD: {
                            "type": "array",
                            "description": f"One part per file, by file name: {', '.join(FILES)}.",
                            "items": {"type": "string", "format": "binary"},
                        }
                    },
                }
            }
        },
    }
}


class CsvResponse(Response):
    """A CSV file in UTF-8."""

    media_type = "text/csv"


@router.post("/imports/season", summary="Import a season", openapi_extra=_FORM, dependencies=[Depends(unhurried)])
async def import_season(
    act: AsPlanner,
    request: Request,
    dry_run: Annotated[bool, Query(description="Do it all, answer, and take it back.", examples=[False])] = False,
) -> ImportReport:
    """All or nothing; the same files again change nothing, and a row that they lack is never deleted.

    422 `import_rejected` lists every bad row in `errors`: `file`, `line`, `column`, `msg`, `code`; `more` counts those
    beyond the first 200.
    """
    language = language_of(request)
    report = await service.import_season(
        act, await _files(request, act.company.slug), dry_run=dry_run, language=language
    )
    request.app.state.directory.forget(act.company.slug)
    return report


@router.get("/exports/{file}", summary="Export one file of the season", response_class=CsvResponse)
async def export_file(
    act: AsExporter,
    file: Annotated[str, Path(examples=["people.csv"], json_schema_extra={"enum": list(FILES)})],
    bom: Annotated[bool, Query(description="Begin with a BOM, as spreadsheets like it.", examples=[False])] = False,
) -> CsvResponse:
    """As the season is imported: UTF-8, comma, one header line; cells that a spreadsheet would run are guarded."""
    text = await exports.export_file(act, file, bom=bom)
    return CsvResponse(text, headers={"Content-Disposition": f'attachment; filename="{act.company.slug}-{file}"'})


async def _files(request: Request, slug: str) -> dict[str, bytes]:
    """Read the parts of the form: each is one file of the season, and each file is there once."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise refusals.not_multipart()
    try:
        form = await request.form()
    except HTTPException as error:
        if error.status_code != HTTPStatus.BAD_REQUEST:
            raise
        raise refusals.unreadable_form() from error
    return await receiving.read_files(form.multi_items(), slug)
