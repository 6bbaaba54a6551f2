"""The tables are what derive makes of HL7's package, https://hl7.org/fhir/R4/downloads.html."""

from __future__ import annotations

from pathlib import Path

import pytest

from fhir_server.definitions import tables
from fhir_server.definitions.derive.__main__ import default_package, derive, main
from fhir_server.definitions.derive.layout import text

needs_package = pytest.mark.skipif(
    not default_package().exists(),
    reason="HL7's R4 package is neither beside the repository nor named by R4_PACKAGE",
)


@needs_package
def test_derive_makes_the_committed_tables() -> None:
    for name, written in derive(default_package()).items():
        assert (tables.DIRECTORY / name).read_text(encoding="utf-8") == written, name


@needs_package
def test_the_command_writes_the_tables_where_it_is_told(tmp_path: Path) -> None:
    main([str(default_package()), str(tmp_path / "r4")])
    written = {path.name for path in (tmp_path / "r4").iterdir()}
    assert written == {path.name for path in tables.DIRECTORY.iterdir()}


def test_the_command_refuses_a_third_argument() -> None:
    with pytest.raises(SystemExit):
        main(["package.tgz", "r4", "r5"])


def test_each_record_has_its_line() -> None:
    assert text([{"a": 1}, {"b": [2]}]) == '[\n{"a":1},\n{"b":[2]}\n]\n'
    assert text({"a": {"b": [1]}}) == '{\n"a":{\n"b":[1]\n}\n}\n'
