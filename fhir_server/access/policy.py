"""What a principal may do, as predicates of the one search language.

Rights are role rules AND scopes AND, for patient/ scopes, the launch patient. What they come to for a type
and an interaction is a Predicate, which the Repository adds to every search, read and write.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import parse_qsl

from fhir_server.access.asked import entering, is_asked, terms_of, wanted
from fhir_server.access.principal import OPEN, Principal
from fhir_server.access.roles import ANYWHERE, COMPARTMENT, Role, Rule, role
from fhir_server.access.scopes import Scope
from fhir_server.errors import Forbidden
from fhir_server.search import term
from fhir_server.search.narrow import parts
from fhir_server.search.parse import parse
from fhir_server.search.predicates import (
    AllOf,
    AnyOf,
    HasKey,
    HasTerm,
    Not,
    OfTypes,
    PointedFrom,
    PointsTo,
    Predicate,
    SharesName,
    any_of,
)
from fhir_server.search.query import Condition, Query

Right = Predicate | None
"""What a resource has to fulfil; None: nothing, all of them may."""
_VERBS = {"c": "create", "r": "read", "u": "update", "d": "delete", "s": "search"}
_ANY_REFERENCE = 0
"""The term of a reference in whatever element is the target's own key."""
_KEPT = 4096
"""Principals whose policies a process remembers."""


