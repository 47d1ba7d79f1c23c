"""Pure-ASGI middleware: reads which company a request is for, from `X-Tenant`, the host or the path of a page.

It falls back to none.
"""

from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.core.errors import BadRequestError, Sentence
from backend.tenancy.directory import CompanyDirectory
from backend.tenancy.models import CompanyInfo
from backend.tenancy.names import normalise_slug

_STATE = "filage_tenant"
PAGES = "/c/"  # pages of a company stand under one host: /c/<slug>/...


@dataclass(frozen=True, slots=True)
class TenantChoice:
    """The company's slug as the client named it: by header, by host, or by both (then they must agree).

    A page's path stands for the host.
    """

    header: str | None
    host: str | None

    @property
    def slug(self) -> str:
        """Return the slug, or refuse the request (400)."""
        if self.header and self.host and self.header != self.host:
            raise BadRequestError(
                "tenant_mismatch",
                Sentence(
                    "L'en-tête X-Tenant et l'adresse du site désignent deux compagnies : gardez l'un des deux.",
                    "The X-Tenant header and the host name two companies: keep one of them.",
                ),
            )
        slug = self.header or self.host
        if not slug:
            raise BadRequestError(
                "tenant_required",
                Sentence(
                    "Dites pour quelle compagnie : ajoutez l'en-tête X-Tenant avec son adresse courte.",
                    "Say which company: add the X-Tenant header with its slug.",
                ),
            )
        return slug


class TenantMiddleware:
    """Notes the company a request asks for; a company route refuses without one, another route never looks."""

    def __init__(self, app: ASGIApp, *, base_domain: str) -> None:
        self.app = app
        self.suffix = f".{base_domain.lower()}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Put the choice into the request's state."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            # Two headers that differ contradict each other as header and host do: the second stands for the host.
            named = [*dict.fromkeys(normalise_slug(value) for value in headers.getlist("x-tenant"))]
            host = named[1] if len(named) > 1 else _from_path(scope["path"]) or self._from_host(headers.get("host", ""))
            scope.setdefault("state", {})[_STATE] = TenantChoice(named[0] or None if named else None, host)
        await self.app(scope, receive, send)

    def _from_host(self, host: str) -> str | None:
        name = host.rsplit(":", 1)[0].lower().rstrip(".")
        return name.removesuffix(self.suffix) if name.endswith(self.suffix) else None


def _from_path(path: str) -> str | None:
    return normalise_slug(path.removeprefix(PAGES).partition("/")[0]) if path.startswith(PAGES) else None


async def company_of(request: Request, directory: CompanyDirectory) -> CompanyInfo | None:
    """Return the company of this request, or None when nobody has that slug; 400 when none is named."""
    choice: TenantChoice = request.scope["state"][_STATE]
    return await directory.by_slug(choice.slug)
