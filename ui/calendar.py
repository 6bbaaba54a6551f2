"""An appointment as a calendar entry, RFC 5545: a new version updates it, a cancelled one takes it away."""

from __future__ import annotations

from datetime import UTC, datetime

from icalendar import Calendar, Event, vCalAddress

from fhir_server.codec import Resource
from fhir_server.instants import moment
from fhir_server.scheduling import appointments
from smart_auth.wording import say


def entry(appointment: Resource, issuer: str, sender: str = "noreply@localhost") -> str:
    """Return the text of the file; times in UTC, which every calendar shows in its own zone."""
    cancelled = appointment["status"] == "cancelled"
    made = Calendar()
    made.add("prodid", "-//MedConsult//EN")
    made.add("version", "2.0")
    made.add("method", "CANCEL" if cancelled else "REQUEST")
    made.add_component(_event(appointment, issuer, sender, cancelled=cancelled))
    return str(made.to_ical().decode())


def _event(appointment: Resource, issuer: str, sender: str, *, cancelled: bool) -> Event:
    event = Event()
    event.add("uid", f"appointment-{appointment['id']}@{issuer.partition('//')[2]}")
    event.add("sequence", int(appointment["meta"]["versionId"]))
    event.add("dtstamp", datetime.now(UTC))
    event.add("dtstart", moment(appointment["start"]))
    event.add("dtend", moment(appointment["end"]))
    # No clinical word: calendars are shared.
    event.add("summary", say("Visit with %(doctor)s", doctor=who(appointment, "Practitioner")))
    event.add("url", f"{issuer}/visits/{appointment['id']}")
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event["organizer"] = vCalAddress(f"mailto:{sender}")
    return event


def who(appointment: Resource, type_: str) -> str:
    """Return the name of the participant of the type."""
    actor = appointments.participant(appointment, type_).get("actor", {})
    return str(actor.get("display") or "somebody")
