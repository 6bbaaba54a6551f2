"""Parameters of an SQL statement that is being written: values are bound, never put in the text.

https://www.psycopg.org/docs/usage.html#passing-parameters-to-sql-queries
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Writer:
    """Grows while a statement is written."""

    parameters: dict[str, object] = field(default_factory=dict)
    rows: int = 0
    many: frozenset[int] = frozenset()
    """Terms that no search should begin with."""
    probes: bool = False
    """Whether few have a term of the search, so that ordered tables are asked of each of them."""
    leads: bool = False
    """Whether the search begins in an ordered table."""
    few: bool = False
    """Whether the rows are few and known: links are then followed from them, not from all that is linked."""
    joined: dict[int, str] = field(default_factory=dict)
    """By parameter: the name of the row of date_index that `resource r` is joined with."""

    def bind(self, value: object) -> str:
        """Return the placeholder of the value."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        # In brackets: a cast would bind more tightly than the sign of a negative number.
        return f"(%({name})s)"

    def alias(self) -> str:
        """Return a new name for a row of `resource` in a subquery."""
        self.rows += 1
        return f"r{self.rows}"
