"""Password hashing (Argon2id) in a few threads of its own: on the event loop it held every other route for seconds."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from fastapi_users.password import PasswordHelper
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from backend.core.errors import InvalidError
from backend.core.settings import Settings

SHORTEST, LONGEST = 8, 200


class Passwords:
    """Hashes and verifies; never more at once than `FILAGE_PASSWORD_THREADS`."""

    def __init__(self, settings: Settings) -> None:
        self._threads = ThreadPoolExecutor(settings.password_threads, thread_name_prefix="password")
        # Tests log in thousands of times: the cheapest Argon2 there, the library's advice everywhere else.
        cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
        self.helper = PasswordHelper(cheap if settings.environment == "test" else None)

    async def hash(self, password: str) -> str:
        """Return the hash to store."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.helper.hash, password)

    async def verify(self, password: str, hashed: str) -> tuple[bool, str | None]:
        """Tell whether `password` is right, and return a better hash where one is due."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self.helper.verify_and_update, password, hashed)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def check_password(password: str, email: str) -> None:
    """Refuse (422) a password that is too short, too long, or the address itself."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidError.of(
            ["body", "password"],
            f"Le mot de passe a de {SHORTEST} à {LONGEST} caractères ; une phrase que vous retenez convient très bien.",
            f"The password has {SHORTEST} to {LONGEST} characters; a sentence that you remember does very well.",
            "password",
        )
    if password.lower() in {email.lower(), email.split("@", maxsplit=1)[0].lower()} or len(set(password)) == 1:
        raise InvalidError.of(
            ["body", "password"],
            "Ce mot de passe se devine tout de suite : choisissez-en un autre.",
            "This password is guessed at once: choose another one.",
            "password",
        )
