"""Practice 1, views and blueprints: classes of views on a blueprint for each version of the API."""

from __future__ import annotations

import pytest
from flask.views import MethodView
from kit.adapter import FINAL, PASSWORD, Stage, expect
from kit.clients import require
from kit.superseded import superseded

RETIRED = "version 1 is retired: it answers 410 and points to version 2"
GONE = "final/test_v1.py::test_version_1_is_gone"


def account_views(stage: Stage) -> dict[str, type[MethodView]]:
    """Return the class behind each URL of accounts."""
    rules = [rule for rule in stage.app.url_map.iter_rules() if "/accounts" in rule.rule]
    return {rule.rule: getattr(stage.app.view_functions[rule.endpoint], "view_class", None) for rule in rules}


def test_views_are_classes(stage: Stage) -> None:
    """Every view of accounts is a `MethodView`: one class per URL, one method per HTTP method."""
    views = account_views(stage)

    assert len(views) >= 2
    for rule, view in views.items():
        assert view is not None and issubclass(view, MethodView), f"{rule} is not served by a MethodView"


def test_every_view_belongs_to_a_blueprint(stage: Stage) -> None:
    """No view is registered on the application itself: every endpoint is called `blueprint.view`."""
    endpoints = {rule.endpoint for rule in stage.app.url_map.iter_rules()} - {"static"}

    outside = {endpoint for endpoint in endpoints if endpoint.split(".")[0] not in stage.app.blueprints}

    assert outside == set()


def test_a_version_is_a_blueprint(stage: Stage) -> None:
    """The blueprint `v2` serves all of `/v2/accounts`."""
    served = {
        (rule.rule.split("/")[1], rule.endpoint.split(".")[0])
        for rule in stage.app.url_map.iter_rules()
        if rule.rule.startswith(("/v1/accounts", "/v2/accounts"))
    }

    assert ("v2", "v2") in served
    assert served <= {("v1", "v1"), ("v2", "v2")}


@superseded("final", RETIRED, by=GONE)
def test_version_2_inherits_from_version_1(stage: Stage) -> None:
    """The list of version 2 is a subclass of version 1's, so only the difference is written again."""
    views = account_views(stage)
    first, second = views["/v1/accounts"], views["/v2/accounts"]

    inherits = first and second and issubclass(second, first) and second is not first
    assert inherits, "expected the list's class of version 2 to inherit from that of version 1"


@superseded("final", RETIRED, by=GONE)
def test_versions_show_the_same_accounts(stage: Stage) -> None:
    """An account created through one version exists in the other."""
    account = stage.sign_up()

    for prefix in ("/v1", "/v2"):
        assert expect(account.client.get(f"{prefix}{account.path}"), 200)["id"] == account.id


@superseded("final", RETIRED, by=GONE)
def test_version_1_lists_a_bare_array(stage: Stage) -> None:
    """`GET /v1/accounts` returns an array."""
    account = stage.sign_up()

    listed = expect(stage.admin.get("/v1/accounts"), 200)

    assert isinstance(listed, list), "expected an array"
    assert account.id in [found["id"] for found in listed]


def test_version_2_lists_page_by_page(stage: Stage) -> None:
    """`GET /v2/accounts?limit=2` returns two accounts and the URL of the next page."""
    made = {stage.sign_up().id for _ in range(5)}
    seen: list[object] = []
    url = "/v2/accounts?limit=2"
    pages = 0

    while url:
        page = expect(stage.admin.get(url), 200)
        assert set(page) == {"items", "next"}
        assert len(page["items"]) <= 2
        full = page["next"] is None or len(page["items"]) == 2
        assert full, "expected every page but the last to be full"
        seen += [account["id"] for account in page["items"] if account.get("role") != "admin"]
        url, pages = page["next"], pages + 1

    assert len(seen) == len(set(seen)) == 5
    assert set(seen) == made
    assert pages == 3


