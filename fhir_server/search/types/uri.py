"""URIs, https://hl7.org/fhir/R4/search.html#uri."""

from __future__ import annotations

from types import MappingProxyType

from fhir_server.definitions.structures import Element
from fhir_server.search.escape import unescape
from fhir_server.search.fields import Field
from fhir_server.search.predicates import HasTerm, Predicate, any_of
from fhir_server.search.reading import Reading, refuse
from fhir_server.search.rows import Emit, Emitters, Rows
from fhir_server.search.term import fact


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


def is_hierarchical(field: Field) -> bool:
    """Tell whether :below is indexed: not for _profile and _source: too many rows."""
    return not field.code.startswith("_")


def _uri(field: Field, _: Element | None) -> Emit:
    present, prefix, deep = field.present, field.prefix, is_hierarchical(field)

    def emit(value: str, rows: Rows) -> None:
        unversioned, bar, _version = value.partition("|")
        rows.terms += (present, exact(prefix, unversioned))
        if bar:
            rows.terms.append(exact(prefix, value))
        if deep:
            rows.terms += [below(prefix, above) for above in ancestors(unversioned)]

    return emit


EMITTERS: Emitters = MappingProxyType(
    {"uri": _uri, "url": _uri, "canonical": _uri, "oid": _uri, "uuid": _uri}
)


MODIFIERS = ("below", "above")


def read(field: Field, modifier: str, text: str, _: Reading) -> Predicate:
    """Return the predicate of a URI itself, of those :below or :above it."""
    meant = unescape(text)
    if modifier == "above":
        return any_of(*(HasTerm(exact(field.prefix, each)) for each in ancestors(meant)))
    if modifier == "below":
        if not is_hierarchical(field):
            raise refuse(field, text, ":below is not supported for this parameter.")
        return HasTerm(below(field.prefix, meant.rstrip("/")))
    return HasTerm(exact(field.prefix, meant))
