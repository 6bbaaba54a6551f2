"""The words of pages and mails, in the reader's language: one gettext catalogue, written in English.

https://www.gnu.org/software/gettext/manual/gettext.html. A language is a file locale/xx.po; it is read
when somebody first asks for it. Which one is spoken is a matter of the context: of the request, or of
the person whom a mail is for.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from babel import Locale, dates, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from jinja2 import Environment
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

LANGUAGES: Mapping[str, str] = MappingProxyType({"en": "English", "de": "Deutsch"})
"""By BCP 47 tag, each in its own words."""
ENGLISH = "en"
COOKIE = "language"
KEPT_S = 400 * 86400
"""How long a browser keeps the cookie."""
_spoken: ContextVar[str] = ContextVar("language", default=ENGLISH)


def later(words: str) -> str:
    """Mark words for the catalogue that are translated where they are shown."""
    return words


def say(words: str, /, **values: object) -> str:
    """Return the words in the language that is spoken; %(name)s stands for a value."""
    said = _spoken_catalogue().gettext(words) if words else ""
    return said % values if values else said


def say_many(one: str, many: str, number: int) -> str:
    """Return the words for that number, which %(number)s stands for."""
    return _spoken_catalogue().ngettext(one, many, number) % {"number": number}


def within(words: str) -> str:
    """Return the words as they stand within a sentence; German keeps the capitals of its nouns."""
    return words.lower() if _spoken.get() == ENGLISH else words


def dated(time: date | datetime, pattern: str) -> str:
    """Write a time by a pattern of CLDR ("EEE d MMM"), with the names of the language."""
    # Without its zone: instants that are equal read differently in different zones.
    read = time.replace(tzinfo=None) if isinstance(time, datetime) else time
    return _dated(read, pattern, _spoken.get())


def language() -> str:
    """Return the tag of the language that is spoken."""
    return _spoken.get()


def direction() -> str:
    """Return "ltr" or "rtl", as the language is written."""
    return str(Locale(_spoken.get()).text_direction)


@contextmanager
def speaking(tag: str) -> Iterator[None]:
    """Speak a language of LANGUAGES while this lasts; what is spoken now for any other tag."""
    token = _spoken.set(tag if tag in LANGUAGES else _spoken.get())
    try:
        yield
    finally:
        _spoken.reset(token)


def asked_for(connection: HTTPConnection) -> str:
    """Return the language of the cookie, or the one that the browser likes best."""
    chosen = connection.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    return _preferred(connection.headers.get("accept-language", "")[:200])


def remember(response: Response, tag: str) -> None:
    """Let the browser ask for this language from now on."""
    response.set_cookie(COOKIE, tag, KEPT_S, samesite="lax", httponly=True)


class Speaking:
    """Lets each request be answered in its reader's language."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            _spoken.set(asked_for(HTTPConnection(scope)))
        await self.app(scope, receive, send)


def teach(environment: Environment) -> None:
    """Let templates speak: _(), {% trans %}, the filters said and dated, page_language() and page_direction()."""
    environment.add_extension("jinja2.ext.i18n")
    made: Any = environment
    made.install_gettext_callables(
        lambda words: _spoken_catalogue().gettext(words),
        lambda one, many, number: _spoken_catalogue().ngettext(one, many, number),
        newstyle=True,
    )
    environment.filters |= {"said": _said, "dated": dated}
    environment.globals |= {"page_language": language, "page_direction": direction}


def _said(words: Any) -> Any:
    """Translate words that a program gave, marked by `later`; what is not in the catalogue stays."""
    return say(words) if type(words) is str else words


def _spoken_catalogue() -> NullTranslations:
    return _catalogue(_spoken.get())


@functools.cache
def _catalogue(tag: str) -> NullTranslations:
    if tag == ENGLISH:
        return NullTranslations()
    with files("smart_auth").joinpath("locale", f"{tag}.po").open("rb") as file:
        catalogue = read_po(file, tag)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


@functools.lru_cache(maxsize=8192)
def _dated(time: date | datetime, pattern: str, tag: str) -> str:
    if isinstance(time, datetime):
        return dates.format_datetime(time, pattern, locale=tag)
    return dates.format_date(time, pattern, locale=tag)


@functools.lru_cache(maxsize=256)
def _preferred(header: str) -> str:
    """Read an Accept-Language header: https://www.rfc-editor.org/rfc/rfc9110#name-accept-language."""
    weighed = []
    for number, each in enumerate(header.split(",")):
        tag, _, quality = each.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            weight = 0.0
        weighed.append((-weight, number, tag))
    wanted = [tag for weight, _, tag in sorted(weighed) if tag and weight < 0]
    return negotiate_locale(wanted, LANGUAGES, sep="-") or ENGLISH
