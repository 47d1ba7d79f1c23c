"""A person's account on pages: name, language, address, password, sessions, and the end of the account."""

from collections.abc import AsyncIterator, Collection, Mapping
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from backend.core.clock import utc_now
from backend.core.errors import Sentence
from backend.core.instants import HOME_TIMEZONE
from backend.identity import accounts
from backend.identity.access import Caller, SharedSession
from backend.identity.passwords import SHORTEST
from backend.identity.schemas import UserPatch
from backend.notifications import preferences
from backend.notifications.schemas import PreferencesChange
from backend.portal import invitations
from backend.tenancy import idempotency
from backend.web.forms import NOTHING_WRONG, MyRoute, Refused, body_of, otherwise, version_of
from backend.web.my_hours import ONCE
from backend.web.rendering import render, words_of
from backend.web.sessions import Viewer, end_session, keep_language, opened, see
from backend.web.signing import TheAccounts

router = APIRouter(prefix="/me/profile", include_in_schema=False, dependencies=[Depends(opened)], route_class=MyRoute)
Typed = Annotated[str, Form(max_length=1000)]
Asked = Annotated[str, Query(max_length=20)]
DONE = {
    "name": Sentence("Nom et langue enregistrés.", "Name and language stored."),
    "address": Sentence(
        "Adresse enregistrée. Confirmez-la par le lien que nous venons d'y envoyer.",
        "Address stored. Confirm it by the link that we have just sent there.",
    ),
    "password": Sentence(
        "Mot de passe changé. Vos autres connexions sont terminées.",
        "Password changed. Your other sessions have ended.",
    ),
    "messages": Sentence("Choix de messages enregistré.", "Choice of messages stored."),
    "session": Sentence("Cette connexion est terminée.", "That session has ended."),
}
KINDS: Mapping[str, Sentence] = {
    "offered": Sentence("une option m'est proposée", "an option is offered to me"),
    "expiring": Sentence("une option va expirer (une fois)", "an option is about to expire (once)"),
    "promoted": Sentence("mon second choix passe premier", "my second choice moves up"),
    "confirmed": Sentence("une date m'est confirmée", "a date is confirmed to me"),
    "changed": Sentence("une date change d'heure ou de lieu", "a date changes its hours or its place"),
    "cancelled": Sentence("une date est annulée ou libérée", "a date is cancelled or released"),
    "eve": Sentence(
        "la veille à 18 h, mes dates du lendemain", "the evening before at 18:00, my dates of the next day"
    ),
}
CHANGED = Sentence(
    "Votre compte a changé entre-temps, dans un autre onglet. Relisez, puis enregistrez de nouveau.",
    "Your account has changed meanwhile, in another tab. Read it again, then save once more.",
)


async def _claimed_beside(request: Request, viewer: Viewer, session: SharedSession) -> AsyncIterator[None]:
    """Claim the form's key, except on SQLite, which has one writer: a password is checked in its own transaction."""
    if not request.app.state.database.is_sqlite:
        await idempotency.claim_shared(request, session, viewer.user_id, utc_now())
    yield


ONCE_BY_PASSWORD = [Depends(_claimed_beside, scope="function")]


@router.get("")
async def my_profile(request: Request, viewer: Viewer, done: Asked = "") -> Response:
    """Show the account and its sessions."""
    return await _page(request, viewer, done=done)


async def _page(
    request: Request, viewer: Caller, refusal: Refused = NOTHING_WRONG, *, of: str = "",
    typed: Mapping[str, str] | None = None, done: str = "", wanted: Collection[str] | None = None,
) -> Response:  # fmt: skip
    """Show the page; `of` names the form that was refused, with what was `typed` into it, passwords left out."""
    words, now = words_of(request), utc_now()
    async with request.app.state.database.shared(write=False) as session:
        mine = await accounts.my_account(session, viewer)
        sessions = await accounts.my_sessions(session, viewer, now)
        wants = await preferences.read(session, viewer.user_id)
    chosen = {kind for kind in preferences.KINDS if getattr(wants, kind)} if wanted is None else wanted
    sentence = words.say(CHANGED) if refusal.is_stale else refusal.text(words.language)
    return render(
        request, "my_profile.html", viewer=viewer, status=int(refusal.status), mine=mine,
        shortest=SHORTEST,
        sessions=sessions, sentence=sentence, of=of, errors={of: refusal.errors(words.language)},
        typed={**mine.model_dump(), **(typed or {})},
        done=DONE.get(done), home_zone=HOME_TIMEZONE, path="/me/profile",
        device=partial(device, words.language), wants_version=preferences.version(wants),
        wants=[(kind, words.say(KINDS[kind]), kind in chosen) for kind in preferences.KINDS],
    )  # fmt: skip


