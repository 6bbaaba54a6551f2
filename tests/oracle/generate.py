"""Searches over a world: every type, parameter, modifier and prefix, alone and combined, by one seed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random

from fhir_server.definitions import search_parameters, structures
from tests.oracle import composites, drawing, words
from tests.oracle.drawing import Written
from tests.oracle.paths import Value
from tests.oracle.world import World, linked, parameter

_SAMPLE = 25
MEANINGLESS = frozenset({("Patient", "age"), ("Patient", "birthOrderBoolean")})
"""Parameters whose expression finds nothing that a value of their type could be."""
_IN_EVERY = frozenset({"_id", "_lastUpdated"})
_SPECIAL = frozenset({"_text", "_content", "_list", "_query", "_filter"})


Drawn = tuple[str, str, str]
"""Kind, name and text of one condition."""


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

    focus: str = ""
    """A resource that all values are taken from, so that what is joined has a match."""

    def value_of(self, resource_type: str, code: str) -> tuple[Value | None, bool]:
        """Return a value of the parameter, or one of another; and whether it is its own."""
        names = [self.focus] if self.focus else self.known.by_type.get(resource_type, [])
        for name in self.random.sample(names, min(_SAMPLE, len(names))):
            values = self.known.values(name, code)
            if values:
                return self.random.choice(values), True
        pool = [] if self.focus else self.pools[parameter(resource_type, code).type]
        return (self.random.choice(pool) if pool else None), False

    def pair(self, resource_type: str, code: str) -> Drawn | None:
        """Return kind, name and text of one condition."""
        if code == "_list":
            return self.special(resource_type, code)
        type_ = parameter(resource_type, code).type
        if (resource_type, code) in MEANINGLESS:
            return "meaningless", code, "1"
        if type_ == "composite":
            return self.composite(resource_type, code)
        if code in _SPECIAL or type_ == "special":
            return self.special(resource_type, code)
        if self.random.random() < 0.08:
            kind = code if code in _IN_EVERY else type_
            return f"{kind}:missing", f"{code}:missing", self.random.choice(["true", "false"])
        drawn = self.drawn(type_, resource_type, code)
        if not drawn:
            return None
        kind, modifier, text = drawn
        if modifier and type_ == "uri" and code.startswith("_"):
            kind = f"{code}:{modifier}"
        if self.random.random() < 0.25:
            other = self.drawn(type_, resource_type, code)
            if other and other[1] == modifier and other[0].split()[0] == kind.split()[0]:
                text = f"{text},{other[2]}"
        return kind, f"{code}:{modifier}" if modifier else code, text

    def drawn(self, type_: str, resource_type: str, code: str) -> Written | None:
        if code == "_id":
            return self.identity(resource_type)
        for _ in range(5):
            value, own = self.value_of(resource_type, code)
            written = drawing.DRAWS[type_](self.random, value) if value else None
            askable = written and (own or written[1] not in ("of-type", "text"))
            if written and askable and self.is_askable(resource_type, code, written):
                return written
        return None

    def identity(self, resource_type: str) -> Written:
        names = self.known.by_type.get(resource_type, ["none/none"])
        modifier = self.random.choice(["", "", "not"])
        id_ = (self.focus or self.random.choice(names)).partition("/")[2]
        return f"_id:{modifier}".rstrip(":"), modifier, self.random.choice([id_, id_.upper()])

    def is_askable(self, resource_type: str, code: str, written: Written) -> bool:
        """A reference may only be asked for a type that it can have."""
        asked_for = parameter(resource_type, code)
        if written[0] != "reference:[type]":
            return True
        return not asked_for.targets or written[1] in asked_for.targets

    def composite(self, resource_type: str, code: str) -> Drawn | None:
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

    def special(self, resource_type: str, code: str) -> Drawn | None:
        names = self.known.by_type.get(resource_type, [])
        if not names:
            return None
        resource = self.known.resources[self.random.choice(names)]
        if code == "_list":
            lists = self.known.by_type.get("List", [])
            fitting = [each[0] for each in self.links if is_listed(each, resource_type)]
            chosen = self.random.choice(
                fitting if self.random.random() < 0.7 and fitting else lists
            )
            return "_list", code, chosen.partition("/")[2]
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

    def chain(self, source: str, depth: int = 3) -> Drawn | None:
        """Return a condition on what the resource points to."""
        links = [each for each in self.links if each[0] == source]
        if not links:
            return None
        _, code, target = self.random.choice(links)
        kind = target.partition("/")[0]
        beyond = self.chain(target, depth - 1) if depth > 1 and self.random.random() < 0.4 else None
        beyond = beyond or self.answerable(kind, target)
        if not beyond:
            return None
        plain = self.random.random() < 0.4 and is_plain(source, code, beyond[1])
        return beyond[0], f"{code if plain else f'{code}:{kind}'}.{beyond[1]}", beyond[2]

    def has(self, target: str, depth: int = 2) -> Drawn | None:
        """Return a condition on what points to the resource."""
        links = [each for each in self.links if each[2] == target]
        if not links:
            return None
        source, code, _ = self.random.choice(links)
        kind = source.partition("/")[0]
        beyond: Drawn | None = None
        if self.random.random() < 0.4 and depth > 1:
            beyond = self.random.choice([self.has, self.chain])(source, depth - 1)
        beyond = beyond or self.answerable(kind, source)
        return (beyond[0], f"_has:{kind}:{code}:{beyond[1]}", beyond[2]) if beyond else None

    def answerable(self, resource_type: str, focus: str) -> Drawn | None:
        """Return a condition of an ordinary kind, mostly of a value that the resource has."""
        self.focus = focus if self.random.random() < 0.85 else ""
        try:
            return self._answerable(resource_type)
        finally:
            self.focus = ""

    def _answerable(self, resource_type: str) -> Drawn | None:
        codes = sorted(search_parameters.parameters(resource_type))
        for _ in range(20):
            code = self.random.choice(codes)
            type_ = parameter(resource_type, code).type
            if code not in _SPECIAL and type_ in drawing.DRAWS:
                drawn = self.pair(resource_type, code)
                if drawn:
                    return drawn
        return None


def is_listed(link: tuple[str, str, str], resource_type: str) -> bool:
    """Tell whether the link is from a List to a resource of the type."""
    source, code, target = link
    return source.startswith("List/") and code == "item" and target.startswith(f"{resource_type}/")


def is_plain(source: str, code: str, beyond: str) -> bool:
    """Tell whether what stands beyond the chain means the same for every type pointed to."""
    if "." in beyond:
        return False
    targets = parameter(source.partition("/")[0], code).targets or structures.resource_types()
    name = re.split(r"[.:]", beyond)[0]
    known = [search_parameters.parameters(target).get(name) for target in targets]
    return len({each.type for each in known if each}) == 1


def generator(known: World, seed: int) -> Generator:
    made = Generator(known, Random(seed))
    for name, resource in known.resources.items():
        for code, each in search_parameters.parameters(resource["resourceType"]).items():
            if each.type == "reference":
                made.links += [(name, code, each) for each in linked(known, name, code)]
            if len(made.pools[each.type]) < 400:
                made.pools[each.type] += known.values(name, code)
    return made


def searches(known: World, seed: int) -> Iterator[Search]:
    """Yield the plan: each parameter of each type, more where there is data, then combinations."""
    made = generator(known, seed)
    for resource_type in structures.resource_types():
        codes = {"_list", *search_parameters.parameters(resource_type)}
        yield from _alone(made, resource_type, codes)
    types = sorted(known.by_type)
    for _ in range(900):
        yield from _combined(made, made.random.choice(types))
    for kind, draw in (("chain", made.chain), ("_has", made.has)) * 400:
        name = made.random.choice(made.links)[0 if kind == "chain" else 2]
        drawn_link = draw(name)
        if drawn_link:
            yield Search(name.partition("/")[0], (drawn_link[1:],), (kind, drawn_link[0]))


def of_contained(known: World, seed: int) -> Iterator[Search]:
    """Yield what can be asked of contained resources alone; their ids and times are their containers'."""
    made = generator(known, seed)
    for resource_type in sorted(known.by_type):
        codes = {*search_parameters.parameters(resource_type)} - {*_IN_EVERY, "_list"}
        yield from _alone(made, resource_type, codes)


