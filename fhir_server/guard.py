"""Holds what is read and written to a principal's rights, beyond what a search's own conditions say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fhir_server.access.policy import Policy
from fhir_server.database import Connection
from fhir_server.drafts import Draft
from fhir_server.errors import Forbidden
from fhir_server.search.query import Query
from fhir_server.search.term import resource_key
from fhir_server.storage import resources, rights
from fhir_server.storage.resources import Version


@dataclass(frozen=True, slots=True)
class Guard:
    connection: Connection
    policy: Policy
    base: str

    def current(self, key: int, resource_type: str, letter: str) -> Version | None:
        """Return the current version of the key if the principal has the right to it; "" asks for none."""
        right = self.policy.right(resource_type, letter) if letter else None
        if right is None:
            return resources.read(self.connection, key)
        if marks := self.policy.marks(resource_type, letter):
            return rights.read_marked(self.connection, key, marks)
        return rights.read(self.connection, resource_type, right, key)

    def restrict(self, query: Query) -> Query:
        """Return the query that finds only what the principal may search; Forbidden when that is no type.

        Whose record is searched is mostly said: whether they are the principal's patient is asked first, so that
        the search need not find all the principal's patients.
        """
        named = self.policy.named(query)
        own = self.policy.own_patients()
        if not named or own is None:
            return self.policy.restrict(query)
        sure = rights.fulfilling(self.connection, ["Patient"], own, sorted(named))
        return self.policy.restrict(query, frozenset(sure))

    def may_see(self, resource_type: str, id_: str) -> bool:
        """Tell whether the principal may read the resource."""
        if not self.policy.permitted([resource_type], "r"):
            return False
        key = resource_key(f"{resource_type}/{id_}")
        return self.current(key, resource_type, "r") is not None

    def seen(self, versions: Sequence[Version], letter: str) -> list[Version]:
        """Return those versions, current or not, that the principal may read (r) or search (s).

        Both the version and what it has become have to be theirs: what was filed under the wrong
        patient is not that patient's to read in the history.
        """
        if self.policy.unrestricted:
            return list(versions)
        now = self.readable(versions)
        return [each for each in versions if each.key in now and self._held(each, letter)]

    def readable(self, versions: Sequence[Version]) -> set[int]:
        """Return the keys of the versions whose resources, as they are now, may be read."""
        return {each.key for each in versions} - {each.key for each in self.beyond(versions, "r")}

    def beyond(self, versions: Sequence[Version], letter: str) -> list[Version]:
        """Return the versions whose resources, as they are now, are beyond the principal's rights."""
        if self.policy.unrestricted or not versions:
            return []
        types = self.policy.permitted(dict.fromkeys(each.type for each in versions), letter)
        keys = [each.key for each in versions if each.type in types]
        right = self.policy.over(types, letter) if types else None
        fitting = set(keys)
        if right is not None:
            fitting = rights.fulfilling(self.connection, types, right, keys)
        return [each for each in versions if each.key not in fitting]

    def _held(self, version: Version, letter: str) -> bool:
        right = self.policy.right(version.type, letter)
        if right is None:
            return True
        if version.content is None:
            return False
        return rights.held(self.connection, right, version, self.base)

    def permit(self, drafts: Sequence[Draft], current: Mapping[str, Version]) -> None:
        """Raise Forbidden unless each is what the principal may create, or make of what there is."""
        if self.policy.unrestricted:
            return
        for draft in drafts:
            before = current.get(f"{draft.type}/{draft.id}")
            letter = "u" if before is not None and before.content is not None else "c"
            right = self.policy.right(draft.type, letter)
            if right is not None and not rights.holds(self.connection, right, draft.entry):
                raise Forbidden(
                    f"You may not store this {draft.type}: it would not be one of yours. "
                    "Look at whose it says it is (subject, patient, actor, author).",
                    draft.type,
                )
        self._refuse_strangers(drafts)

    def _refuse_strangers(self, drafts: Sequence[Draft]) -> None:
        """Refuse to name another's patient: an appointment with them would make them one's own."""
        own = self.policy.own_patients()
        named = {name for draft in drafts for name in draft.targets if name.startswith("Patient/")}
        if own is None or not named:
            return
        keys = {resource_key(name): name for name in named}
        known = rights.fulfilling(self.connection, ["Patient"], own, keys)
        strangers = sorted(name for key, name in keys.items() if key not in known)
        if strangers:
            raise Forbidden(f"You may not refer to {', '.join(strangers)}: no patient of yours.")