def device(language: str, user_agent: str | None) -> str:
    """Name a browser and its system, as people do."""
    text = user_agent or ""
    names = {"Edg/": "Edge", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari", "curl/": "curl"}
    systems = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS X": "Mac",
               "Linux": "Linux"}  # fmt: skip
    browser = next((name for mark, name in names.items() if mark in text), "")
    system = next((name for mark, name in systems.items() if mark in text), "")
    unknown = "Unknown device" if language == "en" else "Appareil inconnu"
    return ", ".join(part for part in (browser, system) if part) or unknown


@router.post("/name", dependencies=ONCE)
async def change_name(
    request: Request, viewer: Viewer, session: SharedSession, acts: TheAccounts, full_name: Typed = "",
    language: Typed = "fr", version: Typed = "",
) -> Response:  # fmt: skip
    """Change name and language; this browser speaks it at once."""
    typed = {"full_name": full_name, "language": language}
    otherwise(request, partial(_page, request, viewer, of="name", typed=typed))
    body = body_of(UserPatch, typed)
    await acts.change(session, viewer, body, version_of(version))
    response = see("/me/profile?done=name")
    keep_language(response, body.language or "fr")
    return response


@router.post("/address", dependencies=ONCE_BY_PASSWORD)
async def change_address(
    request: Request, viewer: Viewer, session: SharedSession, acts: TheAccounts, email: Typed = "",
    current_password: Typed = "", version: Typed = "",
) -> Response:  # fmt: skip
    """Change the address; it must be confirmed by a mail."""
    otherwise(request, partial(_page, request, viewer, of="address", typed={"email": email}))
    body = body_of(UserPatch, {"email": email, "current_password": current_password or None})
    await acts.change(session, viewer, body, version_of(version))
    return see("/me/profile?done=address")


@router.post("/password", dependencies=ONCE_BY_PASSWORD)
async def change_password(
    request: Request, viewer: Viewer, session: SharedSession, acts: TheAccounts, password: Typed = "",
    current_password: Typed = "", version: Typed = "",
) -> Response:  # fmt: skip
    """Change the password; the other sessions end."""
    otherwise(request, partial(_page, request, viewer, of="password"))
    body = body_of(UserPatch, {"password": password, "current_password": current_password or None})
    await acts.change(session, viewer, body, version_of(version))
    return see("/me/profile?done=password")


@router.post("/messages", dependencies=ONCE)
async def change_messages(
    request: Request, viewer: Viewer, session: SharedSession, version: Typed = ""
) -> Response:  # fmt: skip
    """Choose which kinds of messages are wanted; a box that is not ticked is not sent by browsers."""
    wanted = {value for name, value in request.state.typed if name == "wanted"}
    otherwise(request, partial(_page, request, viewer, of="messages", wanted=wanted))
    body = PreferencesChange(**{kind: kind in wanted for kind in preferences.KINDS})
    await preferences.change(session, viewer.user_id, body, version_of(version))
    return see("/me/profile?done=messages#messages")


@router.post("/sessions/{session_id}/end", dependencies=ONCE)
async def end_one(viewer: Viewer, session: SharedSession, session_id: UUID) -> Response:
    """End one session; this one too, which is signing out."""
    await accounts.end_session(session, viewer.user_id, session_id)
    if session_id == viewer.token_id:
        response = see("/sign-in")
        end_session(response)
        return response
    return see("/me/profile?done=session")


@router.post("/delete")
async def delete_account(request: Request, viewer: Viewer, acts: TheAccounts, own_password: Typed = "") -> Response:
    """Delete the account: companies keep what they planned, without the link to it."""
    otherwise(request, partial(_page, request, viewer, of="delete"))
    await acts.check_own_password(viewer, own_password, "own_password")
    await invitations.delete_account(acts.database, viewer.user_id, viewer.full_name, acts.now)
    response = see("/")
    end_session(response)
    return response
