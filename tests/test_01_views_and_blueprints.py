"""Practice 1, views and blueprints: classes of views on a blueprint for each version of the API."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from flask.views import MethodView
from kit.adapter import PASSWORD, Stage, expect
from kit.clients import Client, expect_header, expect_object, expect_page, expect_status, require
from kit.superseded import superseded

RETIRED = "version 1 is retired: it answers 410 and points to version 2"
GONE = "final/test_v1.py::test_version_1_is_gone"


def view_of(stage: Stage, path: str) -> type[MethodView]:
    """Return the class of the view that answers GET at ``path``."""
    endpoint, _ = stage.app.url_map.bind("localhost").match(path, method="GET")
    view = getattr(stage.app.view_functions[endpoint], "view_class", None)
    assert view is not None, f"expected a MethodView at {path}"
    return view


def test_views_are_classes(stage: Stage) -> None:
    """Every view of accounts is a `MethodView`: one class per URL, one method per HTTP method."""
    views = {
        rule.rule: getattr(stage.app.view_functions[rule.endpoint], "view_class", object)
        for rule in stage.app.url_map.iter_rules()
        if "/accounts" in rule.rule
    }

    assert len(views) >= 2, f"expected a URL for the list and one for an account, got {list(views)}"
    for url, view in views.items():
        assert issubclass(view, MethodView), f"{url} is not served by a MethodView"


def test_every_view_belongs_to_a_blueprint(stage: Stage) -> None:
    """No view is registered on the application itself: every endpoint is called `blueprint.view`."""
    endpoints = {rule.endpoint for rule in stage.app.url_map.iter_rules()} - {"static"}

    outside = {endpoint for endpoint in endpoints if endpoint.rpartition(".")[0] not in stage.app.blueprints}

    assert outside == set()


def test_a_version_is_a_blueprint(stage: Stage) -> None:
    """The blueprint `v2` serves all of `/v2/accounts`, as the blueprint `v1` serves all of `/v1/accounts`."""
    served: dict[str, list[str]] = {"v1": [], "v2": []}
    for rule in stage.app.url_map.iter_rules():
        version = rule.rule.split("/")[1]
        if rule.rule.startswith(("/v1/accounts", "/v2/accounts")):
            served[version].append(rule.endpoint)

    assert served["v2"], "expected URLs below /v2/accounts"
    for version, endpoints in served.items():
        for endpoint in endpoints:  # blueprints may be nested: v2.accounts.list, or api.v2.list
            assert version in endpoint.split(".")[:-1], f"{endpoint} is not of the blueprint {version}"


@superseded("final", RETIRED, by=GONE)
def test_version_2_inherits_from_version_1(stage: Stage) -> None:
    """The list of version 2 is a subclass of version 1's, so only the difference is written again."""
    first, second = view_of(stage, "/v1/accounts"), view_of(stage, "/v2/accounts")

    inherits = first and second and issubclass(second, first) and second is not first
    assert inherits, "expected the list's class of version 2 to inherit from that of version 1"


@superseded("final", RETIRED, by=GONE)
def test_versions_show_the_same_accounts(stage: Stage) -> None:
    """An account created through one version exists in the other."""
    account = stage.sign_up()

    for prefix in ("/v1", "/v2"):
        assert expect_object(account.client.get(f"{prefix}{account.path}"), 200)["id"] == account.id


@superseded("final", RETIRED, by=GONE)
def test_version_1_lists_a_bare_array(stage: Stage) -> None:
    """`GET /v1/accounts` returns an array."""
    made = {stage.sign_up().id for _ in range(21)}  # more than a page of version 2

    listed = expect(stage.admin.get("/v1/accounts"), 200)

    assert isinstance(listed, list), "expected an array"
    assert made <= {found["id"] for found in listed}


def pages(client: Client, url: str | None) -> list[list[Any]]:
    """Return the accounts of each page from ``url`` on."""
    found = []
    while url:
        answer = client.get(url)
        items, url = expect_page(answer)
        found.append(items)
        assert len(found) < 100, "expected the last page to have no next"
    return found


def test_version_2_lists_page_by_page(stage: Stage) -> None:
    """`GET /v2/accounts?limit=2` returns two accounts in `items` and the URL of the next page in `next`."""
    made = {stage.sign_up().id for _ in range(5)}
    sizes: list[int] = []
    seen: list[object] = []
    url: str | None = "/v2/accounts?limit=2"

    while url:
        items, following = expect_page(stage.admin.get(url))
        assert expect_page(stage.admin.get(url)) == (items, following), (
            "expected the same page at the same URL"
        )
        sizes.append(len(items))
        seen += [account["id"] for account in items]
        url = following
        assert len(sizes) < 10, "expected the last page to have no next"

    assert len(sizes) == 3
    assert sizes[:2] == [2, 2]
    assert len(seen) == len(set(seen)), "expected no account on two pages"
    assert made <= set(seen)