def test_the_last_page_has_no_next(stage: Stage) -> None:
    """A page with exactly the remaining accounts has no next page."""
    for _ in range(21):
        stage.sign_up()
    everything = len(expect(stage.admin.get("/v2/accounts?limit=100"), 200)["items"])

    page = expect(stage.admin.get(f"/v2/accounts?limit={everything}"), 200)
    unasked = expect(stage.admin.get("/v2/accounts"), 200)

    assert page["next"] is None
    assert len(unasked["items"]) == 20
    assert unasked["next"], "expected the URL of the next page"


@pytest.mark.parametrize("limit", ["0", "-1", "101", "two", "", "1.5", "9" * 5000])
def test_a_bad_limit_is_refused(stage: Stage, limit: str) -> None:
    """A `limit` that isn't a number from 1 to 100 is refused with 400."""
    answer = stage.admin.get(f"/v2/accounts?limit={limit}")
    expect(answer, 400)
    assert "limit" in answer.text, "expected the response to say what is wrong"

    for fine in (1, 100):
        expect(stage.admin.get(f"/v2/accounts?limit={fine}"), 200)


@pytest.mark.parametrize("after", ["-1", "somewhere", "1 OR 1=1", str(2**63), "9" * 30, "9" * 5000])
def test_a_made_up_cursor_is_refused(stage: Stage, after: str) -> None:
    """A cursor that did not come from a page is refused with 400."""
    expect(stage.admin.get("/v2/accounts", query_string={"after": after}), 400)

    if stage.number < FINAL:  # whose cursors are not numbers
        nobody = expect(stage.admin.get("/v2/accounts", query_string={"after": 2**63 - 1}), 200)
        assert nobody == {"items": [], "next": None}


def test_korean_is_readable_on_the_wire(stage: Stage, version: str) -> None:
    """A Korean name travels as UTF-8 text, not as `\\uXXXX`, in every response."""
    account = stage.sign_up(name="김미나 A/S")

    answers = [
        account.client.get(account.path),
        stage.admin.get("/accounts"),
        account.client.patch(account.path, json={"name": "김미나 A/S 2"}),
    ]

    for answer in answers:
        expect(answer, 200)
        require(answer, "김미나 A/S".encode() in answer.data, "the name as UTF-8 text")


def test_every_answer_has_the_same_content_type(stage: Stage, version: str) -> None:
    """One method writes every response, so all say `application/json; charset=utf-8`."""
    account = stage.sign_up()

    answers = [
        account.client.get(account.path),
        stage.admin.get("/accounts"),
        account.client.patch(account.path, json={"name": "김민아"}),
    ]

    assert {answer.content_type for answer in answers} == {"application/json; charset=utf-8"}


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [("/accounts", "PUT", {"GET", "POST"}), ("one", "POST", {"GET", "PATCH", "DELETE"})],
)
def test_a_missing_method_is_405(
    stage: Stage, version: str, path: str, method: str, allowed: set[str]
) -> None:
    """A method that a view does not have is 405, and `Allow` lists the ones it has."""
    account = stage.sign_up()

    answer = account.client.open(method, account.path if path == "one" else path, json={})

    assert answer.status_code == 405
    allow = set(answer.headers["Allow"].replace(" ", "").split(","))
    assert allowed <= allow
    assert method not in allow


@superseded(
    "final",
    "errors are application/problem+json",
    by="final/test_errors.py::test_every_error_is_problem_json",
)
def test_refusals_are_json_too(stage: Stage, version: str) -> None:
    """A refusal is JSON too, with an `error` that a person can read."""
    answer = stage.client.post("/accounts", json={"email": "mina", "name": "김미나", "password": PASSWORD})

    assert answer.status_code == 400
    require(answer, answer.is_json, "JSON")
    body = answer.get_json()
    # From chapter 4 on, problem details say it in `detail`.
    require(answer, body.get("error") or body.get("detail"), "what is wrong, in `error`")
