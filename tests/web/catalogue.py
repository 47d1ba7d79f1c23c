"""The English catalogue of the pages, compared with what their templates say.

`python -m tests.web.catalogue` adds what is missing, with empty translations, and drops what no template says any more.
"""

from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

WEB = Path(__file__).parents[2] / "backend" / "web"
FILE = WEB / "locale" / "en" / "LC_MESSAGES" / "messages.po"
OPTIONS = {"**/templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true"}}


def said() -> Catalog:
    """Return the sentences of all templates."""
    found = Catalog()
    for _file, _line, message, _comments, context in extract_from_dir(
        WEB, method_map=[("**/templates/**.html", "jinja2"), ("**.py", "ignore")], options_map=OPTIONS
    ):
        found.add(message, context=context)
    return found


def stored() -> Catalog:
    """Return the catalogue as it is in the repository."""
    with FILE.open("rb") as source:
        return read_po(source, locale="en")


def update() -> None:
    """Write the catalogue again, with the sentences of the templates."""
    catalogue = stored()
    catalogue.update(said(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    with FILE.open("wb") as target:
        write_po(target, catalogue, width=0, no_location=True, sort_output=True, omit_header=True, ignore_obsolete=True)


if __name__ == "__main__":
    update()
