"""One access, from when it is asked for until it is a row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fhir_server.access.principal import Principal


@dataclass(slots=True)
class Access:
    """One interaction of one principal."""

    principal: Principal
    interaction: str = ""
    """Code of http://hl7.org/fhir/restful-interaction, or an operation's name."""
    type: str = ""
    id: str = ""
    query: str = ""
    address: str = ""
    request_id: str = ""
    recorded: datetime = field(default_factory=lambda: datetime.now(UTC))
    keys: list[int] = field(default_factory=list)
    """Of the resources that were shown or written."""
    status: int = 0
    """Of the answer, as HTTP has it."""
    written: bool = False
    """Whether what it changed has its rows already, in the transaction of the change."""

    def saw(self, keys: Iterable[int]) -> None:
        self.keys += keys
