"""The members of a company and their roles, and the invitations that wait for an answer."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from backend.identity import company
from backend.identity.company import ROLE_NAMES
from backend.identity.models import Role
from backend.identity.schemas import InvitationIn, Language, MemberPatch
from backend.portal import invitations, team
from backend.tenancy import idempotency
from backend.tenancy.acting import Act
from backend.tenancy.idempotency import AnswerRoute
from backend.web import forms, naming
from backend.web.forms import NOTHING_WRONG, Refused
from backend.web.rendering import render
from backend.web.sessions import AsAdmin, opened, see

router = APIRouter(
    prefix="/c/{slug}/settings", include_in_schema=False, dependencies=[Depends(opened)], route_class=AnswerRoute
)
OF_AN_INVITATION = ("email", "role")


@dataclass(frozen=True, slots=True)
class Filled:
    """What the form of an invitation holds and why it was refused, why another act was, and a link shown once."""

    typed: dict[str, str] | None = None
    refusal: Refused = NOTHING_WRONG
    other: Refused = NOTHING_WRONG
    link: str = ""
    invited: str = ""


AS_STORED = Filled()


@router.get("/members")
async def show_members(request: Request, act: AsAdmin) -> Response:
    """List the members with their roles, and the invitations that wait."""
    return await _members(request, act)


@router.post("/members/{member_id}")
async def change_role(request: Request, act: AsAdmin, member_id: UUID) -> Response:
    """Give a member another role; it holds from their next request on."""

    async def again(refusal: Refused) -> Response:
        return await _members(request, act, Filled(other=forms.as_whole(refusal)))

    async with forms.trying(act, again):
        role = forms.read(MemberPatch, forms.typed_in(request, ("role",))).role
        await company.change_role(act, member_id, role, forms.expected_version(request))
    return see(f"/c/{act.company.slug}/settings/members")


@router.post("/members/{member_id}/remove")
async def remove_member(request: Request, act: AsAdmin, member_id: UUID) -> Response:
    """End a membership: another's, or one's own."""

    async def again(refusal: Refused) -> Response:
        return await _members(request, act, Filled(other=forms.as_whole(refusal)))

    async with forms.trying(act, again):
        leaves = await invitations.remove_member(act, member_id, forms.expected_version(request))
    return see("/companies" if leaves == act.actor.user_id else f"/c/{act.company.slug}/settings/members")


@router.post("/invitations")
async def invite(request: Request, act: AsAdmin) -> Response:
    """Mail an invitation, and show another link of it once, to be handed over."""
    typed = forms.typed_in(request, OF_AN_INVITATION)

    async def again(refusal: Refused) -> Response:
        return await _members(request, act, Filled(typed, refusal))

    async with forms.trying(act, again, OF_AN_INVITATION):
        body = forms.read(InvitationIn, {**typed, "language": request.state.language})
        made = await invitations.invite(act, body, request.app.state.settings)
    # What is kept for a second press must not hold the link.
    await idempotency.keep_answer(request, see(f"/c/{act.company.slug}/settings/members"))
    return await _members(request, act, Filled(link=made.accept_url or "", invited=made.email))


@router.post("/invitations/{invitation_id}/again")
async def invite_again(request: Request, act: AsAdmin, invitation_id: UUID) -> Response:
    """Mail an invitation that waits again, with new links, and show one of them once; the old ones end."""

    async def again(refusal: Refused) -> Response:
        return await _members(request, act, Filled(other=forms.as_whole(refusal)))

    async with forms.trying(act, again):
        language: Language = "en" if request.state.language == "en" else "fr"
        made = await team.invite_again(act, invitation_id, language, request.app.state.settings)
    # What is kept for a second press must not hold the link.
    await idempotency.keep_answer(request, see(f"/c/{act.company.slug}/settings/members"))
    return await _members(request, act, Filled(link=made.accept_url or "", invited=made.email))


@router.post("/invitations/{invitation_id}/withdraw")
async def withdraw(act: AsAdmin, invitation_id: UUID) -> Response:
    """Make both links of an invitation worthless."""
    await company.withdraw_invitation(act, invitation_id)
    return see(f"/c/{act.company.slug}/settings/members")


async def _members(request: Request, act: Act, filled: Filled = AS_STORED) -> Response:
    language = request.state.language
    words = ROLE_NAMES["en" if language == "en" else "fr"]
    # Only owners make owners, so that nobody else is shown the choice.
    roles = [role for role in Role if role is not Role.OWNER or act.actor.role == Role.OWNER]
    waiting = await company.list_invitations(act)
    return render(
        request, "settings_members.html", act=act, members=await company.list_members(act), me=act.actor.user_id,
        invitations=waiting, names=await team.names_of(act, {one.person_id for one in waiting if one.person_id}),
        role_words={role.value: word for role, word in words.items()},
        roles=[(role.value, words[role]) for role in roles], may=[(words[role], naming.MAY[role]) for role in Role],
        typed=filled.typed or {"email": "", "role": Role.PLANNER.value}, link=filled.link, invited=filled.invited,
        errors=filled.refusal.errors(language), error=filled.refusal.text(language),
        other_error=filled.other.text(language), status=int(max(filled.refusal.status, filled.other.status)),
    )  # fmt: skip
