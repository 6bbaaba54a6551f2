"""Scopes compared: what is left of those asked for, and whether some lie within others.

https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlencode

from fhir_server.access.scopes import LETTERS, Scope, parse

OTHERS = frozenset(
    {
        *("openid", "fhirUser", "profile", "offline_access", "online_access"),
        *("launch", "launch/patient", "launch/encounter"),
    }
)
"""Scopes that are not of resources."""


def known(text: str) -> bool:
    """Tell whether it is a scope of SMART App Launch 2.2, version 1 or 2."""
    return text in OTHERS or parse(text) is not None


def words(scope: str) -> list[str]:
    """Return the scopes of a scope parameter, each once, in their order."""
    return list(dict.fromkeys(scope.split()))


def within(asked: str, granted: str) -> bool:
    """Tell whether each of the scopes asked for is covered by one of those granted."""
    return all(_covered(word, words(granted)) for word in words(asked))


def limited(asked: str, most: str) -> str:
    """Return what of the scopes asked for lies within the most; "" when nothing does.

    A scope that is covered stays as it was written; one that is wider gives way to what both have:
    system/*.rs within system/Patient.r is system/Patient.r.
    """
    bounds = words(most)
    kept: list[str] = []
    for word in words(asked):
        kept += [word] if _covered(word, bounds) else _shared(word, bounds)
    return " ".join(dict.fromkeys(kept))


def _covered(word: str, bounds: Sequence[str]) -> bool:
    if word in bounds:
        return True
    scope = parse(word)
    return scope is not None and any(_covers(bound, scope) for bound in _parsed(bounds))


def _covers(bound: Scope, scope: Scope) -> bool:
    return (
        bound.context == scope.context
        and bound.covers(scope.type)
        and set(scope.letters) <= set(bound.letters)
        and set(bound.criteria) <= set(scope.criteria)
    )


def _shared(word: str, bounds: Sequence[str]) -> list[str]:
    scope = parse(word)
    if scope is None:
        return []
    return [both for bound in _parsed(bounds) if (both := _both(scope, bound))]


def _both(scope: Scope, bound: Scope) -> str:
    """Return the scope of what both allow; "" when there is nothing."""
    letters = "".join(each for each in LETTERS if each in scope.letters and each in bound.letters)
    if scope.context != bound.context or not letters:
        return ""
    if not (scope.covers(bound.type) or bound.covers(scope.type)):
        return ""
    narrower = bound if bound.type != "*" else scope
    criteria = dict.fromkeys((*bound.criteria, *scope.criteria))
    query = "?" + urlencode(list(criteria), safe=":/|,") if criteria else ""
    return f"{scope.context}/{narrower.type}.{letters}{query}"


def _parsed(bounds: Iterable[str]) -> list[Scope]:
    return [scope for bound in bounds if (scope := parse(bound))]