@dataclass(slots=True, eq=False)
class Policy:
    """The rights of one principal; remembers what it worked out."""

    principal: Principal
    role: Role
    withheld: frozenset[int] = frozenset()
    """Keys of the patients whose whole record a Consent denies."""
    denials: tuple[Predicate, ...] = ()
    """What every resource has to fulfil besides: that no Consent denies it."""
    sure: frozenset[int] = frozenset()
    """Keys of patients who are known to be theirs, when nobody else's compartment counts."""
    _rights: dict[tuple[str, str], Right] = field(default_factory=dict)
    _marks: dict[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)
    _whose: Predicate | None = None

    @property
    def unrestricted(self) -> bool:
        return self.principal is OPEN

    def right(self, resource_type: str, letter: str) -> Right:
        """Return what a resource of the type has to fulfil for c, r, u, d or s; Forbidden when none may."""
        if self.principal is OPEN:
            return None
        asked = (resource_type, letter)
        if asked not in self._rights:
            self._rights[asked] = self._worked_out(resource_type, letter)
        return self._rights[asked]

    def marks(self, resource_type: str, letter: str) -> tuple[int, ...]:
        """Return the terms of which a resource needs any one; () when more than that is asked."""
        asked = (resource_type, letter)
        if asked not in self._marks:
            self._marks[asked] = _marks(self.right(resource_type, letter))
        return self._marks[asked]

    def may(self, operation: str) -> bool:
        """Tell whether the principal may call an operation that is neither reading nor writing."""
        return self.principal is OPEN or operation in self.role.operations

    def restrict(self, query: Query, sure: frozenset[int] = frozenset()) -> Query:
        """Return the query that finds only what the principal may search; Forbidden when that is no type.

        sure: those of `named` who are patients of theirs; whatever matches is then in the compartment of one.
        """
        if self.principal is OPEN:
            return query
        types = self._searched(query.types)
        own = (_knowing(self, sure) if sure else self).over(types, "s")
        if query.contained != "false" and own is not None:
            raise Forbidden(
                "_contained is for those who may search all resources of a type; leave it out.",
                "_contained",
            )
        conditions = [
            replace(each, predicate=self._within(each.predicate)) for each in query.conditions
        ]
        if own is not None:
            signature = (self.principal.role, self.principal.user, self.principal.patient)
            asked = terms_of(query)
            held = [each for each in parts(own) if not is_asked(each, asked)]
            conditions = [*(Condition("access", signature, each) for each in held), *conditions]
        return replace(query, types=types, conditions=tuple(conditions))

    def over(self, types: Sequence[str], letter: str) -> Right:
        """Return the right over several types, each of which may be asked for."""
        groups: dict[Right, list[str]] = {}
        for name in types:
            groups.setdefault(self.right(name, letter), []).append(name)
        if len(groups) == 1:
            return next(iter(groups))
        return AnyOf(
            tuple(
                AllOf((OfTypes(tuple(names)), *(parts(right) if right else ())))
                for right, names in groups.items()
            )
        )

    def own_patients(self) -> Right:
        """Return who the patients of the principal are; None when the role is tied to none."""
        return self._patients() if self.role.patients else None

    def named(self, query: Query) -> set[int]:
        """Return keys among which is that of a patient in whose compartment all is that can match.

        What a term says of whom cannot be read from it, so it is all that it could be; {} when asking who
        of them is a patient of theirs would spare nothing.
        """
        searched = query.types[0]
        if len(query.types) > 1 or not self.role.patients or self._refusal(searched, "s"):
            return set()
        if _keys(self._patients()):
            return set()
        terms, keys = terms_of(query), {each.key for each in wanted(query, HasKey)}
        right = self.right(searched, "s")
        if right is None or all(is_asked(each, terms) for each in parts(right)):
            return set()
        if all(scope and scope.context == "patient" for scope in self.fitting(searched, "s")):
            keys.add(term.resource_key(f"Patient/{self.principal.patient}"))
        return keys | {each ^ mark for each in terms for mark in entering(searched)}

    def permitted(self, types: Iterable[str], letter: str) -> tuple[str, ...]:
        """Return those of the types of which the principal may have something."""
        return tuple(name for name in types if not self._refusal(name, letter))

    def _searched(self, types: Sequence[str]) -> tuple[str, ...]:
        found = self.permitted(types, "s")
        if not found:
            self.right(types[0], "s")
        return found

    def _refusal(self, resource_type: str, letter: str) -> Forbidden | None:
        try:
            self.right(resource_type, letter)
        except Forbidden as refusal:
            return refusal
        return None

    def _within(self, predicate: Predicate) -> Predicate:
        """Let chains and _has lead only through what the principal may search."""
        match predicate:
            case Not():
                return Not(self._within(predicate.predicate))
            case AllOf():
                return AllOf(tuple(self._within(each) for each in predicate.predicates))
            case AnyOf():
                return AnyOf(self._some(predicate.predicates))
            case PointsTo() | PointedFrom() | SharesName():
                right = self.right(predicate.type, "s")
                inner = parts(self._within(predicate.predicate))
                held = parts(right) if right is not None else ()
                return replace(predicate, predicate=AllOf((*inner, *held)))
        return predicate

    def _some(self, choices: Sequence[Predicate]) -> tuple[Predicate, ...]:
        """Leave out choices that lead through what is forbidden; Forbidden when all do."""
        found: list[Predicate] = []
        refused: list[Forbidden] = []
        for each in choices:
            try:
                found.append(self._within(each))
            except Forbidden as refusal:
                refused.append(refusal)
        if refused and not found:
            raise refused[0]
        return tuple(found)

    # Rules and scopes

    def _worked_out(self, resource_type: str, letter: str) -> Right:
        rules = [rule for rule in self.role.rules if rule.covers(resource_type, letter)]
        if not rules:
            raise self._no_rule(resource_type, letter)
        scopes = self.fitting(resource_type, letter)
        found = [
            self._of_both(rule, scope, resource_type)
            for rule in rules
            for scope in scopes
            if scope is None or scope.context != "patient" or self._has_patient(rule)
        ]
        if not found:
            raise Forbidden(
                f"patient/{resource_type}.{letter} means the patient of the launch, and this token has "
                "none: ask for launch/patient too."
            )
        if any(each is None for each in found):
            return _joined(self.denials) if self.denials else None
        allowed = any_of(*dict.fromkeys(each for each in found if each is not None))
        return AllOf((*parts(allowed), *self.denials)) if self.denials else allowed

    def but(self, withheld: frozenset[int], denials: tuple[Predicate, ...]) -> Policy:
        """Return the policy without these patients, that grants only what fulfils the denials as well."""
        return _denied(self, withheld, denials) if denials else self

    def _has_patient(self, rule: Rule) -> bool:
        return bool(self.principal.patient) or not rule.patient

    def fitting(self, resource_type: str, letter: str) -> Sequence[Scope | None]:
        """Return the scopes that grant it; None stands for "no app is between"."""
        granted = self.principal.scopes
        if granted is None:
            return [None]
        found = [
            scope for scope in granted if scope.covers(resource_type) and letter in scope.letters
        ]
        if not found:
            raise self._no_scope(resource_type, letter, granted)
        return found

    def _of_both(self, rule: Rule, scope: Scope | None, resource_type: str) -> Right:
        """Return what one rule and one scope together ask of a resource."""
        held: list[Predicate] = []
        if rule.patient:
            launched = scope is not None and scope.context == "patient"
            held += self._tie(rule.patient, resource_type, launched=launched)
        if rule.criteria:
            held += _parsed(resource_type, self._bound(rule.criteria))
        if rule.of:
            held.append(PointsTo(_ANY_REFERENCE, rule.of, AllOf(()), typed=False))
        if scope is not None and scope.criteria:
            held += _parsed(resource_type, scope.criteria)
        return AllOf(tuple(held)) if len(held) > 1 else held[0] if held else None

    # Patients

    def _tie(self, how: str, resource_type: str, *, launched: bool) -> list[Predicate]:
        """Return how a resource is tied to the principal's patients, or to the launch patient among them."""
        whose = _any_key(self.sure) if self.sure and how == COMPARTMENT else self._patients()
        own = term.resource_key(f"Patient/{self.principal.patient}")
        if launched and whose != HasKey(own):
            near = _tied(how, resource_type, HasKey(own))
            return [near, _tied(how, resource_type, AllOf((HasKey(own), *parts(whose))))]
        return [_tied(how, resource_type, whose)]

    def _patients(self) -> Predicate:
        if self._whose is None:
            self._whose = self._found_patients()
        return self._whose

    def _found_patients(self) -> Predicate:
        found = [
            _joined(_parsed("Patient", self._bound(criteria))) for criteria in self.role.patients
        ]
        if self.withheld and found:
            # Whose whole record is denied is no patient of theirs, by whatever a resource is tied.
            hidden = Not(_any_key(self.withheld))
            found = [AllOf((any_of(*found), hidden))]
        opened = [HasKey(term.resource_key(f"Patient/{id_}")) for id_ in self.principal.emergency]
        return any_of(*found, *opened)

    def _bound(self, criteria: str) -> list[tuple[str, str]]:
        """Return the criteria's parameters with the principal in them, as values and never as text."""
        user = self.principal.user
        return [
            (name, value.replace("{user}", user).replace("{id}", user.partition("/")[2]))
            for name, value in parse_qsl(criteria)
        ]

    # Refusals

    def _no_rule(self, resource_type: str, letter: str) -> Forbidden:
        verb = _VERBS[letter]
        return Forbidden(
            f"The role {self.principal.role!r} may not {verb} {resource_type}: no rule of "
            f"profiles/access/{self.principal.role}.json lets it."
        )

    def _no_scope(self, resource_type: str, letter: str, granted: Sequence[Scope]) -> Forbidden:
        contexts = [scope.context for scope in granted] or ["user"]
        least = f"{contexts[0]}/{resource_type}.{letter}"
        return Forbidden(
            f"No scope of this token lets the app {_VERBS[letter]} {resource_type}; "
            f"the least that would is {least}.",
            headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{least}"'},
        )


