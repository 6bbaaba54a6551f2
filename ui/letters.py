"""The mails of the portal, from the templates in templates/mail: a subject, an empty line, the text."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from markupsafe import escape

from billing.money import minor, shown
from fhir_server import extensions
from fhir_server.codec import Resource
from fhir_server.scheduling import appointments
from smart_auth.letters import parted
from smart_auth.pages import letters as templates
from smart_auth.wording import direction, language
from ui.calendar import who
from ui.pages import when


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    text: str
    html: str


def write(kind: str, reader: str, resource: Resource, zone: ZoneInfo, issuer: str) -> Letter:
    """Write to a reader ("patient", "practitioner") in the language that is spoken, with times of the zone."""
    start, held = resource.get("start"), extensions.text(resource, "held-until")
    money = appointments.fee(resource)
    written = (
        templates("ui")
        .get_template(f"{kind}.txt")
        .render(
            reader=reader,
            doctor=who(resource, "Practitioner"),
            patient=who(resource, "Patient"),
            when=when(start, zone) if start else "",
            until=when(held, zone) if held else "",
            fee=shown(minor(*money), money[1]) if money else "",
            paid=appointments.payment(resource) == "paid",
            link=f"{issuer}{_page(kind, reader, resource)}",
        )
    )
    subject, body = parted(written)
    body = body.strip() + "\n"
    return Letter(subject, body, as_html(subject, body))


def _page(kind: str, reader: str, resource: Resource) -> str:
    if kind in ("document", "prescription"):
        return f"/{kind}s"
    return "/day" if reader == "practitioner" else f"/visits/{resource['id']}"


def as_html(subject: str, body: str) -> str:
    """Return the plain text as a page: paragraphs, and links that can be followed."""
    parts = [str(escape(each)).replace("\n", "<br>") for each in body.strip().split("\n\n")]
    linked = [
        f'<a href="{each}">{each}</a>' if each.startswith(("http://", "https://")) else each
        for each in parts
    ]
    paragraphs = "".join(f"<p>{each}</p>" for each in linked)
    return (
        f'<!doctype html><html lang="{language()}" dir="{direction()}"><head><meta charset="utf-8">'
        f"<title>{escape(subject)}</title></head><body>{paragraphs}</body></html>"
    )
