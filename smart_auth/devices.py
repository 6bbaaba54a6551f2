"""What a browser calls itself, in words that its owner knows: "Firefox on Windows"."""

from __future__ import annotations

from collections.abc import Sequence

from smart_auth.wording import say

# The first mark that is found counts: most browsers name those they are like as well.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
)
SHOWN = 60


def named(agent: str) -> str:
    """Return browser and system; what the header says itself when neither is known."""
    browser, system = _first(BROWSERS, agent), _first(SYSTEMS, agent)
    if browser and system:
        return say("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or agent[:SHOWN] or say("Unknown browser")


def _first(marks: Sequence[tuple[str, str]], agent: str) -> str:
    return next((name for mark, name in marks if mark in agent), "")
