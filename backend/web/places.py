"""Where a venue is: its address in one line, and a map that shows it."""

from urllib.parse import quote_plus

from backend.productions.schemas import VenueOut

MAP = "https://www.openstreetmap.org"


def address_of(venue: VenueOut) -> str:
    """Return street, postal code and city, those that are known."""
    town = " ".join(part for part in (venue.postal_code, venue.city) if part)
    return ", ".join(part for part in (venue.address, town) if part)


def map_of(venue: VenueOut) -> str | None:
    """Return the map of a venue: at its coordinates, or where its address is looked for; None without either."""
    if venue.latitude is not None and venue.longitude is not None:
        here = f"{venue.latitude:.5f}", f"{venue.longitude:.5f}"
        return f"{MAP}/?mlat={here[0]}&mlon={here[1]}#map=17/{'/'.join(here)}"
    if venue.address:
        return f"{MAP}/search?query={quote_plus(address_of(venue))}"
    return f"{MAP}/search?query={quote_plus(f'{venue.name}, {venue.city}')}" if venue.city else None
