"""Square codes that a telephone reads from paper (QR), drawn as SVG in the page itself."""

from markupsafe import Markup
from segno import make_qr


def square_code(address: str) -> Markup:
    """Return the picture of an address: black on white, read from paper up to 15 % of which is lost."""
    drawn: str = make_qr(address, error="m").svg_inline(
        border=2, omitsize=True, svgclass="code", lineclass=None, light="#fff"
    )
    # Drawn of numbers alone: nothing of the address itself stands in the markup.
    return Markup(drawn)  # noqa: S704 - by the library, from the modules of the code
