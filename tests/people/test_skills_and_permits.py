"""What people can and may do: the company's skills, who has them, permits with their days, what a job asks for."""

from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient

from tests.helpers import SignedUpCompany, create, member, problem

PERMIT = {"kind": "electrical_habilitation", "issuer": "APAVE", "issued_on": "2024-03-01", "expires_on": "2027-02-28"}


async def person(client: AsyncClient, company: SignedUpCompany) -> str:
    row = await create(client, company.headers, "/people", first_name="Anne", last_name="Roy", job="electricien")
    return str(row["id"])


async def put(client: AsyncClient, company: SignedUpCompany, person_id: str, *skills: str) -> Any:
    url = f"/api/v1/people/{person_id}/skills"
    return await client.put(url, json={"skills": list(skills)}, headers=company.headers)


async def test_a_permit_is_recorded_read_changed_and_deleted_with_its_history(
    client: AsyncClient, company: SignedUpCompany
) -> None:
    path = f"/people/{await person(client, company)}/permits"
    permit = await create(client, company.headers, path, **PERMIT)
    assert {name: permit[name] for name in PERMIT} == PERMIT
    url, headers = f"/api/v1{path}/{permit['id']}", {**company.headers, "If-Match": '"1"'}
    assert (await client.get(url, headers=company.headers)).json() == permit
    assert (await client.get(f"/api/v1{path}", headers=company.headers)).json()["items"] == [permit]
    changed = await client.patch(url, json={"expires_on": None}, headers=headers)
    assert (changed.status_code, changed.json()["expires_on"], changed.headers["etag"]) == (200, None, '"2"')
    problem(await client.patch(url, json={"issuer": "X"}, headers=headers), 412, "stale_etag")
    problem(await client.delete(url, headers=company.headers), 428, "precondition_required")
    assert (await client.delete(url, headers={**headers, "If-Match": '"2"'})).status_code == 204
    problem(await client.get(url, headers=company.headers), 404, "not_found")
    params = {"subject_id": permit["id"]}
    events = await client.get("/api/v1/audit-events", params=params, headers=company.headers)
    assert [e["what"] for e in events.json()["items"]] == ["permit.deleted", "permit.changed", "permit.created"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"expires_on": "2024-02-29"}, "expires_on"),
        ({"expires_on": "1899-12-31"}, "expires_on"),
        ({"issued_on": None}, "issued_on"),
        ({"issued_on": "2026-02-30"}, "issued_on"),
        ({"kind": "medical_visit"}, "kind"),
        ({"issuer": ""}, "issuer"),
        ({"issuer": "x" * 201}, "issuer"),
        ({"note": "dos fragile"}, "note"),
    ],
)
async def test_a_wrong_permit_is_refused_where_it_stands(
    client: AsyncClient, company: SignedUpCompany, change: dict[str, Any], field: str
) -> None:
    path = f"/api/v1/people/{await person(client, company)}/permits"
    for language in ("fr", "en"):
        headers = {**company.headers, "Accept-Language": language}
        refused = problem(await client.post(path, json=PERMIT | change, headers=headers), 422, "invalid")
        assert refused["errors"][0]["loc"] == ["body", field]


async def test_a_change_that_makes_a_permit_end_before_it_begins_is_refused(
    client: AsyncClient, company: SignedUpCompany
) -> None:
    path = f"/people/{await person(client, company)}/permits"
    permit = await create(client, company.headers, path, **PERMIT)
    url, headers = f"/api/v1{path}/{permit['id']}", {**company.headers, "If-Match": "*"}
    refused = problem(await client.patch(url, json={"issued_on": "2027-03-01"}, headers=headers), 422, "invalid")
    assert refused["errors"][0]["code"] == "ends_before_start"
    one_day = {"issued_on": "2027-02-28"}
    assert (await client.patch(url, json=one_day, headers=headers)).status_code == 200