def test_a_deletion_between_two_pages_skips_nobody(stage: Stage) -> None:
    """When an account is deleted between two pages, the next page skips no other: `next` has a cursor."""
    made = [stage.sign_up() for _ in range(6)]
    names = {account.id: account for account in made}
    items, following = expect_page(stage.admin.get("/v2/accounts?limit=3"))
    seen = [account["id"] for account in items]

    for account in [names[number] for number in seen if number in names]:  # the one `next` begins after, too
        expect(account.client.delete(account.path), 204)
    seen += [account["id"] for page in pages(stage.admin, following) for account in page]

    assert set(names) <= set(seen), "expected every account, but the next page skips one"
    assert len(seen) == len(set(seen)), "expected no account on two pages"


def test_the_last_page_has_no_next(stage: Stage) -> None:
    """A page with exactly the remaining accounts has no next page, and one without `limit` has 20."""
    for _ in range(21):
        stage.sign_up()
    everything, _ = expect_page(stage.admin.get("/v2/accounts?limit=100"))

    _, following = expect_page(stage.admin.get(f"/v2/accounts?limit={len(everything)}"))
    unasked, more = expect_page(stage.admin.get("/v2/accounts"))

    assert following is None
    assert len(unasked) == 20
    assert more, "expected the URL of the next page"


@pytest.mark.parametrize("limit", ["0", "-1", "101", "two", "", "1.5", "9" * 5000])
def test_a_bad_limit_is_refused(stage: Stage, limit: str) -> None:
    """A `limit` that isn't a number from 1 to 100 is refused with 400, and the response names `limit`."""
    answer = stage.admin.get(f"/v2/accounts?limit={limit}")
    expect(answer, 400)
    assert "limit" in answer.text, "expected the response to say what is wrong"

    for fine in (1, 100):
        expect(stage.admin.get(f"/v2/accounts?limit={fine}"), 200)


@pytest.mark.parametrize("cursor", ["-1", "somewhere", "1 OR 1=1", str(2**63), "9" * 30, "9" * 5000])
def test_a_made_up_cursor_is_refused(stage: Stage, cursor: str) -> None:
    """A cursor that did not come from a page is refused with 400."""
    for _ in range(2):
        stage.sign_up()
    _, following = expect_page(stage.admin.get("/v2/accounts?limit=1"))
    url = urlsplit(str(following))
    given = [name for name, _ in parse_qsl(url.query) if name != "limit"]
    assert given, f"expected a cursor as a parameter of `next`, got {following}"

    for name in given:  # whatever the service calls it
        made_up = urlencode({**dict(parse_qsl(url.query)), name: cursor})
        expect(stage.admin.get(f"{url.path}?{made_up}"), 400)

    beyond = stage.admin.get(f"{url.path}?{urlencode(dict.fromkeys(given, 2**63 - 1))}")
    if expect(beyond, 200, 400) and beyond.status_code == 200:  # where cursors are numbers
        assert expect_page(beyond) == ([], None)


def test_korean_is_readable_on_the_wire(stage: Stage, version: str) -> None:
    """A Korean name travels as UTF-8 text, not as `\\uXXXX`, and `/` not as `\\/`, in every response."""
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

    assert {written(answer.content_type) for answer in answers} == {"application/json; charset=utf-8"}


def written(content_type: str) -> str:
    """Return a type of content as this course writes it: HTTP leaves capitals and spaces to the server."""
    return "; ".join(part.strip() for part in content_type.lower().replace('"', "").split(";"))


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [("/accounts", "PUT", {"GET", "POST"}), ("one", "POST", {"GET", "PATCH", "DELETE"})],
)
def test_a_missing_method_is_405(
    stage: Stage, version: str, path: str, method: str, allowed: set[str]
) -> None:
    """A method that a view does not have is 405, and `Allow` lists the ones it has, as for `OPTIONS`."""
    account = stage.sign_up()

    answer = account.client.open(method, account.path if path == "one" else path, json={})

    expect_status(answer, 405)
    allow = set(expect_header(answer, "Allow").replace(" ", "").split(","))
    assert allowed <= allow
    assert method not in allow

    asked = account.client.open("OPTIONS", account.path if path == "one" else path)
    expect_status(asked, 200, 204)
    assert allowed <= set(expect_header(asked, "Allow").replace(" ", "").split(","))


def test_head_is_get_without_a_body(stage: Stage, version: str) -> None:
    """`HEAD` answers as `GET` does, without the body."""
    account = stage.sign_up()

    for client, path in ((account.client, account.path), (stage.admin, "/accounts")):
        head, get = client.open("HEAD", path), client.get(path)
        expect_status(head, 200)
        assert head.data == b""
        assert head.content_type == get.content_type
    expect_status(stage.admin.open("HEAD", f"{stage.prefix}/accounts/0"), 404)


@superseded(
    "final",
    "errors are application/problem+json",
    by="final/test_errors.py::test_every_error_is_problem_json",
)
def test_refusals_are_json_too(stage: Stage, version: str) -> None:
    """A refusal is JSON too, with an `error` that a person can read."""
    answer = stage.client.post("/accounts", json={"email": "mina", "name": "김미나", "password": PASSWORD})

    body = expect_object(answer, 400)
    # From chapter 4 on, problem details say it in `detail`.
    require(answer, body.get("error") or body.get("detail"), "what is wrong, in `error`")
