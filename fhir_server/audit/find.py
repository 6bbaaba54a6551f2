"""Search and read of AuditEvent: answered from the table, newest first, page by page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from fhir_server.access.policy import Policy
from fhir_server.audit.render import ACTIONS, EXECUTED, Row, rendered
from fhir_server.codec import encode
from fhir_server.database import Connection
from fhir_server.errors import Forbidden, InvalidParameter, MethodNotAllowed
from fhir_server.search import sql
from fhir_server.search.query import Condition, Query, fingerprint
from fhir_server.search.reading import prefixed
from fhir_server.search.term import resource_key
from fhir_server.search.types.date import span, storable
from fhir_server.storage import links
from fhir_server.storage.resources import Version
from fhir_server.storage.searches import Found, Page

TYPE = "AuditEvent"
Bound = dict[str, Any]
Part = Callable[[str, str, Bound], str]
"""Takes a value, the name for its parameter and what is bound; returns the condition."""
_COLUMNS = (
    "id, recorded, role, account, fhir_user, name, client, token, interaction, type, resource_id,"
    " query, address, request_id, status,"
    " ARRAY(SELECT p.id FROM resource p WHERE p.key = ANY(a.patients))"
)
_DATES = MappingProxyType(
    {
        "eq": "recorded >= {low} AND recorded <= {high}",
        "ne": "(recorded < {low} OR recorded > {high})",
        "gt": "recorded > {high}",
        "sa": "recorded > {high}",
        "lt": "recorded < {low}",
        "eb": "recorded < {low}",
        "ge": "recorded >= {low}",
        "le": "recorded <= {high}",
        "ap": "recorded >= {low} AND recorded <= {high}",
    }
)


def not_written() -> MethodNotAllowed:
    """Return the refusal to write an event: only what happens makes one."""
    return MethodNotAllowed(
        "AuditEvents are written by the server itself, and neither changed nor deleted.",
        headers={"Allow": "GET, HEAD"},
    )


def page(
    connection: Connection, query: Query, policy: Policy, token: str | None, base: str
) -> Page:
    """Return the first page, or the one of a token."""
    bound: Bound = {"limit": query.count + 1}
    where = _where(query, policy, bound)
    down = _falls(query)
    if token is not None:
        bound["time"], bound["id"] = links.unseal(connection, _purpose(query, policy), token)
        where.append(f"(recorded, id) {'<' if down else '>'} (%(time)s::timestamptz, %(id)s)")
    order = "recorded DESC, id DESC" if down else "recorded, id"
    text = f"SELECT {_COLUMNS} FROM audit a WHERE {' AND '.join(where)} ORDER BY {order} LIMIT %(limit)s"
    rows = [Row(*row) for row in connection.query(text, bound)]
    shown = rows[: query.count]
    following = ""
    if len(rows) > query.count and shown:
        place = [shown[-1].recorded.isoformat(), shown[-1].id]
        following = links.seal(connection, _purpose(query, policy), place)
    return Page([Found(_version(row, base), 0, ()) for row in shown], following)


def count(connection: Connection, query: Query, policy: Policy) -> int:
    bound: Bound = {}
    where = " AND ".join(_where(query, policy, bound))
    return int(connection.query(f"SELECT count(*) FROM audit a WHERE {where}", bound)[0][0])


def read(connection: Connection, id_: str, policy: Policy, base: str) -> Version | None:
    """Return the event; None when there is none that the principal may read."""
    if not (id_.isascii() and id_.isdigit() and len(id_) < 19):
        return None
    bound: Bound = {"id": int(id_)}
    where = " AND ".join(["id = %(id)s", *_limits(policy, "r", bound)])
    rows = connection.query(f"SELECT {_COLUMNS} FROM audit a WHERE {where}", bound)
    return _version(Row(*rows[0]), base) if rows else None


def _version(row: Row, base: str) -> Version:
    content = encode(rendered(row, base)).decode()
    key = resource_key(f"{TYPE}/{row.id}")
    return Version(key, TYPE, str(row.id), 1, row.recorded, "POST", content)


def _purpose(query: Query, policy: Policy) -> str:
    who = policy.principal
    return f"audit {fingerprint(query)} {who.role} {who.user} {who.patient}"


def _falls(query: Query) -> bool:
    keys = [sort.code for sort in query.sort]
    if keys not in ([], ["date"], ["_lastUpdated"]):
        raise InvalidParameter("AuditEvents are sorted by date or -date only.", "_sort")
    return not query.sort or query.sort[0].descending


def _where(query: Query, policy: Policy, bound: Bound) -> list[str]:
    if query.includes or query.revincludes:
        raise InvalidParameter("AuditEvents take no _include or _revinclude.", "_include")
    found = _limits(policy, "s", bound)
    for number, condition in enumerate(query.conditions):
        found.append(_condition(condition, f"c{number}", bound))
    return found or ["TRUE"]


def _limits(policy: Policy, letter: str, bound: Bound) -> list[str]:
    """Return what keeps the principal to the events that are theirs to see."""
    if policy.right(TYPE, letter) is None:
        return []
    who = policy.principal
    scopes = [scope for scope in policy.fitting(TYPE, letter) if scope is not None]
    if any(scope.criteria for scope in scopes):
        raise Forbidden("AuditEvent has no granular scopes; ask for it as a whole.")
    found = ["a.recorded IS NOT NULL"]
    if any(rule.criteria for rule in policy.role.rules if rule.covers(TYPE, letter)):
        bound["own"] = who.user
        found.append("fhir_user = %(own)s")
    else:
        own = policy.own_patients()
        if own is None:
            raise Forbidden("Nobody's events are yours to see.")
        mine = sql.keys(Query(("Patient",), (Condition("access", (), own),)))
        bound |= mine.parameters
        found.append(f"a.patients && ARRAY({mine.text})")
    if scopes and all(scope.context == "patient" for scope in scopes):
        bound["launched"] = [resource_key(f"Patient/{who.patient}")]
        found.append("a.patients @> %(launched)s::bigint[]")
    return found


def _condition(condition: Condition, name: str, bound: Bound) -> str:
    part = PARTS.get(condition.name)
    if part is None:
        raise InvalidParameter(
            f"AuditEvents are not searched by {condition.name} here; by {', '.join(PARTS)}.",
            condition.name,
        )
    values = [value for text in condition.values for value in text.split(",")]
    some = [part(value, f"{name}_{number}", bound) for number, value in enumerate(values)]
    return f"({' OR '.join(some)})"


def _column(column: str) -> Part:
    def part(value: str, name: str, bound: Bound) -> str:
        bound[name] = value.rpartition("|")[2]
        return f"{column} = %({name})s"

    return part


def _patient(value: str, name: str, bound: Bound) -> str:
    bound[name] = [resource_key(f"Patient/{value.rpartition('/')[2]}")]
    return f"a.patients @> %({name})s::bigint[]"


def _agent(value: str, name: str, bound: Bound) -> str:
    bound[name] = value
    user = "fhir_user" if "/" in value else "split_part(fhir_user, '/', 2)"
    return f"({user} = %({name})s OR client = %({name})s)"


def _entity(value: str, name: str, bound: Bound) -> str:
    kind, _, id_ = value.rpartition("/")
    bound[name], bound[f"{name}_k"] = id_, [resource_key(value)]
    bound[f"{name}_t"] = kind.rpartition("/")[2]
    return f"((resource_id = %({name})s AND type = %({name}_t)s) OR a.patients @> %({name}_k)s::bigint[])"


def _action(value: str, name: str, bound: Bound) -> str:
    code = value.rpartition("|")[2]
    bound[name] = [each for each, action in ACTIONS.items() if action == code]
    bound[f"{name}_all"] = list(ACTIONS)
    other = f" OR interaction <> ALL(%({name}_all)s)" if code == EXECUTED else ""
    return f"(interaction = ANY(%({name})s){other})"


def _outcome(value: str, name: str, bound: Bound) -> str:
    bounds = {"0": (0, 399), "4": (400, 499), "8": (500, 599)}
    bound[name], bound[f"{name}_to"] = bounds.get(value.rpartition("|")[2], (-1, -1))
    return f"status BETWEEN %({name})s AND %({name}_to)s"


def _date(value: str, name: str, bound: Bound) -> str:
    prefix, text = prefixed(value)
    found = span(text)
    if found is None:
        raise InvalidParameter(f"{value!r} is no date.", "date")
    bound[name], bound[f"{name}_to"] = storable(found[0]), storable(found[1])
    low, high = f"%({name})s::timestamptz", f"%({name}_to)s::timestamptz"
    return _DATES[prefix].format(low=low, high=high)


def _rest(value: str, name: str, bound: Bound) -> str:
    bound[name] = value.rpartition("|")[2]
    return f"%({name})s = 'rest'"


def _as_id(value: str, name: str, bound: Bound) -> str:
    bound[name] = value
    return f"id::text = %({name})s"


PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "_id": _as_id,
        "date": _date,
        "_lastUpdated": _date,
        "patient": _patient,
        "agent": _agent,
        "agent-name": _column("name"),
        "entity": _entity,
        "action": _action,
        "outcome": _outcome,
        "type": _rest,
        "subtype": _column("interaction"),
        "address": _column("address"),
    }
)
"""What AuditEvents are searched by."""
