from __future__ import annotations

from medconsult.health import newest_revision, why_not_ready
from medconsult.migrations import newest


def test_the_newest_revision_by_file_name_is_alembics_head() -> None:
    assert {newest_revision()} == newest()


def test_a_database_at_head_is_ready(database_url: str) -> None:
    assert why_not_ready(database_url, newest_revision()) == ""


def test_a_database_of_another_release_is_not_ready(database_url: str) -> None:
    assert "another release" in why_not_ready(database_url, "9999")
