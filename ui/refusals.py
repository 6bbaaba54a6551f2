"""What people read when scheduling refuses: its own sentences are for programs, in English and with ids."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fhir_server.errors import FHIRError
from smart_auth.wording import later, say

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "slot-taken": later("Somebody else was faster. Choose another time."),
        "slot-gone": later("This time is not offered any more. Choose another one."),
        "too-soon": later("This time begins too soon to be booked. Choose a later one."),
        "time-taken": later("There is another visit at that time already. Choose another time."),
        "too-many-open": later(
            "There are as many open requests as there may be. Confirm, pay or withdraw one first."
        ),
        "other-practitioner": later(
            "The other time is with somebody else: book that one, and cancel this visit."
        ),
        "not-possible": later(
            "This cannot be done any more: the visit has changed meanwhile. See how it stands now."
        ),
        "begun": later("The visit has begun, so it cannot be cancelled any more."),
        "free-already": later("There is a free time on these days already: book it."),
        "waiting-already": later("You are on this waiting list already."),
        "not-payable": later("Nothing is to be paid for this visit any more."),
    }
)
"""By the code of urn:medconsult:refusal."""


def told(refusal: FHIRError) -> str:
    """Return the sentence for people; the refusal's own when its reason has none."""
    reason = refusal.all_issues()[0].reason
    return say(SENTENCES[reason]) if reason in SENTENCES else str(refusal)
