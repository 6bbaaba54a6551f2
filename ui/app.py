"""Every address of the portal, room by room."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import APIRouter

from ui import (
    admin,
    admin_accounts,
    chart,
    day,
    demo,
    doctors,
    documents,
    hours,
    offers,
    pages,
    prescriptions,
    profile,
    settings_page,
    visits,
    waiting,
)
from ui.portal import Portal

ROUTERS: Sequence[Callable[[Portal], APIRouter]] = (
    pages.routes,
    # For everybody
    doctors.routes,
    settings_page.routes,
    profile.routes,
    # For patients
    visits.routes,
    waiting.routes,
    demo.routes,
    documents.routes,
    prescriptions.routes,
    # For practitioners
    day.routes,
    hours.routes,
    chart.routes,
    # For administrators
    admin.routes,
    admin_accounts.routes,
    offers.routes,
)


def router(portal: Portal) -> APIRouter:
    """Return all of them, to be mounted at the root."""
    made = APIRouter()
    for each in ROUTERS:
        made.include_router(each(portal))
    return made
