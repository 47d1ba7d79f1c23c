"""Whatever page of a company there is: nobody from outside sees it, and no form of theirs reaches it."""

import re
from uuid import uuid4

from fastapi import FastAPI
from fastapi.routing import APIRoute

from backend.web.routes import ROUTERS
from tests.helpers import SignedUpCompany
from tests.web.conftest import Browser, hidden_fields

_PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")


def pages(method: str) -> list[str]:
    """Return the path of every route of a company's pages that answers to `method`."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    return sorted(
        {route.path for route in routes if method in (route.methods or ()) and route.path.startswith("/c/{slug}")}
    )


def filled(path: str, slug: str) -> str:
    """Return a path with values for its parameters: ids that nothing has, and any word elsewhere."""
    values = {"slug": slug, "file": "people.csv", "what": "offer"}
    return _PARAMETER.sub(lambda found: values.get(found[1], str(uuid4())), path)


def test_there_are_pages_to_look_at() -> None:
    assert len(pages("GET")) > 15
    assert len(pages("POST")) > 20


async def test_who_is_not_signed_in_is_asked_to(browser: Browser, company: SignedUpCompany) -> None:
    for path in pages("GET"):
        answer = await browser.get(filled(path, company.slug))
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/sign-in?next="), path


async def test_the_pages_of_another_company_are_not_there(
    owner: Browser, app: FastAPI, other_company: SignedUpCompany
) -> None:
    """The other company exists and looks alike; the answer is the one for a company that does not exist."""
    hidden = hidden_fields((await owner.get("/companies")).text, "/sign-out")
    for slug in (other_company.slug, "compagnie-qui-nexiste-pas"):
        for path in pages("GET"):
            answer = await owner.get(filled(path, slug))
            assert answer.status_code == 404, path
            assert other_company.email not in answer.text
        for path in pages("POST"):
            answer = await owner.post(filled(path, slug), data=hidden)
            assert answer.status_code == 404, path


async def test_no_form_without_its_hidden_field_reaches_a_company(owner: Browser, company: SignedUpCompany) -> None:
    for path in pages("POST"):
        answer = await owner.post(filled(path, company.slug), data={"csrf": "a.b", "name": "Forgé"})
        assert answer.status_code == 403, path
        cross = await owner.post(
            filled(path, company.slug), data={"name": "Forgé"}, headers={"Origin": "https://evil.example"}
        )
        assert cross.status_code == 403, path


async def test_the_address_of_a_form_leads_back_to_a_page_and_so_does_another_language(
    owner: Browser, app: FastAPI, company: SignedUpCompany
) -> None:
    """Enter in the address bar after a refusal reads what only takes forms: no dead end, and no word of programs."""
    read = {path for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)
            for path in [route.path] if "GET" in (route.methods or ())}  # fmt: skip
    sent = {route.path for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)
            if "POST" in (route.methods or ())}  # fmt: skip
    assert len(sent - read) > 30
    for path in sorted(sent - read):
        address = filled(path, company.slug)
        answer = await owner.get(address)
        if answer.status_code == 404:  # a page that only what is there has
            continue
        assert answer.status_code == 303, path
        assert address.startswith(answer.headers["location"].partition("#")[0]), path
        assert (await owner.get(answer.headers["location"])).status_code != 405, path
    where = {f"/people/{uuid4()}/skills": "/people/", "/settings/members/1/remove": "/settings/members",
             "/copy-week": "", "/setup/import": "/setup"}  # fmt: skip
    for path, page in where.items():
        answer = await owner.get(f"/c/{company.slug}{path}")
        assert answer.headers["location"].startswith(f"/c/{company.slug}{page}"), path
    other = await owner.put(f"/c/{company.slug}/copy-week")
    assert other.status_code == 405
    assert "/docs" not in other.text


async def test_another_language_keeps_what_the_address_asks_for(owner: Browser, company: SignedUpCompany) -> None:
    asked = f"/c/{company.slug}?view=week&by=person&from=2031-03-03"
    page = await owner.get(asked)
    assert (await owner.send_form(page, "/language", language="en")).headers["location"] == asked

    home = f"/c/{company.slug}"
    refused = await owner.send_form(page, "/language", language="fr")
    refused = await owner.post(
        f"{home}/copy-week", data={**hidden_fields(page.text, "/language"), "week": "xx", "back": asked}
    )
    assert refused.status_code == 422
    answer = await owner.send_form(refused, "/language", language="en")
    assert (await owner.get(answer.headers["location"])).headers["location"] == home
