"""Which of the product's two languages a client prefers; French where it does not say."""

from starlette.requests import Request

HEADER_READ = 200


def language_of(request: Request) -> str:
    """Return the language of the answer to this request, "fr" or "en": the one chosen on the pages, or the header's."""
    chosen: str | None = request.scope.get("state", {}).get("language")
    return chosen or preferred_language(request.headers.get("accept-language", ""))


def preferred_language(accept_language: str) -> str:
    """Return "en" when the header prefers English to French, else "fr" (RFC 9110, section 12.5.4, simplified)."""
    best, language = 0.0, "fr"
    for part in accept_language[:HEADER_READ].split(","):
        tag, _, parameters = part.strip().partition(";")
        name = tag.strip().lower().split("-")[0]
        weight = _weight(parameters)
        if name in {"fr", "en"} and weight > best:
            best, language = weight, name
    return language


def _weight(parameters: str) -> float:
    text = parameters.strip().removeprefix("q=")
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