def _alone(made: Generator, resource_type: str, codes: Iterable[str]) -> Iterator[Search]:
    for code in sorted(codes):
        for _ in range(_times(made.known, resource_type, code)):
            drawn = made.pair(resource_type, code)
            if drawn:
                yield Search(resource_type, (drawn[1:],), (drawn[0],))


def _times(known: World, resource_type: str, code: str) -> int:
    """Return how often to ask: more often where data is, and where a type has few parameters."""
    if code == "_list":
        return 5 if resource_type == "Patient" else 1
    if resource_type not in known.by_type or code.startswith("_"):
        return 1
    return _MORE.get(parameter(resource_type, code).type, 3)


_MORE = {"number": 40, "quantity": 20, "composite": 12, "special": 20}


def _combined(made: Generator, resource_type: str) -> Iterator[Search]:
    focus = made.random.choice(made.known.by_type[resource_type])
    drawn = [made.answerable(resource_type, focus) for _ in range(made.random.randint(2, 3))]
    found = [each for each in drawn if each]
    pairs = tuple((name, text) for _, name, text in found)
    if pairs:
        yield Search(resource_type, pairs, (*(kind for kind, _, _ in found), "combined"))


def orders(known: World) -> Iterator[tuple[str, str]]:
    """Yield a type and both values of _sort for each parameter that a resource of the type has."""
    for resource_type, names in sorted(known.by_type.items()):
        for code, each in sorted(search_parameters.parameters(resource_type).items()):
            sortable = each.type in drawing.DRAWS and code not in _SPECIAL
            if sortable and any(known.values(name, code) for name in names):
                yield resource_type, code
                yield resource_type, f"-{code}"
