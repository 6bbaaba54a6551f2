"""What a payment leaves in the record: Account, ChargeItem, Invoice, PaymentReconciliation, PaymentNotice.

https://hl7.org/fhir/R4/invoice.html. Their ids are the payment's, so writing them again changes nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from billing.money import major
from billing.provider import Payment
from fhir_server.codec import Resource
from fhir_server.extensions import claiming
from fhir_server.repository import Repository
from fhir_server.scheduling import records

SYSTEM = "urn:medconsult:payment"


def enter(repository: Repository, payment: Payment, patient: str, day: datetime) -> None:
    """Enter what was paid; once, however often it is called. In the caller's transaction."""
    if records.held(repository, "Invoice", payment.id) is not None:
        return
    account = _account(patient)
    if records.held(repository, "Account", account["id"]) is None:
        records.save(repository, account)
    for resource in _entries(payment, patient, day):
        records.save(repository, resource)


def balance(repository: Repository, payment: Payment, status: str) -> None:
    """Say on the Invoice that it was refunded (entered-in-error is for mistakes only): cancelled."""
    invoice = records.held(repository, "Invoice", payment.id)
    if invoice is not None and invoice["status"] != status:
        records.save(repository, invoice | {"status": status})


def money(payment: Payment) -> dict[str, Any]:
    return {"value": major(payment.amount, payment.currency), "currency": payment.currency}


def _entries(payment: Payment, patient: str, paid: datetime) -> list[Resource]:
    day = f"{paid.astimezone(UTC):%Y-%m-%d}"
    common = {"id": payment.id}
    return [
        {**each, **common}
        for each in (
            _charge(payment, patient, day),
            _invoice(payment, patient, day),
            _reconciliation(payment, day),
            _notice(payment, patient, day),
        )
    ]


def _account(patient: str) -> Resource:
    """Return the patient's account, which all that they pay for belongs to."""
    return {
        "resourceType": "Account",
        "id": f"account-{patient.rpartition('/')[2]}"[:64],
        "status": "active",
        "name": "Visits",
        "subject": [{"reference": patient}],
    }


def _charge(payment: Payment, patient: str, day: str) -> Resource:
    return {
        "resourceType": "ChargeItem",
        "identifier": [{"system": SYSTEM, "value": payment.id}],
        "status": "billed",
        "code": {"text": payment.title},
        "subject": {"reference": patient},
        "occurrenceDateTime": day,
        "supportingInformation": [{"reference": f"Appointment/{payment.appointment}"}],
        "priceOverride": money(payment),
        "account": [{"reference": f"Account/{_account(patient)['id']}"}],
    }


def _invoice(payment: Payment, patient: str, day: str) -> Resource:
    line = {
        "chargeItemReference": {"reference": f"ChargeItem/{payment.id}"},
        "priceComponent": [{"type": "base", "amount": money(payment)}],
    }
    return {
        "resourceType": "Invoice",
        "meta": claiming("invoice"),
        "identifier": [{"system": SYSTEM, "value": payment.id}],
        "status": "balanced",
        "subject": {"reference": patient},
        "recipient": {"reference": patient},
        "account": {"reference": f"Account/{_account(patient)['id']}"},
        "date": day,
        "lineItem": [line],
        "totalGross": money(payment),
    }


def _reconciliation(payment: Payment, day: str) -> Resource:
    return {
        "resourceType": "PaymentReconciliation",
        "status": "active",
        "created": day,
        "paymentDate": day,
        "paymentAmount": money(payment),
        "paymentIdentifier": {"system": SYSTEM, "value": payment.charge or payment.checkout},
        "detail": [
            {
                "type": {"text": "Payment"},
                "request": {"reference": f"Invoice/{payment.id}"},
                "amount": money(payment),
            }
        ],
    }


def _notice(payment: Payment, patient: str, day: str) -> Resource:
    return {
        "resourceType": "PaymentNotice",
        "status": "active",
        "request": {"reference": f"Invoice/{payment.id}"},
        "created": day,
        "payment": {"reference": f"PaymentReconciliation/{payment.id}"},
        "paymentDate": day,
        # R4 wants an organization; the payer stands in its words.
        "recipient": {"display": patient},
        "amount": money(payment),
        "paymentStatus": {"text": "paid"},
    }
