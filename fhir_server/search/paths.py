"""Compile a search parameter's FHIRPath into JSON property names, one path per type of a choice.

R4's expressions (https://hl7.org/fhir/R4/searchparameter-registry.html) use a small part of
FHIRPath: steps, `as`, `ofType`, `where` with one equality, `resolve() is`, `extension(url)`,
an index and `exists()`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType

from fhir_server.definitions import structures
from fhir_server.definitions.structures import Element

_AS = re.compile(r"\(([\w.]+) as (\w+)\)")
_STEP = re.compile(r"(\w+)(?:\(((?:[^()]|\([^()]*\))*)\))?(\[0\])?(?:\.|$)")
_EQUAL = re.compile(r"(\w+)\s*=\s*'([^']*)'")
_RESOLVE = re.compile(r"resolve\(\) is (\w+)")
_HAS_EXTENSION = re.compile(r"hasExtension\('([^']*)'\)")
_TRUE_UNLESS_FALSE = re.compile(r"([\w.]+)\.exists\(\) and \1 != false")

# Observation's code-value-date asks for a type that R4 has no such name for.
_MISSPELT = MappingProxyType({"DateTime": "dateTime"})


@dataclass(frozen=True, slots=True)
class Filter:
    """What an item has to fulfil for the path to go on."""

    kind: str
    """equal: item[name] == value; target: reference to type `name`; extended: has extension `name`;
    first: the first item only."""
    name: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """Where a parameter finds values: property names, each with the filter of its items."""

    steps: tuple[tuple[str, Filter | None], ...]
    type: str
    """FHIR type of the value; "truth" for `x.exists() and x != false`, which is never absent."""
    element: Element | None
    inside: str = ""
    """Where `structures.elements` continues."""
    many: bool = False
    """Whether it can lead to several values."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.steps)

    @property
    def filters(self) -> tuple[Filter, ...]:
        return tuple(each for _, each in self.steps if each)


class UnsupportedExpressionError(ValueError):
    """The expression uses FHIRPath that this compiler does not know."""


def compile_paths(resource_type: str, expression: str) -> tuple[Path, ...]:
    """Return the paths of the alternatives about the type; UnsupportedExpressionError for others."""
    found: dict[Path, None] = {}
    for alternative in expression.split("|"):
        found.update(dict.fromkeys(_alternative(resource_type, alternative.strip())))
    return tuple(found)


def _alternative(resource_type: str, text: str) -> tuple[Path, ...]:
    truth = _TRUE_UNLESS_FALSE.fullmatch(text)
    if truth:
        paths = _alternative(resource_type, truth[1])
        return tuple(replace(path, type="truth") for path in paths)
    root, _, rest = _AS.sub(r"\1.as(\2)", text).partition(".")
    if root[:1].islower():  # InsurancePlan's "name | alias" leaves out the type
        root, rest = resource_type, text
    if not root.isidentifier():
        raise UnsupportedExpressionError(text)
    if not _is_about(resource_type, root):
        return ()
    return _follow(Path((), resource_type, None, resource_type), rest)


def compile_below(root: Path, expression: str) -> tuple[Path, ...]:
    """Return the paths of an expression about the items of `root`; their steps begin below it."""
    start = replace(root, steps=())
    found: dict[Path, None] = {}
    for alternative in expression.split("|"):
        text = _AS.sub(r"\1.as(\2)", alternative.strip())
        found.update(dict.fromkeys(_follow(start, text)))
    return tuple(found)


def _follow(start: Path, text: str) -> tuple[Path, ...]:
    paths: tuple[Path, ...] = (start,)
    for name, argument, index in _split(text):
        paths = tuple(
            after for path in paths for after in _advance(path, name, argument, bool(index))
        )
    return tuple(after for path in paths for after in _value_of_extension(path))


def _is_about(resource_type: str, root: str) -> bool:
    name = resource_type
    while name:
        if name == root:
            return True
        name = structures.parent(name)
    return False


def _split(text: str) -> Iterator[tuple[str, str | None, str | None]]:
    position = 0
    while position < len(text):
        step = _STEP.match(text, position)
        if not step:
            raise UnsupportedExpressionError(text)
        yield step[1], step[2], step[3]
        position = step.end()


def _advance(path: Path, name: str, argument: str | None, first: bool) -> tuple[Path, ...]:
    if argument is None:
        return _children(path, name, Filter("first") if first else None)
    if name in ("as", "ofType"):
        wanted = argument.strip()
        return (path,) if path.type == _MISSPELT.get(wanted, wanted) else ()
    if name == "extension":
        filtered = Filter("equal", "url", argument.strip("'"))
        return _children(path, "extension", filtered)
    if name == "where":
        return (_filtered(path, _condition(argument)),)
    raise UnsupportedExpressionError(name)


def _condition(text: str) -> Filter:
    if found := _EQUAL.fullmatch(text):
        return Filter("equal", found[1], found[2])
    if found := _RESOLVE.fullmatch(text):
        return Filter("target", found[1])
    if found := _HAS_EXTENSION.fullmatch(text):
        return Filter("extended", found[1])
    raise UnsupportedExpressionError(text)


def _filtered(path: Path, condition: Filter) -> Path:
    *before, (name, present) = path.steps
    if present:
        raise UnsupportedExpressionError(name)
    return replace(path, steps=(*before, (name, condition)))


def _children(path: Path, name: str, condition: Filter | None) -> tuple[Path, ...]:
    """Return a path for the element, or one for each type of a choice."""
    return tuple(
        Path(
            (*path.steps, (key, condition)),
            code,
            element,
            structures.child_path(element, code),
            path.many or element.max != 1,
        )
        for key, (element, code) in structures.json_elements(path.inside).items()
        # A JSON name of a choice (valueDateTime) is no FHIRPath, but US Core and others write it.
        if name in (element.name.removesuffix("[x]"), key)
    )


def _value_of_extension(path: Path) -> tuple[Path, ...]:
    """An expression that ends at an extension means its value: the rest is no search value."""
    return _children(path, "value", None) if path.type == "Extension" else (path,)
