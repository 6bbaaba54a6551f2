"""Tells people by mail what happened to them, and does what else follows from a change in the records.

Each change is followed once, in one transaction with all that follows: the mails, the slots of a
changed schedule, the refund of a cancelled visit. No mail holds anything clinical.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import structlog
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from billing import payments
from fhir_server.access.principal import Principal
from fhir_server.channels import mail
from fhir_server.codec import Resource
from fhir_server.errors import Conflict, FHIRError
from fhir_server.extensions import claiming
from fhir_server.instants import instant, moment
from fhir_server.repository import Repository
from fhir_server.scheduling import appointments, booking, followed, records, slots
from fhir_server.scheduling.followed import Followed
from smart_auth import accounts
from smart_auth.accounts import Account
from smart_auth.wording import ENGLISH, speaking
from ui import letters, preferences
from ui.calendar import entry
from ui.portal import Portal, usual_zone
from ui.tables import reminder

TELLER = Principal("system", name="Notices")
REMINDED_HOURS = (24, 1)
_OLD = timedelta(hours=1)
_CATEGORY = "http://terminology.hl7.org/CodeSystem/communication-category"
log = structlog.get_logger("telling")


@dataclass(frozen=True, slots=True)
class Told:
    """What one change is told as: to whom, by which template, with or without a calendar entry."""

    kind: str
    patient: bool = True
    practitioner: bool = False
    calendar: bool = False


KINDS: Mapping[str, Told] = MappingProxyType(
    {
        each.kind: each
        for each in (
            Told("requested", practitioner=True),
            Told("offered"),
            Told("waited"),
            Told("approved"),
            Told("booked", practitioner=True, calendar=True),
            Told("changed", practitioner=True, calendar=True),
            Told("cancelled", practitioner=True, calendar=True),
            Told("rejected"),
            Told("expired"),
            Told("payment-failed"),
            Told("refunded"),
            Told("document"),
            Told("prescription"),
        )
    }
)


def follow_next(portal: Portal) -> bool:
    """Do what follows from the next change; False when there is none."""
    with portal.auth.engine.begin() as connection:
        repository = portal.auth.store.acting(TELLER).joining(connection)
        change = followed.take(repository)
        if change is None:
            return False
        try:
            with connection.begin_nested():
                _FOLLOW[change.type](portal, connection, repository, change)
        except (FHIRError, LookupError, ValueError) as error:
            # What cannot be followed must not keep all that comes after it from being followed.
            log.error("change.not_followed", type=change.type, id=change.id, error=str(error))
    return True


# What happened


def what_happened(before: Resource | None, after: Resource | None) -> str:
    """Return which of KINDS a new version of an Appointment is; "" when nobody has to be told."""
    if after is None:
        return ""
    was, now = (before or {}).get("status", ""), after["status"]
    if now != was:
        return _by_status(after, was, now)
    if before and before.get("start") != after.get("start") and now in ("booked", "pending"):
        return "changed"
    if before and appointments.payment(before) != appointments.payment(after):
        paid = appointments.payment(after)
        return {"failed": "payment-failed"}.get(paid, "refunded" if "refunded" in paid else "")
    return "requested" if _asks(after) and not _asks(before) else ""


def _by_status(after: Resource, was: str, now: str) -> str:
    match now:
        case "pending":
            return "approved" if was == "proposed" and appointments.is_due(after) else ""
        case "booked":
            return "booked"
        case "proposed":
            otherwise = "requested" if _asks(after) else ""
            return {"booked": "changed", "waitlist": "offered"}.get(was, otherwise)
        case "cancelled":
            reason = appointments.reason(after)
            if was == "waitlist":
                return "" if reason == "withdrawn" else "waited"
            return reason if reason in ("rejected", "expired") else "cancelled"
    return ""


def _asks(appointment: Resource | None) -> bool:
    """Tell whether the patient said that they want it, and the practitioner has yet to."""
    if appointment is None or appointment["status"] != "proposed":
        return False
    return appointments.participant(appointment, "Patient").get("status") == "accepted"


# What follows


def _appointment(
    portal: Portal, connection: Connection, repository: Repository, change: Followed
) -> None:
    after = change.after
    kind = what_happened(change.before, after)
    if after is None or not kind:
        return
    if after["status"] == "cancelled" and appointments.payment(after) == "paid":
        _give_back(connection, repository, after)
    if "start" not in after or moment(after["start"]) > datetime.now(UTC) - _OLD:
        tell(portal, connection, repository, KINDS[kind], after)


def _give_back(connection: Connection, repository: Repository, appointment: Resource) -> None:
    """Note the refund that the cancellation rule grants."""
    share = 100
    if appointments.schedule(appointment):
        offer = booking.offer_for(repository, appointment)
        at = moment(appointment["meta"]["lastUpdated"])
        share = booking.refund_share(appointment, offer, at)
    payments.due(connection, appointment["id"], share)


def _schedule(_: Portal, __: Connection, repository: Repository, change: Followed) -> None:
    """Make the slots after what it offers now."""
    if change.after is None or not change.after.get("active", True):
        return
    try:
        slots.materialise(repository, change.after, datetime.now(UTC))
    except Conflict as refusal:
        log.info("slots.none", schedule=change.id, reason=str(refusal))


def _document(
    portal: Portal, connection: Connection, repository: Repository, change: Followed
) -> None:
    """Tell the patient of a document that somebody else added."""
    after = change.after
    if after is None or change.version > 1:
        return
    subject = after.get("subject", {}).get("reference", "")
    authors = [each.get("reference", "") for each in after.get("author", [])]
    if subject.startswith("Patient/") and subject not in authors and _is_new(after, "date"):
        kind = "prescription" if _is_prescription(after) else "document"
        tell_patient(portal, connection, repository, kind, subject, after)


def _is_prescription(document: Resource) -> bool:
    codings = document.get("type", {}).get("coding", [])
    return any(each.get("code") == "57833-6" for each in codings)


Follow = Callable[[Portal, Connection, Repository, Followed], None]
# A prescription is told of when its paper is there, which is a document.
_FOLLOW: Mapping[str, Follow] = MappingProxyType(
    {
        "Appointment": _appointment,
        "Schedule": _schedule,
        "DocumentReference": _document,
    }
)


def _is_new(resource: Resource, name: str) -> bool:
    """Tell whether it is of these days: what is loaded from elsewhere is nothing new to anybody."""
    text = str(resource.get(name, ""))
    return "T" in text and datetime.now(UTC) - moment(text) < timedelta(days=2)


# Mails


def tell(
    portal: Portal,
    connection: Connection,
    repository: Repository,
    told: Told,
    appointment: Resource,
) -> None:
    """Queue the mails about an appointment, each in its reader's time zone."""
    people: list[tuple[str, Account]] = []
    if told.patient:
        people += _patients(connection, repository, appointments.actor(appointment, "Patient"))
    if told.practitioner:
        doctor = appointments.actor(appointment, "Practitioner")
        people += [("practitioner", each) for each in accounts.of_users(connection, [doctor])]
    for reader, account in people:
        _queue(
            portal,
            connection,
            repository,
            told.kind,
            reader,
            account,
            appointment,
            calendar=told.calendar,
        )


