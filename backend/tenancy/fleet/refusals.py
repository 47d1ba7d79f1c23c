"""Why a run of the fleet's migrations did not start or had to end; each says what to do and has an exit code."""

from collections.abc import Iterable
from typing import ClassVar

from backend.core.errors import AppError, Sentence

SHOWN = 5


class FleetError(AppError):
    """The run cannot go as it was asked for."""

    exit_code: ClassVar[int] = 2


class BusyError(FleetError):
    """Another run holds the lock."""

    exit_code = 3


class LostServerError(FleetError):
    """The server, or the lock with it, is gone in the middle of a run."""

    exit_code = 1


def unknown_companies(slugs: Iterable[str], known: Iterable[str]) -> FleetError:
    """Return the refusal of slugs that no company has, with look-alikes where there are any."""
    import difflib  # noqa: PLC0415 - for a refusal alone

    names, everybody = sorted(slugs), list(known)
    near = sorted({match for name in names for match in difflib.get_close_matches(name, everybody, SHOWN)})
    fr = f" Vouliez-vous dire : {', '.join(near)} ?" if near else " Voir `filage company list`."
    en = f" Did you mean: {', '.join(near)}?" if near else " See `filage company list`."
    return FleetError(
        "unknown_company",
        Sentence(
            f"Aucune compagnie ne s'appelle ainsi : {', '.join(names)}.{fr} Rien n'a été modifié.",
            f"No company is called so: {', '.join(names)}.{en} Nothing was changed.",
        ),
    )


def busy(holder: str) -> BusyError:
    """Return the refusal of a second run; `holder` says who runs the first."""
    return BusyError(
        "migration_running",
        Sentence(
            f"Une autre migration est en cours ({holder}) : attendez sa fin, ou relancez avec --wait.",
            f"Another migration is running ({holder}): let it end, or run this again with --wait.",
        ),
    )


def lost_server() -> LostServerError:
    """Return the end of a run whose connection to the server broke: what was done is kept."""
    return LostServerError(
        "server_lost",
        Sentence(
            "La connexion au serveur est perdue. Ce qui est fait est fait, aucune compagnie n'est à moitié migrée : "
            "relancez la même commande.",
            "The connection to the server is lost. What is done is done, no company is half-migrated: "
            "run the same command again.",
        ),
    )


def unknown_revision(revision: str) -> FleetError:
    """Return the refusal of a revision that has no file here."""
    return FleetError(
        "unknown_revision",
        Sentence(
            f"La révision {revision} n'est pas dans cette version du code : installez celle qui l'a apportée.",
            f"Revision {revision} is not in this version of the code: install the one that brought it.",
        ),
    )


def whole_fleet_downgrade(target: str) -> FleetError:
    """Return the refusal to downgrade everybody at once."""
    return FleetError(
        "downgrade_without_only",
        Sentence(
            f"Des compagnies ont dépassé {target} : un retour en arrière se fait compagnie par compagnie, avec --only.",
            f"Some companies are beyond {target}: going back is done company by company, with --only.",
        ),
    )


def no_way(start: str | None, end: str) -> FleetError:
    """Return the refusal of two revisions that no path joins."""
    return FleetError(
        "no_way",
        Sentence(f"Aucun chemin ne mène de {start} à {end}.", f"No path leads from {start} to {end}."),
    )


def commits_by_itself(revision: str) -> FleetError:
    """Return the refusal of a revision that ends the company's transaction in its middle."""
    return FleetError(
        "commits_by_itself",
        Sentence(
            f"La révision {revision} ferme elle-même la transaction (autocommit_block) : une compagnie pourrait rester "
            "à moitié migrée. Mettez ses index dans AFTERWARDS.",
            f"Revision {revision} ends the transaction itself (autocommit_block): a company could be left "
            "half-migrated. Put its indexes into AFTERWARDS.",
        ),
    )
