"""How SQL asks whether a resource is linked with one that fulfils something: chains, _has, whose patient it is.

Of a whole search it is found once what all is linked; of few rows each row's own links are followed, so that
the answer costs the same however much fulfils the rest. https://hl7.org/fhir/R4/search.html#chaining
"""

from __future__ import annotations

from fhir_server.search.predicates import Link, PointedFrom, PointsTo, SharesName
from fhir_server.search.writer import Writer

# Reference terms are key # parameter, so the keys found become terms without another look-up.
_POINTS_TO = (
    "{row}.terms && ARRAY(SELECT {inner}.key # {number}::bigint"
    " FROM resource {inner} WHERE {where})"
)
_FEW_POINT_TO = (
    "EXISTS (SELECT FROM resource {inner} WHERE {where} AND {inner}.key = ANY(ARRAY("
    "SELECT t.term # {number}::bigint FROM unnest({row}.terms) AS t(term))))"
)
_POINTED_FROM = (
    "{row}.key IN (SELECT l.target FROM resource {inner},"
    " unnest({inner}.ref_params, {inner}.ref_keys) AS l(param, target)"
    " WHERE {where} AND l.param = {number}::bigint)"
)
_FEW_POINTED_FROM = (
    "EXISTS (SELECT FROM resource {inner} WHERE {where}"
    " AND {inner}.terms @> ARRAY[{row}.key # {number}::bigint])"
)
# The terms of names differ so from those of what uses them, and the other way round.
_SHARES_NAME = (
    "{row}.terms && ARRAY(SELECT t.name # {number}::bigint FROM resource {inner},"
    " unnest({inner}.terms) AS t(name) WHERE {where})"
)


def linked(link: Link, row: str, inner: str, where: str, writer: Writer) -> str:
    """Return the condition that the row is linked so; inner is the other resource, where what it fulfils."""
    names = {"row": row, "inner": inner, "where": where}
    match link:
        case PointsTo():
            way = _FEW_POINT_TO if writer.few else _POINTS_TO
            return way.format(**names, number=writer.bind(link.reference))
        case PointedFrom():
            if writer.few:
                return _FEW_POINTED_FROM.format(**names, number=writer.bind(link.reference))
            return _POINTED_FROM.format(**names, number=writer.bind(link.param))
        case SharesName():
            return _SHARES_NAME.format(**names, number=writer.bind(link.difference))
