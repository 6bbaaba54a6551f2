"""Searches over a world: every type, parameter, modifier and prefix, alone and combined, by one seed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from fhir_server.definitions import search_parameters, structures
from tests.oracle import composites, drawing, words
from tests.oracle.drawing import Written
from tests.oracle.paths import Value
from tests.oracle.world import World, parameter, reference_literals

_SAMPLE = 25
_SPECIAL = frozenset({"_text", "_content", "_list", "_query", "_filter"})


@dataclass(frozen=True, slots=True)
class Search:
    type: str
    pairs: tuple[tuple[str, str], ...]
    kinds: tuple[str, ...]
    """What each pair is an example of: "token:not", "date ge", "chain"."""


@dataclass(slots=True)
class Generator:
    known: World
    random: Random
    pools: dict[str, list[Value]] = field(default_factory=lambda: defaultdict(list))
    """Values by parameter type, for parameters that no resource has a value of."""
    links: list[tuple[str, str, str]] = field(default_factory=list)
    """Source, parameter and target of each reference whose target is there."""

    def value_of(self, resource_type: str, code: str) -> tuple[Value | None, bool]:
        """Return a value of the parameter, or one of another; and whether it is its own."""
        names = self.known.by_type.get(resource_type, [])
        for name in self.random.sample(names, min(_SAMPLE, len(names))):
            values = self.known.values(name, code)
            if values:
                return self.random.choice(values), True
        pool = self.pools[parameter(resource_type, code).type]
        return (self.random.choice(pool) if pool else None), False

    def pair(self, resource_type: str, code: str) -> tuple[str, str, str] | None:
        """Return kind, name and text of one condition."""
        type_ = parameter(resource_type, code).type
        if type_ == "composite":
            return self.composite(resource_type, code)
        if code in _SPECIAL or type_ == "special":
            return self.special(resource_type, code)
        if self.random.random() < 0.08:
            return f"{type_}:missing", f"{code}:missing", self.random.choice(["true", "false"])
        drawn = self.drawn(type_, resource_type, code)
        if not drawn:
            return None
        kind, modifier, text = drawn
        if self.random.random() < 0.25:
            other = self.drawn(type_, resource_type, code)
            if other and other[1] == modifier:
                text = f"{text},{other[2]}"
        return kind, f"{code}:{modifier}" if modifier else code, text

    def drawn(self, type_: str, resource_type: str, code: str) -> Written | None:
        for _ in range(5):
            value, own = self.value_of(resource_type, code)
            written = drawing.DRAWS[type_](self.random, value) if value else None
            if written and (own or written[1] not in ("of-type", "text")):
                if self.is_askable(resource_type, code, written):
                    return written
        return None

    def is_askable(self, resource_type: str, code: str, written: Written) -> bool:
        """A reference may only be asked for a type that it can have."""
        asked_for = parameter(resource_type, code)
        if written[0] != "reference:[type]":
            return True
        return not asked_for.targets or written[1] in asked_for.targets

    def composite(self, resource_type: str, code: str) -> tuple[str, str, str] | None:
        asked_for = parameter(resource_type, code)
        for name in self.known.by_type.get(resource_type, ())[:_SAMPLE]:
            resource = self.known.resources[name]
            for element in composites.elements(resource, asked_for):
                parts = composites.part_values(resource, asked_for, element)
                texts = [
                    self.part(composites.type_of(url), values)
                    for (url, _), values in zip(asked_for.components, parts, strict=True)
                ]
                if all(texts) and self.random.random() < 0.4:
                    return "composite", code, "$".join(map(str, texts))
        return None

    def part(self, type_: str, values: list[Value]) -> str:
        for _ in range(8 if values else 0):
            written = drawing.DRAWS[type_](self.random, self.random.choice(values))
            if written and not written[1] and "ucum" not in written[0]:
                return written[2]
        return ""

    def special(self, resource_type: str, code: str) -> tuple[str, str, str] | None:
        names = self.known.by_type.get(resource_type, [])
        if not names:
            return None
        resource = self.known.resources[self.random.choice(names)]
        if code == "_list":
            lists = self.known.by_type.get("List", [])
            return "_list", code, self.random.choice(lists).partition("/")[2]
        if code == "near":
            place = f"{self.random.uniform(-90, 90):.4f}|{self.random.uniform(-180, 180):.4f}"
            if "position" in resource and self.random.random() < 0.8:
                place = f"{resource['position']['latitude']}|{resource['position']['longitude']}"
            return "near", code, place + self.random.choice(["", "|10", "|900|km", "|5000|[mi_us]"])
        own = words.words(words.narrative(resource))
        if code == "_content":
            own.update(*map(words.words, words.prose(resource, resource_type)))
        if code not in ("_text", "_content") or not own:
            return None
        chosen = self.random.sample(sorted(own), min(len(own), self.random.randint(1, 2)))
        return code, code, " ".join(chosen)

    def chain(self, source: str, depth: int = 3) -> tuple[str, str] | None:
        """Return name and text of a condition on what the resource points to."""
        links = [each for each in self.links if each[0] == source]
        if not links:
            return None
        _, code, target = self.random.choice(links)
        kind = target.partition("/")[0]
        link = f"{code}:{kind}" if self.random.random() < 0.6 else code
        if depth > 1 and self.random.random() < 0.4:
            beyond = self.chain(target, depth - 1)
            if beyond:
                return f"{link}.{beyond[0]}", beyond[1]
        drawn = self.answerable(kind)
        return (f"{link}.{drawn[1]}", drawn[2]) if drawn else None

    def has(self, target: str, depth: int = 2) -> tuple[str, str] | None:
        """Return name and text of a condition on what points to the resource."""
        links = [each for each in self.links if each[2] == target]
        if not links:
            return None
        source, code, _ = self.random.choice(links)
        kind = source.partition("/")[0]
        head = f"_has:{kind}:{code}:"
        beyond: tuple[str, str] | None = None
        if self.random.random() < 0.4 and depth > 1:
            beyond = self.random.choice([self.has, self.chain])(source, depth - 1)
        if beyond is None:
            drawn = self.answerable(kind)
            beyond = drawn and (drawn[1], drawn[2])
        return (head + beyond[0], beyond[1]) if beyond else None

    def answerable(self, resource_type: str) -> tuple[str, str, str] | None:
        """Return a condition of an ordinary kind on the type."""
        codes = sorted(search_parameters.parameters(resource_type))
        for _ in range(20):
            code = self.random.choice(codes)
            type_ = parameter(resource_type, code).type
            if code not in _SPECIAL and type_ in drawing.DRAWS:
                drawn = self.pair(resource_type, code)
                if drawn and drawn[0] not in _LATE:
                    return drawn
        return None


# Kinds that have a place of their own in the table, and so do not stand beyond a chain.
_LATE = frozenset({"token:text", "token:above", "token:below"})


def generator(known: World, seed: int) -> Generator:
    made = Generator(known, Random(seed))
    for name, resource in known.resources.items():
        for code, each in search_parameters.parameters(resource["resourceType"]).items():
            if each.type == "reference":
                for literal in reference_literals(known, name, code):
                    if literal in known.resources:
                        made.links.append((name, code, literal))
            if len(made.pools[each.type]) < 400:
                made.pools[each.type] += known.values(name, code)
    return made


def searches(known: World, seed: int) -> Iterator[Search]:
    """Yield the plan: each parameter of each type, more where there is data, then combinations."""
    made = generator(known, seed)
    for resource_type in structures.resource_types():
        there = resource_type in known.by_type
        for code in sorted(search_parameters.parameters(resource_type)):
            own = not code.startswith("_")
            for _ in range(3 if there and own else 1):
                drawn = made.pair(resource_type, code)
                if drawn:
                    yield Search(resource_type, (drawn[1:],), (drawn[0],))
    types = sorted(known.by_type)
    for _ in range(600):
        yield from _combined(made, made.random.choice(types))
    for kind, draw in (("chain", made.chain), ("_has", made.has)) * 250:
        name = made.random.choice(made.links)[0 if kind == "chain" else 2]
        drawn_link = draw(name)
        if drawn_link:
            yield Search(name.partition("/")[0], (drawn_link,), (kind,))


def _combined(made: Generator, resource_type: str) -> Iterator[Search]:
    drawn = [made.answerable(resource_type) for _ in range(made.random.randint(2, 3))]
    found = [each for each in drawn if each]
    pairs = tuple((name, text) for _, name, text in found)
    if pairs:
        yield Search(resource_type, pairs, (*(kind for kind, _, _ in found), "combined"))
