"""Refresh tokens: used once, followed by another, never for more than was granted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update

from smart_auth import access_tokens, clients, grants
from smart_auth.hashes import digest
from smart_auth.tables import refresh_token, session
from tests.smart_auth.tokens.server import SCOPE, Server

ONLINE = "launch/patient openid online_access patient/Patient.rs"


def let_time_pass(server: Server, seconds: int) -> None:
    """Make every use of a refresh token that much older."""
    with server.auth.engine.begin() as connection:
        older = refresh_token.c.used - timedelta(seconds=seconds)
        connection.execute(update(refresh_token).values(used=older))


def test_a_refresh_token_gives_the_same_again_and_a_new_refresh_token(server: Server) -> None:
    app = server.app()
    first = server.tokens(app)
    answer = server.refresh(app, first["refresh_token"])
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    second = answer.json()
    assert second["scope"] == SCOPE
    assert second["patient"] == "1"
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert second["id_token"]


def test_a_stolen_refresh_token_ends_the_whole_family(server: Server) -> None:
    app = server.app()
    first = server.tokens(app)
    second = server.refresh(app, first["refresh_token"]).json()
    let_time_pass(server, 11)
    stolen = server.refresh(app, first["refresh_token"])
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert server.refresh(app, second["refresh_token"]).status_code == 400
    assert server.introspect(app, second["access_token"]) == {"active": False}


def test_an_app_that_asks_twice_at_once_gets_the_same_refresh_token(server: Server) -> None:
    app = server.app()
    first = server.tokens(app)["refresh_token"]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: server.refresh(app, first), range(3)))
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    following = {answer.json()["refresh_token"] for answer in answers}
    assert len(following) == 1
    assert server.refresh(app, following.pop()).status_code == 200


def test_after_the_successor_was_used_the_old_one_is_a_theft_even_at_once(server: Server) -> None:
    app = server.app()
    first = server.tokens(app)["refresh_token"]
    second = server.refresh(app, first).json()["refresh_token"]
    third = server.refresh(app, second).json()["refresh_token"]
    assert server.refresh(app, first).status_code == 400
    assert server.refresh(app, third).status_code == 400


def test_a_refresh_may_ask_for_less_and_later_for_all_again(server: Server) -> None:
    app = server.app()
    first = server.tokens(app)["refresh_token"]
    less = server.refresh(app, first, scope="patient/Observation.r").json()
    assert less["scope"] == "patient/Observation.r"
    assert "id_token" not in less
    assert server.refresh(app, less["refresh_token"], scope=SCOPE).json()["scope"] == SCOPE


@pytest.mark.parametrize(
    "scope",
    [
        SCOPE + " patient/Condition.rs",
        "patient/Observation.cruds",
        "patient/*.rs",
        "user/Patient.rs",
        "system/Patient.rs",
        "launch/encounter",
    ],
)
def test_a_refresh_never_widens_the_scope(server: Server, scope: str) -> None:
    app = server.app()
    first = server.tokens(app)["refresh_token"]
    answer = server.refresh(app, first, scope=scope)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    assert server.refresh(app, first).status_code == 200


def test_what_the_person_narrowed_is_gone_from_old_tokens_at_once_and_from_new_ones(
    server: Server,
) -> None:
    app = server.app()
    tokens = server.tokens(app)
    given = access_tokens.read(server.auth, tokens["access_token"])["grant"]
    with server.auth.engine.begin() as connection:
        grants.narrow(connection, given, "offline_access patient/Patient.rs")
    assert server.introspect(app, tokens["access_token"]) == {"active": False}
    renewed = server.refresh(app, tokens["refresh_token"], scope=SCOPE).json()
    assert set(renewed["scope"].split()) == {"offline_access", "patient/Patient.rs"}
    assert server.introspect(app, renewed["access_token"])["active"]


def test_another_app_cannot_use_a_refresh_token_and_does_not_spoil_it(server: Server) -> None:
    app, thief = server.app(), server.public()
    token = server.tokens(app)["refresh_token"]
    assert server.refresh(thief, token).json()["error"] == "invalid_grant"
    assert server.refresh(app, token).status_code == 200


@pytest.mark.parametrize("token", ["random", "é", "x" * 3000])
def test_an_unknown_refresh_token_is_refused(server: Server, token: str) -> None:
    answer = server.refresh(server.app(), token)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def expiries(server: Server) -> list[Any]:
    with server.auth.engine.connect() as connection:
        rows = connection.execute(select(refresh_token.c.expires).order_by("created"))
        return [row.expires for row in rows]


def test_each_refresh_token_is_good_for_three_months_anew(server: Server) -> None:
    app = server.public()
    first = server.tokens(app)["refresh_token"]
    with server.auth.engine.begin() as connection:
        soon = func.now() + timedelta(days=1)
        connection.execute(update(refresh_token).values(expires=soon))
    assert server.refresh(app, first).status_code == 200
    assert expiries(server)[1] > datetime.now(UTC) + timedelta(days=89)


def test_an_expired_refresh_token_is_refused(server: Server) -> None:
    app = server.app()
    token = server.tokens(app)["refresh_token"]
    with server.auth.engine.begin() as connection:
        connection.execute(update(refresh_token).values(expires=func.now()))
    assert server.refresh(app, token).status_code == 400


def sign_in(server: Server) -> bytes:
    hashed = digest("cookie")
    with server.auth.engine.begin() as connection:
        later = func.now() + timedelta(hours=1)
        row = insert(session).values(
            hash=hashed, account=server.account, expires=later, complete=func.now()
        )
        connection.execute(row)
    return hashed


def test_online_access_ends_with_the_session(server: Server) -> None:
    app = server.app()
    token = server.tokens(app, ONLINE, session=sign_in(server))["refresh_token"]
    following = server.refresh(app, token).json()["refresh_token"]
    with server.auth.engine.begin() as connection:
        connection.execute(delete(session))
    assert server.introspect(app, following) == {"active": False}
    assert server.refresh(app, following).json()["error"] == "invalid_grant"


def test_offline_access_does_not_end_with_the_session(server: Server) -> None:
    app = server.app()
    token = server.tokens(app, SCOPE, session=sign_in(server))["refresh_token"]
    with server.auth.engine.begin() as connection:
        connection.execute(delete(session))
    assert server.refresh(app, token).status_code == 200


def test_online_access_without_a_session_is_refused(server: Server) -> None:
    app = server.app()
    token = server.tokens(app, ONLINE, session=b"gone")["refresh_token"]
    assert server.refresh(app, token).status_code == 400


def test_a_grant_that_was_revoked_refreshes_nothing(server: Server) -> None:
    app = server.app()
    tokens = server.tokens(app)
    with server.auth.engine.begin() as connection:
        [listed] = grants.listing(connection, server.account)
        assert (listed.client, listed.scope) == (app.id, SCOPE)
        grants.revoke(connection, listed.id)
        assert grants.listing(connection, server.account) == []
    assert server.refresh(app, tokens["refresh_token"]).status_code == 400
    assert server.introspect(app, tokens["access_token"]) == {"active": False}


def test_an_app_that_was_ended_can_do_nothing(server: Server) -> None:
    app, other = server.app(), server.app()
    tokens = server.tokens(app)
    with server.auth.engine.begin() as connection:
        clients.end(connection, app.id)
    assert server.refresh(app, tokens["refresh_token"]).status_code == 401
    assert server.introspect(other, tokens["access_token"]) == {"active": False}
    assert server.tokens(other)["access_token"]
