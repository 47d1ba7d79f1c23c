"""Two planners and the persons themselves act on one position at the same moment."""

import asyncio
import itertools

import pytest
from httpx import Response

from tests.backstage import TWENTIETHS, join
from tests.notifications.conftest import House

ROUNDS = 3


@pytest.mark.postgresql
@pytest.mark.soak
async def test_a_confirmed_position_never_has_more_holders_than_its_headcount(house: House) -> None:
    other = await join(house.app, house.client, house.company, "planner")
    first, second, third = [await house.person(account=True) for _ in range(3)]
    for number in range(ROUNDS * TWENTIETHS):
        call = await house.published(headcount=1)
        made = [
            await house.option(call, first),
            await house.option(call, second, rank=2),
            await house.option(call, third),
        ]
        ids = [one["id"] for one in made]

        async def confirmed_by_the_other(assignment_id: str) -> Response:
            return await house.client.post(f"/api/v1/assignments/{assignment_id}/confirm", headers=other)

        acts = [
            house.stage.post("/assignments/bulk", {"action": "confirm", "ids": ids}),
            confirmed_by_the_other(ids[2]),
            confirmed_by_the_other(ids[0]),
            first.answer(made[0], "decline"),
            second.answer(made[1], "accept"),
            third.answer(made[2], "accept"),
        ]
        order = list(itertools.permutations(range(len(acts))))[number * 97 % 720]
        answers = await asyncio.gather(*(acts[place] for place in order))
        assert {answer.status_code for answer in answers} <= {200, 409}, [answer.text for answer in answers]
        found = [await house.stage.read(one) for one in made]
        holders = [one for one in found if one["status"] == "confirmed"]
        assert len(holders) <= 1, found
        for one in holders:
            await house.stage.act(one, "cancel", reason="Tour suivant")
        assert {one["status"] for one in found} <= {"option", "accepted", "declined", "confirmed"}
