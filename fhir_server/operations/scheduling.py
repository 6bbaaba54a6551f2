"""$find, $hold, $wait, $confirm, $reschedule, $cancel and $mark of Appointment; see docs/scheduling.md."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from fhir_server import codec
from fhir_server.codec import Resource
from fhir_server.errors import InvalidParameter
from fhir_server.operations.asked import Asked
from fhir_server.repository import Repository
from fhir_server.scheduling import booking, records, slots, waiting
from fhir_server.scheduling.offer import offered

_MOST = 500
_CRITERIA = ("schedule", "practitioner", "specialty", "service-type")


def find(repository: Repository, asked: Asked) -> bytes:
    """Answer with the free slots as a searchset Bundle; by schedule, practitioner, specialty or none."""
    repository.policy.right("Slot", "s")
    criteria = [(name, value) for name in _CRITERIA if (value := asked.text(name))]
    start = max(_instant(asked, "start") or _now(), _now())
    end = _instant(asked, "end") or start + slots.AHEAD
    listed = records.find(repository, "Schedule", *_searched(criteria))
    offers = [offer for each in listed if (offer := offered(each))]
    found = slots.free(repository, offers, start, end, min(max(asked.page, 1), _MOST))
    return codec.encode(_bundle(repository, found))


def hold(repository: Repository, asked: Asked) -> bytes:
    slot, patient = (
        _needed(asked, "slot"),
        asked.text("patient") or repository.policy.principal.user,
    )
    return _step(
        repository,
        lambda: booking.hold(
            repository, slot.removeprefix("Slot/"), patient, asked.text("comment") or ""
        ),
    )


def wait(repository: Repository, asked: Asked) -> bytes:
    schedule = _needed(asked, "schedule").removeprefix("Schedule/")
    patient = asked.text("patient") or repository.policy.principal.user
    start = _instant(asked, "start") or _now()
    end = _instant(asked, "end") or start + slots.AHEAD
    comment = asked.text("comment") or ""
    return _step(
        repository, lambda: waiting.join(repository, schedule, patient, start, end, comment)
    )


def confirm(repository: Repository, asked: Asked) -> bytes:
    comment = asked.text("comment") or ""
    return _step(repository, lambda: booking.confirm(repository, asked.id, comment))


def reschedule(repository: Repository, asked: Asked) -> bytes:
    slot = _needed(asked, "slot").removeprefix("Slot/")
    return _step(repository, lambda: booking.reschedule(repository, asked.id, slot))


def cancel(repository: Repository, asked: Asked) -> bytes:
    reason = asked.text("reason") or ""
    return _step(repository, lambda: booking.cancel(repository, asked.id, reason))


def mark(repository: Repository, asked: Asked) -> bytes:
    status = _needed(asked, "status")
    return _step(repository, lambda: booking.mark(repository, asked.id, status))


def _step(repository: Repository, work: Callable[[], Resource]) -> bytes:
    with repository.connection.whole():
        return codec.encode(work())


def _searched(criteria: list[tuple[str, str]]) -> list[tuple[str, str]]:
    names = {"schedule": "_id", "practitioner": "actor"}
    return [("active", "true"), *((names.get(name, name), value) for name, value in criteria)]


def _needed(asked: Asked, name: str) -> str:
    value = asked.values(name)
    if value and isinstance(value[0], dict):  # a Reference
        return str(value[0].get("reference", ""))
    if not value:
        raise InvalidParameter(f"The parameter {name} is missing.", name)
    return str(value[0])


def _instant(asked: Asked, name: str) -> datetime | None:
    text = asked.text(name)
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidParameter(
            f"{name}={text!r} is no time such as 2026-01-31T09:00:00Z.", name
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _bundle(repository: Repository, found: list[Resource]) -> Resource:
    return (
        {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(found),
            "entry": [
                {"fullUrl": f"{repository.base}/Slot/{each['id']}", "resource": each}
                for each in found
            ],
        }
        if found
        else {"resourceType": "Bundle", "type": "searchset", "total": 0}
    )


def _now() -> datetime:
    return datetime.now(UTC)