async def test_a_permit_of_another_person_or_company_is_not_found(
    client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    ours, neighbour, theirs = [await person(client, one) for one in (company, company, other_company)]
    permit = await create(client, company.headers, f"/people/{ours}/permits", **PERMIT)
    for asking, owner in (
        (company, neighbour),
        (company, str(uuid4())),
        (other_company, theirs),
        (other_company, ours),
    ):
        url, headers = f"/api/v1/people/{owner}/permits/{permit['id']}", {**asking.headers, "If-Match": "*"}
        problem(await client.get(url, headers=headers), 404, "not_found")
        problem(await client.patch(url, json={"issuer": "X"}, headers=headers), 404, "not_found")
        problem(await client.delete(url, headers=headers), 404, "not_found")
    for headers in (other_company.headers,):
        problem(await client.get(f"/api/v1/people/{ours}/permits", headers=headers), 404, "not_found")
        problem(await client.post(f"/api/v1/people/{ours}/permits", json=PERMIT, headers=headers), 404, "not_found")


async def test_whoever_may_not_read_people_reads_no_permit_and_no_skill_of_theirs(
    client: AsyncClient, company: SignedUpCompany
) -> None:
    ours = await person(client, company)
    for role, status in (("viewer", 403), ("intermittent", 403), ("payroll", 200)):
        headers = await member(client, company, role)
        for what in ("permits", "skills"):
            assert (await client.get(f"/api/v1/people/{ours}/{what}", headers=headers)).status_code == status
        problem(await client.post(f"/api/v1/people/{ours}/permits", json=PERMIT, headers=headers), 403, "not_allowed")
        body: dict[str, list[str]] = {"skills": []}
        problem(await client.put(f"/api/v1/people/{ours}/skills", json=body, headers=headers), 403, "not_allowed")


async def test_the_skills_of_a_person_are_replaced_as_a_whole(client: AsyncClient, company: SignedUpCompany) -> None:
    ours = await person(client, company)
    for code in ("rigging", "welding"):
        await create(client, company.headers, "/skills", code=code, label=code)
    assert (await put(client, company, ours, "welding", "rigging", "welding")).json() == {
        "skills": ["rigging", "welding"]
    }
    assert (await put(client, company, ours, "rigging")).json() == {"skills": ["rigging"]}
    assert (await put(client, company, ours, "rigging")).status_code == 200
    read = await client.get(f"/api/v1/people/{ours}/skills", headers=company.headers)
    assert read.json() == {"skills": ["rigging"]}
    params = {"subject_id": ours, "what": "person.skills_changed"}
    events = (await client.get("/api/v1/audit-events", params=params, headers=company.headers)).json()["items"]
    assert [event["after"] for event in events] == [{"skills": ["rigging"]}, {"skills": ["rigging", "welding"]}]


async def test_a_skill_that_the_company_has_not_is_refused_and_another_company_s_is_none(
    client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    ours = await person(client, company)
    await create(client, other_company.headers, "/skills", code="rigging", label="accroche")
    refused = problem(await put(client, company, ours, "rigging"), 422, "invalid")
    assert refused["errors"][0]["loc"] == ["body", "skills"]
    assert "rigging" in refused["detail"]
    job = {"code": "peintre", "label": "peintre", "department": "stage", "annexe": "8"}
    body = job | {"required_skills": ["rigging"]}
    refused = problem(await client.post("/api/v1/jobs", json=body, headers=company.headers), 422, "invalid")
    assert refused["errors"][0]["loc"] == ["body", "required_skills"]
    for wrong in ({"required_permits": ["medical_visit"]}, {"required_permits": None}, {"required_skills": "rigging"}):
        problem(await client.post("/api/v1/jobs", json=job | wrong, headers=company.headers), 422, "invalid")
    problem(await put(client, company, str(uuid4())), 404, "not_found")
    problem(await put(client, other_company, ours), 404, "not_found")


async def test_a_skill_in_use_stays_and_its_new_code_follows(client: AsyncClient, company: SignedUpCompany) -> None:
    ours = await person(client, company)
    skill = await create(client, company.headers, "/skills", code="rigging", label="accroche")
    job = await create(
        client, company.headers, "/jobs", code="peintre", label="peintre", department="stage", annexe="8",
        required_skills=["rigging"], required_permits=["ssiap", "rope_access", "ssiap"],
    )  # fmt: skip
    assert (job["required_skills"], job["required_permits"]) == (["rigging"], ["rope_access", "ssiap"])
    assert (await put(client, company, ours, "rigging")).status_code == 200
    url, headers = f"/api/v1/skills/{skill['id']}", {**company.headers, "If-Match": "*"}
    assert (await client.patch(url, json={"code": "accroche"}, headers=headers)).status_code == 200
    job_url = f"/api/v1/jobs/{job['id']}"
    assert (await client.get(job_url, headers=headers)).json()["required_skills"] == ["accroche"]
    listed = (await client.get("/api/v1/jobs?limit=200", headers=headers)).json()["items"]
    assert [j["required_skills"] for j in listed if j["code"] == "peintre"] == [["accroche"]]
    assert (await client.get(f"/api/v1/people/{ours}/skills", headers=headers)).json() == {"skills": ["accroche"]}
    problem(await client.delete(url, headers=headers), 409, "in_use")
    assert (await put(client, company, ours)).status_code == 200
    problem(await client.delete(url, headers=headers), 409, "in_use")
    without = await client.patch(job_url, json={"required_skills": []}, headers={**headers, "If-Match": '"1"'})
    assert (without.json()["required_skills"], without.json()["version"]) == ([], 2)
    assert without.json()["required_permits"] == ["rope_access", "ssiap"]
    assert (await client.delete(url, headers=headers)).status_code == 204


async def test_a_job_that_is_renamed_keeps_what_it_asks_for_and_one_that_goes_takes_it_along(
    client: AsyncClient, company: SignedUpCompany
) -> None:
    job = await create(
        client, company.headers, "/jobs", code="peintre", label="peintre", department="stage", annexe="8",
        required_permits=["ssiap"],
    )  # fmt: skip
    url, headers = f"/api/v1/jobs/{job['id']}", {**company.headers, "If-Match": "*"}
    both = {"code": "decorateur", "required_permits": ["ssiap", "rope_access"]}
    changed = (await client.patch(url, json=both, headers=headers)).json()
    assert (changed["code"], changed["required_permits"], changed["version"]) == (
        "decorateur",
        ["rope_access", "ssiap"],
        2,
    )
    assert (await client.delete(url, headers=headers)).status_code == 204


async def test_a_person_who_leaves_the_directory_takes_their_permits_and_skills_along(
    client: AsyncClient, company: SignedUpCompany
) -> None:
    ours = await person(client, company)
    await create(client, company.headers, "/skills", code="rigging", label="accroche")
    await create(client, company.headers, f"/people/{ours}/permits", **PERMIT)
    assert (await put(client, company, ours, "rigging")).status_code == 200
    gone = await client.delete(f"/api/v1/people/{ours}", headers={**company.headers, "If-Match": "*"})
    assert gone.status_code == 204, gone.text
