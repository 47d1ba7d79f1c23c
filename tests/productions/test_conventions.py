"""The conventions of lists and single resources, held by every resource of the directory in the same way."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient

from tests.counting import statements
from tests.helpers import SignedUpCompany, create, member, problem

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Resource:
    """One resource: how to make one, which text may change, how a list is sorted, and what a cursor holds."""

    path: str
    body: dict[str, Any]
    text: str
    sorted_by: str
    cursor: tuple[str, ...]
    required: tuple[str, ...]
    wrong: dict[str, Any] = field(default_factory=dict)

    def numbered(self, number: int) -> dict[str, Any]:
        """Return a body that differs from any other number's wherever rows must differ."""
        ref = {} if self.sorted_by == "code" else {"ref": f"X{number}"}
        return {**self.body, **ref, self.sorted_by: f"{self.body[self.sorted_by]}{number}"}


RESOURCES = [
    Resource(
        "/jobs",
        {"code": "peintre", "label": "peintre", "department": "stage", "annexe": "8"},
        "label", "code", ("peintre",), ("code", "label", "department", "annexe"), {"annexe": "9"},
    ),
    Resource(
        "/skills",
        {"code": "accroche", "label": "accroche"},
        "label", "code", ("accroche",), ("code", "label"), {"code": "Accroche !"},
    ),
    Resource(
        "/people",
        {"first_name": "Anne", "last_name": "Aubert", "job": "machiniste"},
        "last_name", "last_name", ("A", "B", str(uuid4())), ("first_name", "last_name", "job"),
        {"email": "anne(at)example.org"},
    ),
    Resource(
        "/venues",
        {"name": "La Fonderie"},
        "name", "name", ("A", str(uuid4())), ("name",), {"timezone": "Europe/Nantes"},
    ),
    Resource(
        "/productions",
        {"title": "La Traversée", "kind": "creation"},
        "title", "title", ("A", str(uuid4())), ("title", "kind"), {"premiere_date": "2026-02-30"},
    ),
]  # fmt: skip
every_resource = pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.path)


def at(resource: Resource, row: dict[str, Any]) -> str:
    return f"/api/v1{resource.path}/{row['id']}"