def tell_patient(
    portal: Portal,
    connection: Connection,
    repository: Repository,
    kind: str,
    patient: str,
    resource: Resource,
) -> None:
    for reader, account in _patients(connection, repository, patient):
        _queue(portal, connection, repository, kind, reader, account, resource)


def _patients(
    connection: Connection, repository: Repository, patient: str
) -> list[tuple[str, Account]]:
    """Return the accounts of the patient and of who cares for them."""
    if not patient:
        return []
    carers = records.find(repository, "RelatedPerson", ("patient", patient), ("active", "true"))
    users = [patient, *(f"RelatedPerson/{each['id']}" for each in carers)]
    return [("patient", each) for each in accounts.of_users(connection, users)]


def _queue(
    portal: Portal,
    connection: Connection,
    repository: Repository,
    kind: str,
    reader: str,
    account: Account,
    resource: Resource,
    *,
    calendar: bool = False,
) -> None:
    """Queue a mail in its reader's language, and note in the record that it was sent."""
    chosen = preferences.of_account(connection, account.id, usual_zone(portal))
    with speaking(chosen.language or ENGLISH):
        letter = letters.write(kind, reader, resource, chosen.zone, portal.auth.issuer)
        attached = entry(resource, portal.auth.issuer) if calendar else ""
    mail.queue(connection, account.email, letter.subject, letter.text, letter.html, attached)
    records.create(repository, _communication(letter.subject, reader, account, resource))


def _communication(subject: str, reader: str, account: Account, resource: Resource) -> Resource:
    """Return the record's note that somebody was written to; the text itself is in the mail alone."""
    about = {"reference": f"{resource['resourceType']}/{resource['id']}"}
    patient = appointments.actor(resource, "Patient") or resource.get("subject", {}).get(
        "reference"
    )
    return {
        "resourceType": "Communication",
        "meta": claiming("notice"),
        "status": "completed",
        "category": [{"coding": [{"system": _CATEGORY, "code": "notification"}]}],
        "medium": [{"text": "E-mail"}],
        **({"subject": {"reference": patient}} if patient else {}),
        "about": [about],
        "sent": instant(datetime.now(UTC)),
        "recipient": [{"reference": account.fhir_user, "display": account.name or reader}],
        "payload": [{"contentString": subject}],
    }


# Reminders


def remind(portal: Portal) -> int:
    """Queue the reminders that are due, each once; returns how many appointments had one."""
    done = 0
    for hours in REMINDED_HOURS:
        with portal.auth.engine.begin() as connection:
            repository = portal.auth.store.acting(TELLER).joining(connection)
            for appointment in _soon(repository, hours):
                done += _remind(portal, connection, repository, appointment, hours)
    return done


def _soon(repository: Repository, hours: int) -> Sequence[Resource]:
    now = datetime.now(UTC)
    least = {24: 2, 1: 0}[hours]  # nobody is told "tomorrow" of what begins in an hour
    return records.find(
        repository,
        "Appointment",
        ("status", "booked"),
        ("date", f"gt{instant(now + timedelta(hours=least))}"),
        ("date", f"le{instant(now + timedelta(hours=hours))}"),
    )


def _remind(
    portal: Portal, connection: Connection, repository: Repository, appointment: Any, hours: int
) -> int:
    row = {"appointment": appointment["id"], "start": moment(appointment["start"])}
    new = insert(reminder).values(row | {"hours": str(hours)}).on_conflict_do_nothing()
    if connection.execute(new).rowcount == 0:
        return 0
    patient = appointments.actor(appointment, "Patient")
    for reader, account in _patients(connection, repository, patient):
        if preferences.of_account(connection, account.id, usual_zone(portal)).reminders:
            _queue(portal, connection, repository, "reminder", reader, account, appointment)
    return 1
