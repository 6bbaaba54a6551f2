"""Write the fact tables: python -m fhir_server.definitions.derive [PACKAGE.tgz [OUTDIR]].

PACKAGE is hl7.fhir.r4.core 4.0.1 (https://hl7.org/fhir/R4/downloads.html); left out, it is what
R4_PACKAGE names, or the copy that lies beside the repository. OUTDIR is profiles/r4.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fhir_server.definitions import tables
from fhir_server.definitions.derive import (
    expansions,
    interactions,
    invariants,
    layout,
    package,
    types,
    units,
    value_sets,
)

REPOSITORY = Path(__file__).resolve().parents[3]
BESIDE = REPOSITORY.parent / "shared" / "data" / "hl7.fhir.r4.core-4.0.1.tgz"


def default_package() -> Path:
    """Return where the package lies unless told otherwise; it need not exist."""
    return Path(os.environ.get("R4_PACKAGE") or BESIDE)


def derive(archive: Path) -> dict[str, str]:
    """Return the text of each table by file name."""
    source = package.read(archive)
    structures = types.structures(source)
    bound = sorted({row["binding"] for row in structures["elements"] if "binding" in row})
    derived: dict[str, dict[str, Any] | list[Any]] = {
        "structures.json": structures,
        "constraints.json": invariants.constraints(source),
        "value-sets.json": value_sets.value_sets(source, bound),
        "code-systems.json": expansions.code_systems(source),
        "expansions.json": expansions.expansions(source),
        "units.json": units.units(source),
        "search-parameters.json": interactions.search_parameters(source),
        "compartments.json": interactions.compartments(source),
        "operations.json": interactions.operations(source),
    }
    return {name: layout.text(table) for name, table in derived.items()}


def write(archive: Path, directory: Path) -> None:
    """Write the tables of the package into the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in derive(archive).items():
        (directory / name).write_text(text, encoding="utf-8")


def main(arguments: Sequence[str]) -> None:
    """Derive as the command line says; exits with the usage when it says too much."""
    match [Path(argument) for argument in arguments]:
        case []:
            write(default_package(), tables.DIRECTORY)
        case [archive]:
            write(archive, tables.DIRECTORY)
        case [archive, directory]:
            write(archive, directory)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
