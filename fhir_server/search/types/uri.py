"""URIs, https://hl7.org/fhir/R4/search.html#uri."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from fhir_server.definitions.structures import Element
from fhir_server.search import naming
from fhir_server.search.escape import unescape
from fhir_server.search.fields import Field
from fhir_server.search.predicates import HasTerm, InTexts, Predicate, any_of
from fhir_server.search.reading import Reading, refuse
from fhir_server.search.rows import Emit, Emitters, Rows
from fhir_server.search.term import fact, text_param


def exact(prefix: str, uri: str) -> int:
    """Return the term of the URI itself."""
    return fact(prefix, uri)


def below(prefix: str, uri: str) -> int:
    """Return the term of `:below=uri`."""
    return fact(f"{prefix}:below", uri)


def ancestors(uri: str) -> tuple[str, ...]:
    """Return the URI and those above it, path by path: http://a/b, http://a; a urn stands alone."""
    uri = uri.rstrip("/")
    scheme, separator, path = uri.partition("://")
    if not separator:
        return (uri,)
    steps = path.split("/")
    return tuple(f"{scheme}://{'/'.join(steps[:length])}" for length in range(len(steps), 0, -1))


LONGEST = 600
"""Characters of what :below compares; PostgreSQL's index takes no row longer than 2,704 bytes."""


def _below_by_text(field: Field) -> bool:
    """Tell whether :below is looked up among the distinct values.

    Each resource has _profile or _source, and the ancestors of one would be terms of every row;
    the values repeat, so one term for the value itself and a table of the values are less.
    """
    return field.code.startswith("_")


def _path(uri: str) -> str:
    """Return what the URI and all below it begin with; "" when it has no path, as a urn."""
    stripped = uri.rstrip("/")
    return f"{stripped}/" if "://" in stripped else ""


def _uri(field: Field, _: Element | None) -> Emit:
    present, prefix, by_text = field.present, field.prefix, _below_by_text(field)
    texts = text_param(field.param)

    def emit(value: str, rows: Rows) -> None:
        unversioned, bar, _version = value.partition("|")
        rows.terms += (present, exact(prefix, unversioned))
        if bar:
            rows.terms.append(exact(prefix, value))
        if field.code == "url":
            rows.terms += naming.names(rows.resource, value)
        if not by_text:
            rows.terms += [below(prefix, above) for above in ancestors(unversioned)]
        elif path := _path(unversioned):
            rows.texts.append((texts, path[:LONGEST]))

    return emit


EMITTERS: Emitters = MappingProxyType(
    {"uri": _uri, "url": _uri, "canonical": _uri, "oid": _uri, "uuid": _uri}
)


MODIFIERS = ("below", "above")


def read(field: Field, modifier: str, text: str, _: Reading) -> Predicate:
    """Return the predicate of a URI itself, of those :below or :above it."""
    meant = unescape(text)
    if modifier == "above":
        return any_of(*(HasTerm(exact(field.prefix, each)) for each in _written_above(meant)))
    itself = HasTerm(exact(field.prefix, meant))
    if modifier == "below":
        found = _read_below(field, text, meant)
        # Below a canonical with its version lies it alone, which is indexed as it is written.
        return any_of(found, itself) if "|" in meant else found
    return itself


def _written_above(uri: str) -> Iterator[str]:
    """Yield the URI and those above it as they may be written: http://a/b, http://a/b/, http://a."""
    for each in ancestors(uri):
        yield each
        if "://" in each:
            yield f"{each}/"


def _read_below(field: Field, text: str, meant: str) -> Predicate:
    if not _below_by_text(field):
        return HasTerm(below(field.prefix, meant.rstrip("/")))
    path = _path(meant)
    if len(path) > LONGEST:
        raise refuse(field, text, f"with :below it has at most {LONGEST - 1} characters.")
    return InTexts(text_param(field.param), path) if path else HasTerm(exact(field.prefix, meant))
