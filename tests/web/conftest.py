"""A browser without its screen: it keeps cookies and fills in the forms that pages hold."""

import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Request, Response

from tests.helpers import PASSWORD, SignedUpCompany

_FORM = re.compile(r"<form\b[^>]*>.*?</form>", re.DOTALL)
_INPUT = re.compile(r"<input\b[^>]*>")
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
_SPACE_OF_A_MARK = re.compile(r"[\u202f\u00a0](?=[;!?:»])|(?<=«)\u00a0")


def plain(text: str) -> str:
    """Return a French text with ordinary spaces at its punctuation marks: tests are written as people type."""
    return _SPACE_OF_A_MARK.sub(" ", text)


class Browser(AsyncClient):
    """What a person does with pages, step by step; `typeset` reads their spaces as they are sent."""

    typeset = False

    async def send(self, request: Request, **options: Any) -> Response:
        """Send a request, and read the page that answers it."""
        response = await super().send(request, **options)
        if not self.typeset and response.headers.get("content-type", "").startswith("text/html"):
            response._text = plain(response.text)
        return response

    async def sign_in(self, email: str, password: str = PASSWORD) -> Response:
        """Sign in by the page."""
        page = await self.get("/sign-in")
        return await self.send_form(page, "/sign-in", email=email, password=password)

    async def send_form(self, page: Response, action: str, **typed: str) -> Response:
        """Send the form of `page` that goes to `action`, with its hidden fields and what is typed."""
        hidden = hidden_fields(page.text, action)
        return await self.post(action, data={**hidden, **typed}, headers={"Origin": "https://filage.test"})


def hidden_fields(text: str, action: str) -> dict[str, str]:
    """Return the hidden fields of the first form of a page that goes to `action`."""
    for form in _FORM.findall(text):
        if f'action="{action}"' in form.partition(">")[0]:
            inputs = [dict(_ATTRIBUTE.findall(tag)) for tag in _INPUT.findall(form)]
            return {tag["name"]: unescape(tag.get("value", "")) for tag in inputs if tag.get("type") == "hidden"}
    raise AssertionError(f"no form goes to {action}")


def open_browser(app: FastAPI, language: str = "fr") -> Browser:
    """Return a browser that knows nobody yet."""
    headers = {"Accept": "text/html", "Accept-Language": language, "Sec-Fetch-Site": "same-origin"}
    transport = ASGITransport(app, raise_app_exceptions=False)
    return Browser(transport=transport, base_url="https://filage.test", headers=headers)


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[Browser]:
    async with open_browser(app) as found:
        yield found


@pytest.fixture
async def owner(app: FastAPI, company: SignedUpCompany) -> AsyncIterator[Browser]:
    """The owner of `company`, signed in."""
    async with open_browser(app) as found:
        await found.sign_in(company.email)
        yield found