@lru_cache(maxsize=_KEPT)
def policy_of(principal: Principal) -> Policy:
    """Return the principal's policy."""
    return Policy(principal, role(principal.role))


UNRESTRICTED = Policy(OPEN, role("open"))


@lru_cache(maxsize=_KEPT)
def _denied(policy: Policy, withheld: frozenset[int], denials: tuple[Predicate, ...]) -> Policy:
    return replace(policy, withheld=withheld, denials=denials, _rights={}, _marks={}, _whose=None)


@lru_cache(maxsize=_KEPT)
def _knowing(policy: Policy, sure: frozenset[int]) -> Policy:
    return replace(policy, sure=sure, _rights={}, _marks={})


def _keys(patients: Predicate) -> list[int]:
    """Return the patients' keys; [] unless all of them are known."""
    known = patients.predicates if isinstance(patients, AnyOf) else (patients,)
    keys = [each.key for each in known if isinstance(each, HasKey)]
    return keys if len(keys) == len(known) else []


def _any_key(keys: Iterable[int]) -> Predicate:
    return any_of(*(HasKey(key) for key in sorted(keys)))


def _marks(right: Right) -> tuple[int, ...]:
    choices = right.predicates if isinstance(right, AnyOf) else (right,)
    terms = tuple(each.term for each in choices if isinstance(each, HasTerm))
    return terms if len(terms) == len(choices) else ()


def _parsed(resource_type: str, pairs: Sequence[tuple[str, str]]) -> list[Predicate]:
    query = parse(resource_type, pairs)
    return [each for condition in query.conditions for each in parts(condition.predicate)]


def _joined(predicates: Sequence[Predicate]) -> Predicate:
    return predicates[0] if len(predicates) == 1 else AllOf(tuple(predicates))


def _tied(how: str, resource_type: str, patients: Predicate) -> Predicate:
    """Return the predicate of resources tied to any of the patients."""
    if how == COMPARTMENT:
        if resource_type == "Patient":
            return patients
        return _marked(term.COMPARTMENT, patients, typed=False)
    if how == ANYWHERE:
        return _marked(_ANY_REFERENCE, patients, typed=False)
    code, _, further = how.partition(".")
    mark = term.term(f"{resource_type}.{code}")
    if not further:
        return _marked(mark, patients, typed=True)
    return PointsTo(mark, "", _marked(term.COMPARTMENT, patients, typed=False))


def _marked(mark: int, patients: Predicate, *, typed: bool) -> Predicate:
    """Return "has the mark of one of the patients": a plain term for patients that are known."""
    if keys := _keys(patients):
        return any_of(*(HasTerm(mark ^ key, typed=typed) for key in keys))
    return PointsTo(mark, "Patient", patients, typed)
