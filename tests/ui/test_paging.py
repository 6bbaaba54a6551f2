"""Long lists come in pages, which together are the whole list."""

from __future__ import annotations

import re
from html import unescape

import pytest
from starlette.requests import Request

from tests.ui.conftest import Portal, Visitor
from ui.paging import Pages


def asked(query: str) -> Pages:
    scope = {"type": "http", "server": ("localhost", 80), "path": "/list", "headers": []}
    return Pages(Request(scope | {"query_string": query.encode()}), 3)


@pytest.mark.parametrize(
    ("query", "items", "before", "after"),
    [
        ("", [0, 1, 2], "", "?page=2"),
        ("page=2&status=booked", [3, 4, 5], "?status=booked&page=1", "?status=booked&page=3"),
        ("page=3", [6], "?page=2", ""),
        ("page=4", [], "?page=3", ""),
        ("page=0", [0, 1, 2], "", "?page=2"),
        ("page=-1", [0, 1, 2], "", "?page=2"),
        ("page=x&did=disable&ids=1", [0, 1, 2], "", "?page=2"),
        ("page=%D9%A3", [0, 1, 2], "", "?page=2"),
        ("page=99999999999999999999", [], "?page=999", ""),
    ],
)
def test_a_page_is_cut_out(query: str, items: list[int], before: str, after: str) -> None:
    pages = asked(query)
    cut = pages.cut(iter(range(7)))
    assert (list(cut.items), cut.before, cut.after) == (items, before, after)
    assert pages.cut(list(range(7))[: pages.reach]) == cut, "no more need be read than its reach"


@pytest.mark.parametrize(
    "path", ["/admin/visits", "/admin/visits?status=fulfilled", "/admin/mails"]
)
def test_the_pages_of_the_portal_are_the_whole_list_each_line_once(
    portal: Portal, people: dict[str, Visitor], path: str
) -> None:
    admin, lines, turned = people["administrator"], [], 0
    while path:
        page = admin.get(path)
        assert page.status_code == 200
        rows = re.findall(r"<tr>(?!<td></td><th>)(?!<th>)(.*?)</tr>", page.text)
        assert len(rows) <= 100
        lines += rows
        turned += 1
        found = re.search(r'href="(\?[^"]*)" rel="next"', page.text)
        path = path.partition("?")[0] + unescape(found[1]) if found else ""
    assert turned == max(1, -(-len(lines) // 100))
    assert lines
