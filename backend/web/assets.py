"""Style sheets, scripts, the font and the icons of the pages: read once, compressed once, named by what they hold."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from importlib.resources import files

from fastapi import APIRouter, Request, Response

router = APIRouter(include_in_schema=False)

# One style sheet is made of these, in this order: each is a cascade layer or fills one.
STYLES = ("layers", "tokens", "base", "parts", "front", "lists", "board", "mine", "seeing", "print")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
FONT = "vendor/source-sans-3-latin.woff2"
COMPRESSED = frozenset({".css", ".js", ".svg", ".txt", ".webmanifest"})
FOREVER = "public, max-age=31536000, immutable"
SHORTLY = "public, max-age=300"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent; `tag` changes with its content."""

    content: bytes
    compressed: bytes | None
    media_type: str
    tag: str


@lru_cache(maxsize=64)
def find(name: str) -> Asset | None:
    """Return the asset called `name` ("filage.css", "vendor/htmx-2.0.11.min.js"), or None."""
    suffix = f".{name.rpartition('.')[2]}"
    content = _style_sheet() if name == "filage.css" else _read(name) if suffix in TYPES else None
    if content is None:
        return None
    packed = gzip.compress(content, 9, mtime=0) if suffix in COMPRESSED else None
    return Asset(content, packed, TYPES[suffix], hashlib.sha256(content).hexdigest()[:12])


def address(name: str) -> str:
    """Return the path of an asset, which changes with its content. Raises LookupError for a name that is not there."""
    asset = find(name)
    if asset is None:
        raise LookupError(name)
    return f"/static/{name}?v={asset.tag}"


def accepts_gzip(request: Request) -> bool:
    """Tell whether the client takes gzip (RFC 9110, section 12.5.3, for what browsers send)."""
    return "gzip" in request.headers.get("accept-encoding", "")


@router.get("/static/{name:path}")
def read_asset(request: Request, name: str, v: str = "") -> Response:
    """Return an asset; one that is asked for by its tag never changes."""
    asset = find(name) if _is_plain(name) else None
    if asset is None:
        return Response(status_code=HTTPStatus.NOT_FOUND)
    headers = {
        "Cache-Control": FOREVER if v == asset.tag else SHORTLY,
        "ETag": f'"{asset.tag}"',
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    if asset.compressed is not None and accepts_gzip(request):
        return Response(asset.compressed, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(asset.content, media_type=asset.media_type, headers=headers)


def _is_plain(name: str) -> bool:
    return all(part and not part.startswith(".") for part in name.split("/")) and "\\" not in name and "\0" not in name


def _style_sheet() -> bytes:
    parts = [_read(f"css/{name}.css") for name in STYLES]
    sheet = b"\n".join(part for part in parts if part is not None)
    # By its tag, as the page preloads it: under two addresses it would be fetched twice.
    return sheet.replace(f"/static/{FONT}".encode(), address(FONT).encode())


def _read(name: str) -> bytes | None:
    """Return a file; one of a library that is not ours may be kept packed, as it was published."""
    found = files("backend.web").joinpath("static", *name.split("/"))
    if found.is_file():
        return found.read_bytes()
    packed = files("backend.web").joinpath("static", *f"{name}.gz".split("/"))
    return gzip.decompress(packed.read_bytes()) if packed.is_file() else None
