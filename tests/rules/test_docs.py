"""What a reader is told is what the code does."""

from __future__ import annotations

import re

import pytest
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from medconsult.settings import Settings, plain, variable
from tests.rules.sources import REPOSITORY

TABLE = (REPOSITORY / "docs" / "settings.md").read_text()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_each_setting_has_its_row(name: str) -> None:
    assert row(name, Settings.model_fields[name]) in TABLE.splitlines()


def test_each_row_is_a_setting() -> None:
    listed = re.findall(r"^\| `(MEDCONSULT_\w+)`", TABLE, re.MULTILINE)
    assert listed == [variable(name) for name in Settings.model_fields]


def row(name: str, field: FieldInfo) -> str:
    """Return what the table has to say; paste it there when this test fails."""
    default = "" if field.default is PydanticUndefined else plain(field.default)
    shown = f"`{default}`" if default else ""
    return f"| `{variable(name)}` | {shown} | {field.description} |"


def test_each_target_of_the_makefile_says_what_it_does() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    targets = re.findall(r"^([a-z]+):(.*)$", makefile, re.MULTILINE)
    assert {"setup", "run", "test", "check", "bench", "definitions", "migrate"} <= {
        name for name, _ in targets
    }
    assert [name for name, rest in targets if "## " not in rest] == []
