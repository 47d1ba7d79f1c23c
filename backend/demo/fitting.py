"""What the season's files do not hold: where the venues are, and an electrician whose habilitation has expired."""

from datetime import date

from backend.core.preconditions import ANY_VERSION
from backend.imports import repository
from backend.people import permits
from backend.people.schemas import JobChange, PermitIn
from backend.people.service import change_job, known_job_id
from backend.productions.schemas import VenueChange
from backend.productions.service import change_venue
from backend.rules.work import PermitKind
from backend.tenancy.acting import Act

PLACES = {
    "compagnie-de-la-rampe": {
        "V01": (47.2078, -1.5662), "V02": (47.2390, -1.5290), "V03": (47.2052, -1.5780), "V04": (47.1833, -1.5497),
        "V05": (47.7486, -3.3664), "V06": (49.4431, 1.0993), "V07": (47.4784, -0.5632), "V08": (48.0061, 0.1996),
        "V09": (47.3941, 0.6848), "V10": (48.3904, -4.4861),
    },
    "theatre-du-pont": {"V1": (48.8709, 2.3631), "V2": (48.8867, 2.3826)},
}  # fmt: skip
"""Latitude and longitude by the venues' refs: the cities are real, the houses are not."""
ELECTRICIAN = "electricien"
LAST_DAYS = {"EL01": date(2028, 3, 14), "EL02": date(2027, 2, 28)}
"""EL02 is called from 22 March 2027 on (domain.md, workflow seeds: a habilitation that has expired)."""
DURATION_YEARS = 3


async def put_on_the_map(act: Act) -> None:
    """Say where the venues of a demo company are."""
    found = await repository.load(act, lock=False)
    for ref, (latitude, longitude) in PLACES.get(act.company.slug, {}).items():
        venue = found.venues.find(ref)
        if venue is not None:
            await change_venue(act, venue["id"], VenueChange(latitude=latitude, longitude=longitude), ANY_VERSION)


async def require_habilitation(act: Act) -> None:
    """Ask the electricians for a habilitation, and record the ones that they have."""
    found = await repository.load(act, lock=False)
    asked = JobChange(required_permits=[PermitKind.ELECTRICAL_HABILITATION])
    await change_job(act, await known_job_id(act, ELECTRICIAN), asked, ANY_VERSION)
    for ref, last in LAST_DAYS.items():
        person = found.people.find(ref)
        if person is not None:
            issued_on = last.replace(year=last.year - DURATION_YEARS)
            permit = PermitIn(kind=PermitKind.ELECTRICAL_HABILITATION, issued_on=issued_on, expires_on=last)
            await permits.create_permit(act, person["id"], permit)
