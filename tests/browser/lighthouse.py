"""Lighthouse on the front page, a planning and an availability, by hand: a served demo, the npm package on the path.

`npm install -g lighthouse@12`, `./run demo`, then `python -m tests.browser.lighthouse EMAIL PASSWORD`. It prints
performance, accessibility and best practices of each page, and ends with 1 where one of them is under 95.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from html import unescape

import httpx

SITE = os.environ.get("FILAGE_SITE", "http://127.0.0.1:8000")
PAGES = ("/", "/me", "/me/unavailabilities")
CATEGORIES = ("performance", "accessibility", "best-practices")
LEAST = 95


def session_of(email: str, password: str) -> str:
    """Sign in by the page, and return the cookies of the session."""
    cookies: dict[str, str] = {}
    headers = {"Accept": "text/html"}
    with httpx.Client(base_url=SITE, headers=headers) as client:
        page = client.get("/sign-in")
        cookies |= _cookies(page)
        form = page.text.partition('action="/sign-in"')[2]
        hidden = {name: unescape(value) for name, value in re.findall(r'name="(csrf|once)" value="([^"]+)"', form)[:2]}
        answer = client.post(
            "/sign-in", data={**hidden, "email": email, "password": password}, headers={"Cookie": _header(cookies)}
        )
        cookies |= _cookies(answer)
    assert "__Host-filage" in cookies, f"not signed in: {answer.status_code}"
    return _header(cookies)


def _cookies(answer: httpx.Response) -> dict[str, str]:
    # By hand: a client that is no browser sends no Secure cookie to 127.0.0.1.
    pairs = [line.partition(";")[0].partition("=") for line in answer.headers.get_list("set-cookie")]
    return {name: value for name, _, value in pairs if value}


def _header(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def scores(lighthouse: str, path: str, cookies: str) -> dict[str, int]:
    """Return the score of each category, of 100; what costs points goes to the standard error."""
    command = [
        lighthouse, f"{SITE}{path}", "--quiet", "--output=json", f"--only-categories={','.join(CATEGORIES)}",
        f"--extra-headers={json.dumps({'Cookie': cookies})}", "--chrome-flags=--headless=new --no-sandbox",
    ]  # fmt: skip
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
    done = subprocess.run(
        # On the clocks of most readers: elsewhere the planning adds a line that says whose hours it shows.
        command,
        env={"TZ": "Europe/Paris", **os.environ, "CHROME_PATH": chromium},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["finalDisplayedUrl"] == f"{SITE}{path}", found["finalDisplayedUrl"]
    for audit in found["audits"].values():
        if audit["score"] is not None and audit["score"] < 1 and audit["scoreDisplayMode"] in {"binary", "numeric"}:
            print(f"  {path} {audit['id']}: {audit.get('displayValue', '')}", file=sys.stderr)
    return {name: round(100 * found["categories"][name]["score"]) for name in CATEGORIES}


def main(email: str, password: str) -> int:
    """Print the table; return 1 where a score is too low, 2 without Lighthouse."""
    lighthouse = shutil.which("lighthouse")
    if lighthouse is None:
        print("NOT RUN: lighthouse is not on the path (npm install -g lighthouse@12).")
        return 2
    cookies = session_of(email, password)
    table = {path: scores(lighthouse, path, cookies) for path in PAGES}
    for path, found in table.items():
        print(path, *(f"{name} {score}" for name, score in found.items()))
    return int(any(score < LEAST for found in table.values() for score in found.values()))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
