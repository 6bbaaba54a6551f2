"""The 64-bit numbers that stand for searchable facts, keys of resources and names of parameters.

A fact ("Observation.code has LOINC 8867-4") is searched by equality only, so its hash is enough
(https://hl7.org/fhir/R4/search.html#token). Fields are joined by NUL, which no string here holds.
"""

from __future__ import annotations

from functools import cache, lru_cache
from hashlib import blake2b

SEPARATOR = "\0"


@lru_cache(maxsize=2**16)
def term(text: str) -> int:
    """Return the signed 64-bit hash that PostgreSQL stores as bigint."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def resource_key(reference: str) -> int:
    """Return the key of the resource "Type/id"."""
    return term(reference)


@cache
def param_id(resource_type: str, code: str) -> int:
    """Return the signed 64-bit number of a type's parameter in the ordered tables."""
    return fact("param", resource_type, code)


def fact(*fields: str) -> int:
    """Return the term of a fact that consists of several fields."""
    return term(SEPARATOR.join(fields))


COMPARTMENT = term("compartment")
_TEXT = term("text")


def text_param(param: int) -> int:
    """Return the number under which a token parameter's texts stand in text_value."""
    return _TEXT ^ param


def text_term(param: int, value: str) -> int:
    """Return the term of a normalised text; its beginning is searched in text_value first."""
    return fact("text", str(param), value)


def compartment_term(reference: str) -> int:
    """Return the term of every resource in the compartment of "Patient/1"."""
    return COMPARTMENT ^ resource_key(reference)


def reference_term(prefix: str, target: str) -> int:
    """Return the term "the parameter points to the target".

    It is an exclusive or, so that SQL can make it of the keys that a chained search finds.
    """
    return term(prefix) ^ term(target)
