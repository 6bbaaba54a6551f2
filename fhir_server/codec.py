"""JSON in and out without losing a digit: decimals stay Decimal, key order stays.

https://hl7.org/fhir/R4/json.html. A client's text is kept as it came but for white space between
tokens (`compact`); the decoded dict is for validation and indexing only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from fhir_server.errors import Malformed

Resource = dict[str, Any]

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])


def decode(raw: bytes) -> Any:
    """Decode JSON text; Malformed when it is not JSON, repeats a key, nests too deep or holds NUL."""
    return _decoded(raw)[0]


def _decoded(raw: bytes) -> tuple[Any, bytes]:
    """Return the value and its compact text."""
    try:
        value = _decoder.decode(raw)
        again = _encoder.encode(value)
    except (
        msgspec.DecodeError,
        ValueError,
        RecursionError,
        OverflowError,
        ArithmeticError,
    ) as error:
        raise Malformed(f"The body is not JSON that can be read: {_where(raw, error)}") from error
    # Encoded anew it has the compact text's length unless the text holds escapes or repeated keys.
    text = compact(raw)
    if len(again) != len(text):
        _refuse_repeated_keys(raw)
    if b"\\u0000" in again:
        raise Malformed("A string holds the character NUL (U+0000), which FHIR strings may not.")
    return value, text


def decode_resource(raw: bytes) -> Resource:
    """Decode JSON text that has to be an object with a resourceType."""
    return body(raw).resource


def _refuse_other_than_resource(value: Any) -> None:
    if not isinstance(value, dict):
        raise Malformed("The body has to be a JSON object that is a FHIR resource.")
    if not isinstance(value.get("resourceType"), str):
        raise Malformed(
            "The resource has no resourceType; add it as its first property.", "resourceType"
        )


def decode_again(text: bytes) -> Any:
    """Decode text of ours or text that `decode` has taken before."""
    return _decoder.decode(text)


def encode(value: Any) -> bytes:
    """Encode as compact JSON; decimals keep their digits."""
    return _encoder.encode(value)


def compact(raw: bytes) -> bytes:
    """Drop the white space between tokens and nothing else; raw has been decoded before."""
    return msgspec.json.format(raw, indent=-1)


def pretty(raw: bytes) -> bytes:
    """Indent by two; tokens stay as they are."""
    return msgspec.json.format(raw, indent=2)


def members(raw: bytes) -> dict[str, bytes]:
    """Split an object's text into its members' texts, in order."""
    return {name: bytes(value) for name, value in _members.decode(raw).items()}


def items(raw: bytes) -> list[bytes]:
    """Split an array's text into its items' texts."""
    return [bytes(value) for value in _items.decode(raw)]


def join(parts: Iterable[tuple[str, bytes]]) -> bytes:
    """Make an object's text of its members' texts; names are FHIR element names, so need no escape."""
    return b"{" + b",".join([b'"%b":%b' % (name.encode(), text) for name, text in parts]) + b"}"


def _where(raw: bytes, error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it nests too deeply."
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not valid UTF-8."
    try:
        json.loads(raw, parse_constant=_refuse_constant)
    except json.JSONDecodeError as found:
        return f"{found.msg} at line {found.lineno}, column {found.colno}."
    except (UnicodeDecodeError, RecursionError, ValueError):
        pass  # the second reader has nothing better to say than the first
    return f"{str(error).removeprefix('JSON is malformed: ')}."


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _refuse_repeated_keys(raw: bytes) -> None:
    json.loads(raw, object_pairs_hook=_distinct, parse_float=str, parse_int=str)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise Malformed(
            f"The property {repeated!r} stands twice in one object; keep one of them.", repeated
        )
    return result


@dataclass(frozen=True, slots=True)
class Body:
    """A resource as a client sent it: decoded, and its compact text."""

    resource: Resource
    text: bytes


def body(raw: bytes) -> Body:
    """Read a client's resource."""
    value, text = _decoded(raw)
    _refuse_other_than_resource(value)
    return Body(value, text)


def made(resource: Resource) -> Body:
    """Make a body of a resource that the server itself put together."""
    return Body(resource, encode(resource))
