"""Role rules, read from profiles/access/*.json: what each kind of principal may do, as data.

A file holds

    title       who has the role
    patients    searches on Patient whose matches are "their patients"; {user} is the principal's
                "Type/id", {id} its id alone
    rules       each: types ("*" for all), may (some of cruds), and what narrows it down
    consents    true where patients' Consents narrow what the rules give
    operations  operations beyond reading and writing that the role may call: reindex, explain, ...

A rule is narrowed by `patient`, which says how a resource is tied to a patient of theirs

    compartment            it is in the patient's compartment, or is the patient
    <parameter>            that reference parameter leads to the patient
    <parameter>.compartment  the parameter leads to something in the patient's compartment
    *                      any reference of it names the patient

and by `criteria`, a search on the type, in which {user} and {id} stand for the principal too, and by `of`,
a type: any reference of it has to name a resource of that one (a Binary of a Practitioner is their picture).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

_FOLDER = Path(__file__).resolve().parents[2] / "profiles" / "access"
COMPARTMENT = "compartment"
ANYWHERE = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    types: Sequence[str]
    may: str
    patient: str = ""
    criteria: str = ""
    of: str = ""

    def covers(self, resource_type: str, letter: str) -> bool:
        return letter in self.may and (resource_type in self.types or "*" in self.types)


@dataclass(frozen=True, slots=True)
class Role:
    title: str
    rules: Sequence[Rule] = ()
    patients: Sequence[str] = ()
    operations: Sequence[str] = ()
    consents: bool = False
    """Whether patients' Consents may take away what the rules give."""


NOBODY = Role("Whoever has no role here: may do nothing")


def names() -> list[str]:
    """Return the roles there are."""
    return sorted(file.stem for file in _FOLDER.glob("*.json"))


@cache
def role(name: str) -> Role:
    """Return the role; NOBODY when no file has the name."""
    if name not in names():
        return NOBODY
    return msgspec.json.decode((_FOLDER / f"{name}.json").read_bytes(), type=Role)