def cursor_of(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@every_resource
async def test_a_created_row_is_read_back_at_its_location(
    client: AsyncClient, company: SignedUpCompany, resource: Resource
) -> None:
    created = await client.post(f"/api/v1{resource.path}", json=resource.body, headers=company.headers)
    assert created.status_code == 201
    assert created.headers["etag"] == '"1"'
    assert created.headers["location"] == at(resource, created.json())
    read = await client.get(created.headers["location"], headers=company.headers)
    assert read.status_code == 200
    assert read.headers["etag"] == '"1"'
    assert read.json() == created.json()
    assert {name: read.json()[name] for name in resource.body} == resource.body
    assert "number" not in read.json()
    listed = await client.get(f"/api/v1{resource.path}", headers=company.headers)
    assert created.json() in listed.json()["items"]


@every_resource
async def test_a_patch_changes_the_fields_sent_and_no_other(
    client: AsyncClient, company: SignedUpCompany, resource: Resource
) -> None:
    row = await create(client, company.headers, resource.path, **resource.body)
    headers = {**company.headers, "If-Match": '"1"'}
    changed = await client.patch(at(resource, row), json={resource.text: "Nouveau"}, headers=headers)
    assert changed.status_code == 200, changed.text
    assert changed.headers["etag"] == '"2"'
    expected = {**row, resource.text: "Nouveau", "version": 2}
    assert {**changed.json(), "updated_at": None} == {**expected, "updated_at": None}


@every_resource
async def test_a_patch_that_changes_nothing_leaves_the_version_and_the_trail_alone(
    client: AsyncClient, company: SignedUpCompany, resource: Resource
) -> None:
    row = await create(client, company.headers, resource.path, **resource.body)
    headers = {**company.headers, "If-Match": '"1"'}
    for body in ({}, {resource.text: row[resource.text]}):
        same = await client.patch(at(resource, row), json=body, headers=headers)
        assert same.status_code == 200
        assert same.json() == row
    events = await client.get(f"/api/v1/audit-events?subject_id={row['id']}", headers=company.headers)
    assert [event["what"].split(".")[1] for event in events.json()["items"]] == ["created"]


@every_resource
async def test_a_deleted_row_is_gone(client: AsyncClient, company: SignedUpCompany, resource: Resource) -> None:
    row = await create(client, company.headers, resource.path, **resource.body)
    deleted = await client.delete(at(resource, row), headers={**company.headers, "If-Match": '"1"'})
    assert deleted.status_code == 204, deleted.text
    assert deleted.content == b""
    problem(await client.get(at(resource, row), headers=company.headers), 404, "not_found")


@every_resource
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_a_change_needs_the_etag_of_the_present_row(
    client: AsyncClient, company: SignedUpCompany, resource: Resource, method: str
) -> None:
    row = await create(client, company.headers, resource.path, **resource.body)
    body: dict[str, Any] = {"json": {resource.text: "Nouveau"}} if method == "PATCH" else {}
    without = await client.request(method, at(resource, row), headers=company.headers, **body)
    problem(without, 428, "precondition_required")
    for stale in ('"7"', "abc"):
        answer = await client.request(method, at(resource, row), headers={**company.headers, "If-Match": stale}, **body)
        problem(answer, 412, "stale_etag")
    assert (await client.get(at(resource, row), headers=company.headers)).json() == row


@every_resource
async def test_the_other_company_finds_none_of_our_ids(
    client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany, resource: Resource
) -> None:
    ours = await create(client, company.headers, resource.path, **resource.body)
    theirs = await create(client, other_company.headers, resource.path, **resource.body)
    headers = {**other_company.headers, "If-Match": "*"}
    absent = await client.get(f"/api/v1{resource.path}/{uuid4()}", headers=headers)
    for answer in (
        await client.get(at(resource, ours), headers=headers),
        await client.patch(at(resource, ours), json={resource.text: "À nous"}, headers=headers),
        await client.delete(at(resource, ours), headers=headers),
    ):
        assert problem(answer, 404, "not_found")["detail"] == absent.json()["detail"]
    assert (await client.get(at(resource, ours), headers=company.headers)).json() == ours
    listed = await client.get(f"/api/v1{resource.path}", headers=other_company.headers)
    assert theirs in listed.json()["items"]
    assert ours["id"] not in listed.text


@every_resource
async def test_each_role_may_do_what_it_should(
    client: AsyncClient, company: SignedUpCompany, resource: Resource
) -> None:
    readers = {"payroll"} if resource.path == "/people" else {"payroll", "viewer"}
    row = await create(client, company.headers, resource.path, **resource.body)
    for role in ("planner", "payroll", "viewer", "intermittent"):
        headers = {**await member(client, company, role), "If-Match": "*"}
        may_read, may_write = role in readers | {"planner"}, role == "planner"
        for url in (f"/api/v1{resource.path}", at(resource, row)):
            assert (await client.get(url, headers=headers)).status_code == (200 if may_read else 403)
        changed = await client.patch(at(resource, row), json={resource.text: role}, headers=headers)
        assert changed.status_code == (200 if may_write else 403)
        posted = await client.post(f"/api/v1{resource.path}", json=resource.numbered(2), headers=headers)
        assert posted.status_code == (201 if may_write else 403), posted.text
        if not may_write:
            problem(await client.delete(at(resource, row), headers=headers), 403, "not_allowed")


@every_resource
@pytest.mark.parametrize(
    "text",
    ["a\x00b", "a\x1bb", "a\nb", "  ", "", "x" * 201, "x" * (MEGABYTE - 1000), None, 7, ["a"], {"a": 1}],
    ids=["nul", "escape", "newline", "blank", "empty", "201", "a-megabyte", "null", "number", "list", "object"],
)
async def test_a_bad_text_is_refused_with_a_sentence(
    client: AsyncClient, company: SignedUpCompany, resource: Resource, text: Any
) -> None:
    bad = {resource.text: text}
    row = await create(client, company.headers, resource.path, **resource.body)
    posted = await client.post(f"/api/v1{resource.path}", json={**resource.body, **bad}, headers=company.headers)
    headers = {**company.headers, "If-Match": '"1"'}
    patched = await client.patch(at(resource, row), json=bad, headers=headers)
    for answer in (posted, patched):
        body = problem(answer, 422, "invalid")
        assert body["errors"][0]["loc"][:2] == ["body", resource.text]
        assert len(answer.content) < 2000
    assert (await client.get(at(resource, row), headers=company.headers)).json() == row


@every_resource
async def test_half_a_character_is_refused(client: AsyncClient, company: SignedUpCompany, resource: Resource) -> None:
    content = json.dumps({**resource.body, resource.text: "a\ud800"}).encode()
    headers = {**company.headers, "Content-Type": "application/json"}
    problem(await client.post(f"/api/v1{resource.path}", content=content, headers=headers), 422, "invalid")


@every_resource
async def test_fields_unknown_missing_or_wrong_are_refused(
    client: AsyncClient, company: SignedUpCompany, resource: Resource
) -> None:
    url = f"/api/v1{resource.path}"
    row = await create(client, company.headers, resource.path, **resource.body)
    for extra in ({"colour": "red"}, {"id": str(uuid4())}, {"version": 3}, resource.wrong):
        problem(await client.post(url, json={**resource.body, **extra}, headers=company.headers), 422, "invalid")
        headers = {**company.headers, "If-Match": '"1"'}
        problem(await client.patch(at(resource, row), json=extra, headers=headers), 422, "invalid")
    for name in resource.required:
        body = {key: value for key, value in resource.body.items() if key != name}
        answer = problem(await client.post(url, json=body, headers=company.headers), 422, "invalid")
        assert answer["errors"] == [{"loc": ["body", name], "msg": "Cette valeur est obligatoire.", "code": "missing"}]
        headers = {**company.headers, "If-Match": '"1"'}
        problem(await client.patch(at(resource, row), json={name: None}, headers=headers), 422, "invalid")


@every_resource
@pytest.mark.parametrize("row_id", ["7", "abc", "%00", "00000000-0000-0000-0000-00000000000g"])
async def test_an_id_that_is_none_is_refused(
    client: AsyncClient, company: SignedUpCompany, resource: Resource, row_id: str
) -> None:
    problem(await client.get(f"/api/v1{resource.path}/{row_id}", headers=company.headers), 422, "invalid")


@every_resource
async def test_pages_are_bounded_and_the_refusal_says_by_how_much(
    client: AsyncClient, company: SignedUpCompany, resource: Resource
) -> None:
    url = f"/api/v1{resource.path}"
    for limit, words in (("201", "Au plus 200"), ("10000", "Au plus 200"), ("0", "Au moins 1"), ("x", "nombre entier")):
        body = problem(await client.get(f"{url}?limit={limit}", headers=company.headers), 422, "invalid")
        assert words in body["detail"]
    assert (await client.get(f"{url}?limit=200", headers=company.headers)).status_code == 200


@every_resource
async def test_a_forged_cursor_is_refused(client: AsyncClient, company: SignedUpCompany, resource: Resource) -> None:
    good = list(resource.cursor)
    forged = [
        "x", "é", "0" * 3000, cursor_of(), cursor_of(*good, "more"), cursor_of("\x00", *good[1:]),
        cursor_of("\ud800", *good[1:]), cursor_of(1, *good[1:]), base64.urlsafe_b64encode(b"{}").decode(),
    ]  # fmt: skip
    forged += [cursor_of(*good[:-1], "not-a-uuid")] if len(good) > 1 else []
    for cursor in forged:
        answer = await client.get(f"/api/v1{resource.path}", params={"cursor": cursor}, headers=company.headers)
        problem(answer, 422)
    answer = await client.get(f"/api/v1{resource.path}", params={"cursor": cursor_of(*good)}, headers=company.headers)
    assert answer.status_code == 200


@every_resource
async def test_pages_stay_stable_while_rows_come_and_go(
    client: AsyncClient, company: SignedUpCompany, resource: Resource
) -> None:
    url = f"/api/v1{resource.path}"
    before = {row["id"] for row in (await client.get(f"{url}?limit=200", headers=company.headers)).json()["items"]}
    made = [await create(client, company.headers, resource.path, **resource.numbered(n)) for n in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    for page in range(100):
        params = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        answer = (await client.get(url, params=params, headers=company.headers)).json()
        assert len(answer["items"]) <= 2
        seen += [row["id"] for row in answer["items"] if row["id"] not in before]
        if page == 0:
            earlier = {**resource.numbered(9), resource.sorted_by: "a"}
            before.add((await create(client, company.headers, resource.path, **earlier))["id"])
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert seen == [row["id"] for row in made]


@every_resource
async def test_a_list_of_three_costs_as_many_statements_as_a_list_of_one(
    client: AsyncClient, company: SignedUpCompany, resource: Resource
) -> None:
    url = f"/api/v1{resource.path}"
    counts = []
    for rows in (1, 3):
        for number in range(rows):
            await create(client, company.headers, resource.path, **resource.numbered(rows * 10 + number))
        with statements() as sent:
            assert (await client.get(url, headers=company.headers)).status_code == 200
        counts.append(len(sent))
    assert counts[0] == counts[1] > 0


@every_resource
async def test_a_repeated_post_with_its_key_creates_one_row(
    client: AsyncClient, company: SignedUpCompany, resource: Resource
) -> None:
    headers = {**company.headers, "Idempotency-Key": "une-fois"}
    first, second = [
        await client.post(f"/api/v1{resource.path}", json=resource.body, headers=headers) for _ in range(2)
    ]
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert first.headers["location"] == second.headers["location"]


@every_resource
async def test_a_value_taken_in_this_company_is_free_in_the_other(
    client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany, resource: Resource
) -> None:
    name = "code" if resource.path in {"/jobs", "/skills"} else "ref"
    await create(client, company.headers, resource.path, **resource.numbered(1))
    again = await client.post(f"/api/v1{resource.path}", json=resource.numbered(1), headers=company.headers)
    assert problem(again, 409, "duplicate")["field"] == name
    second = await create(client, company.headers, resource.path, **resource.numbered(2))
    headers = {**company.headers, "If-Match": '"1"', "Accept-Language": "en"}
    change = {name: resource.numbered(1)[name]}
    body = problem(await client.patch(at(resource, second), json=change, headers=headers), 409, "duplicate")
    assert body["field"] == name
    assert body["detail"].startswith("Another ")
    await create(client, other_company.headers, resource.path, **resource.numbered(1))
