"""Access tokens that end before their time, in every process at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, create_engine, func, insert, select, text, update

from smart_auth import revocations
from smart_auth.revocations import Revocations, revoke
from smart_auth.tables import revocation


@pytest.fixture
def listening(engine: Engine) -> Iterator[Revocations]:
    made = Revocations(engine)
    made.start()
    assert made.wait(10)
    yield made
    made.stop()


def end(engine: Engine, what: str) -> None:
    with engine.begin() as connection:
        revoke(connection, what)


def claims(issued: float | None = None, **others: str) -> dict[str, object]:
    said = {"jti": "t", "grant": "g", "account": "a", "client_id": "c", **others}
    return {"iat": time.time() if issued is None else issued, **said}


def soon(true: Callable[[], bool]) -> bool:
    for _ in range(100):
        if true():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("what", ["token t", "grant g", "account a", "client c"])
def test_a_revocation_is_heard_of_and_ends_what_was_issued_before(
    engine: Engine, listening: Revocations, what: str
) -> None:
    before = claims()
    assert not listening.holds(before)
    end(engine, what)
    assert soon(lambda: listening.holds(before))
    assert not listening.holds(claims())
    assert not listening.holds(claims(0, jti="u", grant="h", account="b", client_id="d"))


def test_what_was_revoked_before_the_start_is_known(engine: Engine) -> None:
    before = claims()
    end(engine, "grant g")
    made = Revocations(engine)
    assert made.holds(before), "not listening yet, it asks the database"
    assert not made.holds(claims(grant="h"))
    made.start()
    assert made.wait(10)
    assert made.holds(before)
    made.stop()
    assert not made.current


def test_a_revocation_that_is_rolled_back_was_none(engine: Engine, listening: Revocations) -> None:
    before = claims()
    with engine.connect() as connection:
        revoke(connection, "grant g")
        connection.rollback()
    end(engine, "grant other")
    assert soon(lambda: listening.holds(claims(0, grant="other")))
    assert not listening.holds(before)


def test_a_lost_connection_is_made_again_and_nothing_is_missed(
    engine: Engine, listening: Revocations
) -> None:
    before = claims()
    with engine.begin() as connection:
        killed = connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name = 'medconsult revocations'"
            )
        )
        assert len(killed.all()) == 1
        connection.execute(
            insert(revocation).values(what="grant g", expires=func.now() + timedelta(1))
        )
    assert soon(lambda: listening.holds(before))
    assert soon(lambda: listening.current)
    assert listening.holds(before)


def test_without_a_connection_each_check_asks_the_database(engine: Engine) -> None:
    nowhere = Revocations(create_engine("postgresql+psycopg2://nobody@127.0.0.1:1/none"))
    nowhere.start()
    assert not nowhere.wait(0.5)
    nowhere.stop()
    deaf = Revocations(engine)
    before = claims()
    assert not deaf.holds(before)
    end(engine, "account a")
    assert deaf.holds(before)


def test_rows_go_when_the_tokens_they_end_have_expired(engine: Engine) -> None:
    end(engine, "grant old")
    with engine.begin() as connection:
        connection.execute(update(revocation).values(expires=func.now() - timedelta(seconds=1)))
    end(engine, "grant new")
    with engine.connect() as connection:
        assert connection.execute(select(revocation.c.what)).scalars().all() == ["grant new"]


def test_a_second_revocation_ends_what_was_issued_between(engine: Engine) -> None:
    end(engine, "account a")
    between = claims()
    with engine.connect() as connection:
        assert not revocations.ended(connection, between)
    end(engine, "account a")
    with engine.connect() as connection:
        assert revocations.ended(connection, between)
