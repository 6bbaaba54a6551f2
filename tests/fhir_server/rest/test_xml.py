"""XML in and out without loss, https://hl7.org/fhir/R4/xml.html."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from lxml import etree

from fhir_server import codec
from fhir_server.errors import Invalid, Malformed, NotAcceptable
from fhir_server.rest.xml import from_xml, to_xml

DIV = "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p class='a'>1 &lt; 2 &amp; <br/>é</p></div>"
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "ann",
    "text": {"status": "generated", "div": DIV},
    "contained": [{"resourceType": "Organization", "id": "o", "name": 'A & "B" <C>\n\t'}],
    "extension": [{"url": "http://x", "valueDecimal": Decimal("1.50")}],
    "active": True,
    "name": [{"id": "n", "given": ["Ann", None, "😀"], "_given": [None, {"id": "g"}, None]}],
    "_birthDate": {"extension": [{"url": "http://y", "valueCode": "unknown"}]},
    "multipleBirthInteger": 2,
}


def document(inner: str, root: str = "Patient") -> bytes:
    return f'<{root} xmlns="http://hl7.org/fhir">{inner}</{root}>'.encode()


def test_a_resource_comes_back_as_it_was_with_its_digits() -> None:
    back = from_xml(to_xml(PATIENT))
    assert back == PATIENT
    assert codec.encode(back) == codec.encode(PATIENT)


@pytest.mark.parametrize(
    "digits", ["1.50", "0", "-0.00", "1E+2", "1e-7", "12345678901234567890.10"]
)
def test_decimals_keep_their_digits(digits: str) -> None:
    raw = f'{{"resourceType":"Observation","valueQuantity":{{"value":{digits}}}}}'.encode()
    resource = codec.decode(raw)
    assert codec.encode(from_xml(to_xml(resource))) == codec.encode(resource)


def test_the_elements_stand_in_the_order_of_r4() -> None:
    written = to_xml({"resourceType": "Patient", "gender": "male", "active": True, "id": "a"})
    names = [etree.QName(child).localname for child in etree.fromstring(written)]
    assert names == ["id", "active", "gender"]


def test_the_document_is_fhirs_xml() -> None:
    written = to_xml(PATIENT).decode()
    assert written.startswith('<?xml version="1.0" encoding="UTF-8"?><Patient xmlns="http://hl7')
    assert '<contained><Organization><id value="o"/>' in written
    assert '<extension url="http://x"><valueDecimal value="1.50"/></extension>' in written
    assert '<given id="g"/>' in written
    assert DIV in written


def test_a_bundle_carries_resources_and_bundles() -> None:
    inner = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": PATIENT}]}
    bundle = {**inner, "entry": [{"fullUrl": "urn:x", "resource": inner}, {"resource": PATIENT}]}
    assert from_xml(to_xml(bundle)) == bundle


def test_named_entities_of_the_narrative_become_numbers() -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml">a&nbsp;b</div>'
    written = to_xml({"resourceType": "Patient", "text": {"status": "generated", "div": div}})
    assert b"a&#160;b" in written


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Spam"},
        {"resourceType": "Patient", "spam": 1},
        {"resourceType": "Patient", "name": ["x"]},
        {"resourceType": "Patient", "name": [{"family": "a\x01"}]},
        {"resourceType": "Patient", "name": [{"family": "a\ud800"}]},
        {"resourceType": "Patient", "text": {"div": "<div>x</div>"}},
        {"resourceType": "Patient", "text": {"div": DIV + DIV}},
        {"resourceType": "Patient", "text": {"div": DIV[:-6]}},
        {"resourceType": "Patient", "contained": [{"id": "x"}]},
        {"resourceType": "Patient", "name": [{"_id": {"id": "x"}}]},
    ],
)
def test_what_xml_cannot_say_is_not_acceptable(resource: dict[str, Any]) -> None:
    with pytest.raises(NotAcceptable):
        to_xml(resource)


def test_comments_schema_hints_and_prefixes_are_read_over() -> None:
    raw = (
        b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?><!-- x -->'
        b'<f:Patient xmlns:f="http://hl7.org/fhir" '
        b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b">\n'
        b'<!-- y --> <f:active value="true"/></f:Patient>'
    )
    assert from_xml(raw) == {"resourceType": "Patient", "active": True}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"<Patient",
        document("<active>"),
        b'<Patient><active value="true"/></Patient>',
        document("true"),
        document('<active xmlns="http://other" value="true"/>'),
        "<?xml version='1.0' encoding='utf-16'?><a/>".encode("utf-16"),
        b'<?xml version="1.0" encoding="latin-1"?>' + document(""),
        document('<language value="\xff"/>').decode().encode("latin-1"),
    ],
)
def test_what_is_no_xml_of_fhir_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        from_xml(raw)


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE Patient [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE Patient [<!ENTITY a SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE Patient SYSTEM "http://127.0.0.1/x.dtd">',
    ],
)
def test_document_types_and_their_entities_are_refused(doctype: str) -> None:
    with pytest.raises(Malformed, match="document type"):
        from_xml(doctype.encode() + document('<language value="en"/>'))


def test_depth_is_bounded() -> None:
    deep = '<extension url="u">' * 5000 + "</extension>" * 5000
    with pytest.raises(Malformed, match="nests deeper"):
        from_xml(document(deep))
    nested = "<p>" * 5000 + "</p>" * 5000
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{nested}</div>'
    with pytest.raises(Malformed):
        from_xml(document(f'<text><status value="generated"/>{div}</text>'))


@pytest.mark.parametrize(
    "inner",
    [
        '<spam value="x"/>',
        '<active value="yes"/>',
        '<active value="true"/><active value="true"/>',
        '<active value="true" spam="x"/>',
        "<active/>",
        "<name/>",
        '<multipleBirthInteger value="1.5"/>',
        '<multipleBirthInteger value="01"/>',
        '<extension url="u"><valueDecimal value="+1"/></extension>',
        '<extension url="u"><valueDecimal value="NaN"/></extension>',
        '<name><id value="x"/></name>',
        "<contained/>",
        '<contained><id value="x"/></contained>',
        '<text><status value="generated"/><div/></text>',
        '<resourceType value="Group"/>',
    ],
)
def test_xml_that_is_no_r4_is_invalid_and_names_the_place(inner: str) -> None:
    with pytest.raises(Invalid) as found:
        from_xml(document(inner))
    assert found.value.expression.startswith("Patient")


def test_a_type_that_r4_does_not_have_is_invalid() -> None:
    with pytest.raises(Invalid):
        from_xml(document("", root="Spam"))
