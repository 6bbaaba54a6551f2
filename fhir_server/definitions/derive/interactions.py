"""Search parameters, compartments and operations out of their definitions, https://hl7.org/fhir/R4/http.html."""

from __future__ import annotations

from fhir_server.definitions.derive.package import Package, Resource, last_step

_SELF = "{def}"


def search_parameters(package: Package) -> list[Resource]:
    """Return all SearchParameters, HL7's examples included, by URL."""
    return [_search_parameter(resource) for resource in package.resources["SearchParameter"]]


def _search_parameter(resource: Resource) -> Resource:
    return _filled(
        {
            "url": resource["url"],
            "code": resource["code"],
            "type": resource["type"],
            "base": resource.get("base"),
            "expression": resource.get("expression"),
            "targets": resource.get("target"),
            "comparators": resource.get("comparator"),
            "modifiers": resource.get("modifier"),
            "multiple_or": resource.get("multipleOr"),
            "multiple_and": resource.get("multipleAnd"),
            "components": [
                [each["definition"], each["expression"]] for each in resource.get("component", ())
            ],
        }
    )


def compartments(package: Package) -> dict[str, dict[str, list[str]]]:
    """Return, for each compartment, the parameters of the types that can be in it."""
    return {
        definition["code"]: _members(definition)
        for definition in package.resources["CompartmentDefinition"]
        if not _is_example(definition)
    }


def _members(definition: Resource) -> dict[str, list[str]]:
    """Name the focal resource itself in every compartment: R4 does so in three of five."""
    members = {
        each["code"]: list(each["param"]) for each in definition["resource"] if each.get("param")
    }
    focal = definition["code"]
    members[focal] = [_SELF, *(code for code in members.get(focal, ()) if code != _SELF)]
    return dict(sorted(members.items()))


def operations(package: Package) -> list[Resource]:
    """Return all operations but HL7's example, by code and URL."""
    rows = [
        _operation(each)
        for each in package.resources["OperationDefinition"]
        if not _is_example(each)
    ]
    return sorted(rows, key=lambda row: (row["code"], row["url"]))


def _operation(resource: Resource) -> Resource:
    return _filled(
        {
            "url": resource["url"],
            "code": resource["code"],
            "resources": resource["resource"],
            "system": resource["system"] or None,
            "type": resource["type"] or None,
            "instance": resource["instance"] or None,
            "affects_state": resource.get("affectsState"),
            "parameters": [_parameter(each) for each in resource.get("parameter", ())],
        }
    )


def _parameter(parameter: Resource) -> Resource:
    row = _filled(
        {
            "name": parameter["name"],
            "use": parameter["use"],
            "min": parameter["min"] or None,
            "type": parameter.get("type"),
            "targets": [last_step(target) for target in parameter.get("targetProfile", ())],
            "search_type": parameter.get("searchType"),
            "parts": [_parameter(each) for each in parameter.get("part", ())],
        }
    )
    return row if parameter["max"] == "1" else row | {"max": _max(parameter["max"])}


def _max(written: str) -> int | None:
    return None if written == "*" else int(written)


def _filled(row: Resource) -> Resource:
    return {key: value for key, value in row.items() if value is not None and value != []}


def _is_example(resource: Resource) -> bool:
    return str(resource["id"]).startswith("example")
