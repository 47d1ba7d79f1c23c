"""The trades that every new company begins with; it may rename, add and remove them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade: its code, French label, department, and annexe ("8" technicians, "10" artists, "cdi" permanent)."""

    code: str
    label: str
    department: str
    annexe: str


FIRST_TRADES = (
    Trade("comedien", "comédien·ne", "artistic", "10"),
    Trade("musicien", "musicien·ne", "artistic", "10"),
    Trade("metteur_en_scene", "metteur·se en scène", "direction", "10"),
    Trade("choregraphe", "chorégraphe", "direction", "10"),
    Trade("regisseur_general", "régisseur·se général·e", "stage", "8"),
    Trade("regisseur_plateau", "régisseur·se plateau", "stage", "8"),
    Trade("machiniste", "machiniste", "stage", "8"),
    Trade("cintrier", "cintrier·ère", "stage", "8"),
    Trade("accessoiriste", "accessoiriste", "stage", "8"),
    Trade("regisseur_lumiere", "régisseur·se lumière", "lighting", "8"),
    Trade("electricien", "électricien·ne", "lighting", "8"),
    Trade("regisseur_son", "régisseur·se son", "sound_video", "8"),
    Trade("sonorisateur", "sonorisateur·rice", "sound_video", "8"),
    Trade("regisseur_video", "régisseur·se vidéo", "sound_video", "8"),
    Trade("habilleur", "habilleur·se", "wardrobe", "8"),
    Trade("administrateur", "administrateur·rice", "production", "cdi"),
    Trade("charge_de_production", "chargé·e de production", "production", "cdi"),
    Trade("charge_de_diffusion", "chargé·e de diffusion", "production", "cdi"),
    Trade("mediateur", "médiateur·rice", "front_of_house", "cdi"),
)
