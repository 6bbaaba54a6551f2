"""Forms for people who are not signed in: bound to a cookie, so that no other site can send them."""

from __future__ import annotations

import hmac
from typing import Any

from fastapi import Request, Response

from smart_auth.auth import Auth
from smart_auth.bodies import Form
from smart_auth.hashes import fresh
from smart_auth.pages import render
from smart_auth.sessions import (
    cookie_name,
    expired_form,
    refuse_foreign,
    set_cookie,
    token,
)

LIFETIME_S = 12 * 3600


def page(auth: Auth, request: Request, template: str, **context: Any) -> Response:
    """Return a page whose forms `refuse_forged` will take from this browser."""
    cookie = request.cookies.get(cookie_name(auth, "form")) or fresh()
    answer = render(request, template, csrf=token(auth, cookie.encode()), **context)
    set_cookie(auth, answer, "form", cookie, LIFETIME_S)
    return answer


def refuse_forged(auth: Auth, request: Request, form: Form) -> None:
    """Raise Stop (403) when the form is not one that we gave to this browser."""
    refuse_foreign(request)
    cookie = request.cookies.get(cookie_name(auth, "form"), "")
    expected = token(auth, cookie.encode())
    if not cookie or not hmac.compare_digest(form.get("csrf", "").encode(), expected.encode()):
        raise expired_form()
