"""Any sequence of acts on one assignment, through the API: it stays inside the state machine, and nothing is lost."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from backend.planning.assignments import COMPANY_ACTS
from backend.planning.domain.states import Action, Status, TransitionError, after, allowed
from backend.tenancy.session import Database
from tests.backstage import TWENTIETHS
from tests.planning.stage import SOON, Stage
from tests.planning.test_assignments import expire

EXPIRY = (SOON - timedelta(hours=1)).isoformat()
BODIES: dict[Action, dict[str, Any]] = {
    Action.OFFER: {"expires_at": EXPIRY},
    Action.ACCEPT: {"on_behalf": "phone"},
    Action.DECLINE: {"on_behalf": "phone"},
    Action.CANCEL: {"reason": "Salle fermée"},
}
ONE_BY_ONE = [(action, False) for action in Action]
BY_BULK = [(action, True) for action in Action if action is not Action.UNDO]


class Model:
    """The assignment as the state machine has it."""

    def __init__(self) -> None:
        self.status, self.has_expiry, self.is_past = Status.DRAFT, False, False
        self.done: list[str] = ["draft"]

    @property
    def undoable(self) -> bool:
        return self.has_expiry and not self.is_past

    def pass_time(self) -> None:
        """Let the option's expiry lie behind."""
        self.is_past = self.has_expiry
        if self.status is Status.OPTION:
            self.status = Status.EXPIRED

    def act(self, action: Action) -> tuple[Action, ...] | None:
        """Do the act; where it leads nowhere, return what is possible instead."""
        try:
            self.status = after(self.status, action, undoable=self.undoable)
        except TransitionError as refused:
            return tuple(one for one in refused.allowed if one in COMPANY_ACTS)
        self.has_expiry = self.has_expiry or action is Action.OFFER
        self.done.append(self.status.value)
        return None


@settings(max_examples=20 * TWENTIETHS, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.sampled_from([*ONE_BY_ONE, *BY_BULK, None]), max_size=9))
@example(acts=[(Action.OFFER, False), None, (Action.ACCEPT, True), (Action.CONFIRM, False)])
@example(acts=[(Action.OFFER, True), (Action.DECLINE, True), (Action.UNDO, False), None, (Action.UNDO, False)])
@example(acts=[(Action.OFFER, False), (Action.RELEASE, True), None, (Action.UNDO, False), (Action.OFFER, True)])
@example(acts=[(Action.CONFIRM, True), (Action.RELEASE, True), (Action.CANCEL, True), (Action.UNDO, False)])
@pytest.mark.soak
async def test_any_sequence_of_acts_stays_inside_the_state_machine(
    stage: Stage, database: Database, acts: list[tuple[Action, bool] | None]
) -> None:
    call = await stage.call(await stage.production())
    made, model = await stage.assignment(call, await stage.person()), Model()
    for one in acts:
        if one is None:
            if model.has_expiry:
                await expire(database, stage, made)
            model.pass_time()
        else:
            await act_and_compare(stage, made, model, *one)
        found = await stage.read(made)
        assert found["status"] == model.status
        possible = allowed(model.status, undoable=model.undoable)
        assert found["allowed"] == [action for action in possible if action in COMPANY_ACTS]
    events = (await stage.get(f"/assignments/{made['id']}/history", limit=50)).json()["items"]
    assert [event["to"] for event in events[::-1]] == model.done


async def act_and_compare(stage: Stage, made: dict[str, Any], model: Model, action: Action, by_bulk: bool) -> None:
    instead = model.act(action)
    if not by_bulk:
        answer = await stage.act(made, action.value, **BODIES.get(action, {}))
        assert answer.status_code == (200 if instead is None else 409), answer.text
        refusal = answer.json()
    else:
        body = {"action": action.value, "ids": [made["id"]], **BODIES.get(action, {})}
        answer = await stage.post("/assignments/bulk", body)
        assert answer.status_code == 200, answer.text
        assert bool(answer.json()["done"]) == (instead is None)
        refusal = next(iter(answer.json()["failed"]), {})
    if instead is not None:
        assert (refusal["code"], refusal["allowed"]) == ("state_conflict", list(instead))
