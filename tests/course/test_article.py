"""The article that the course follows, and Flask today: each of its slips as printed, and corrected.

The article was written for an older Flask and is good; Flask moved.
"""

from __future__ import annotations

import gzip
import unittest
from collections.abc import Iterator
from typing import Any

import pytest
import ujson
from flask import Blueprint, Flask, Response, after_this_request, request
from flask.views import MethodView
from flask_jwt_extended import JWTManager


@pytest.fixture
def app() -> Iterator[Flask]:
    """An empty application, as a server would run it."""
    app = Flask(__name__)
    app.config["JWT_SECRET_KEY"] = "a secret of the tests, at least 32 bytes"
    app.logger.disabled = True
    yield app
    app.logger.disabled = False


class Hello(MethodView):
    """The view of the article's examples."""

    def get(self) -> str:
        return "Hello World!"


# -- chapter 1 --------------------------------------------------------------------------------------


def test_a_relative_import_has_a_from() -> None:
    with pytest.raises(SyntaxError):
        compile("import .test as test", "article", "exec")
    compile("from . import test", "today", "exec")


@pytest.mark.parametrize("module", ["flak", "flask.view"])
def test_the_modules_are_flask_and_flask_views(module: str) -> None:
    with pytest.raises(ModuleNotFoundError):
        __import__(module)
    __import__("flask.views")


def test_a_class_method_gets_the_class() -> None:
    class AsInTheArticle:
        @classmethod
        def jsonify_response(status, data):
            return Response(ujson.dumps(data), status)

    class Today:
        @staticmethod
        def jsonify_response(status: int, data: Any) -> Response:
            return Response(ujson.dumps(data), status)

    with pytest.raises(TypeError):
        AsInTheArticle().jsonify_response(200, {"Hello": "World"})
    assert Today().jsonify_response(200, {"Hello": "World"}).status_code == 200


def test_the_view_is_not_the_endpoint(app: Flask) -> None:
    app.add_url_rule("/article", Hello.as_view("article"))
    app.add_url_rule("/today", view_func=Hello.as_view("today"))

    with pytest.raises(TypeError):  # the endpoint is not a string, so even the 500 response fails
        app.test_client().get("/article")
    assert app.test_client().get("/today").text == "Hello World!"


def test_ujson_escapes_unless_told_otherwise() -> None:
    assert ujson.dumps("한글") == '"\\ud55c\\uae00"'
    assert ujson.dumps("한글", ensure_ascii=False) == '"한글"'


# -- chapter 2 --------------------------------------------------------------------------------------


def test_an_extension_is_initialised_by_its_instance(app: Flask) -> None:
    with pytest.raises(TypeError):
        JWTManager.init_app(app)
    JWTManager().init_app(app)
    assert "flask-jwt-extended" in app.extensions


def test_an_error_handler_is_registered_with_two_underscores(app: Flask) -> None:
    assert not hasattr(app, "register_errorhandler")
    app.register_error_handler(404, lambda error: ("not here", 404))
    assert app.test_client().get("/").text == "not here"


def test_a_child_cannot_extend_what_its_parent_lacks() -> None:
    class Config:
        SERVICE_NAME = "M A S O"

    with pytest.raises(AttributeError):
        dict(Config.RUN_SETTING, host="localhost")

    class Today(Config):
        HOST = "localhost"

    assert (Today.HOST, Today.SERVICE_NAME) == ("localhost", "M A S O")


# -- chapter 3 --------------------------------------------------------------------------------------


def test_a_response_has_a_status_and_its_text_comes_first() -> None:
    with pytest.raises(TypeError):
        Response(data="text", status_code=400)
    assert Response("text", status=400).status_code == 400


def test_a_missing_body_is_never_none(app: Flask) -> None:
    reached = []

    @app.post("/")
    def view() -> str:
        reached.append(request.json is None)
        return ""

    client = app.test_client()

    assert client.post("/").status_code == 415
    assert client.post("/", data="", content_type="application/json").status_code == 400
    assert reached == []  # the article's `if request.json is None` is not even asked
    client.post("/", data="null", content_type="application/json")
    assert reached == [True]  # only the JSON `null` is None


# -- chapter 4 --------------------------------------------------------------------------------------


def test_a_route_has_methods(app: Flask) -> None:
    with pytest.raises(TypeError):
        app.route("/article", method=["POST"])(lambda: "")
    app.route("/today", methods=["POST"])(lambda: "created")
    assert app.test_client().post("/today").text == "created"


def test_one_missing_field_is_enough() -> None:
    name, description = "a name", None

    as_in_the_article = (name is None) and (description is None)
    today = name is None or description is None

    assert not as_in_the_article  # lets a body through that lacks its description
    assert today


def test_a_key_that_is_missing_is_a_500(app: Flask) -> None:
    """Here the article is right, which is why fields are checked first."""
    app.add_url_rule("/json", "json", lambda: request.json["name"], methods=["POST"])
    app.add_url_rule("/form", "form", lambda: request.form["name"], methods=["POST"])

    assert app.test_client().post("/json", json={}).status_code == 500
    assert app.test_client().post("/form").status_code == 400  # a form's missing field has its own exception


def test_a_handler_is_registered_by_errorhandler(app: Flask) -> None:
    bp = Blueprint("test", __name__)
    for registry in (app, bp):
        assert not hasattr(registry, "error_handler")

    @bp.errorhandler(ZeroDivisionError)
    def handle(error: ZeroDivisionError) -> tuple[str, int]:
        return "handled", 400

    bp.get("/")(lambda: str(1 // 0))
    app.register_blueprint(bp)
    assert app.test_client().get("/").text == "handled"


# -- chapter 5 --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "called"),
    [({}, ["after", "teardown"]), ({"DEBUG": True}, ["teardown"]), ({"TESTING": True}, ["teardown"])],
    ids=["production", "debug", "testing"],
)
def test_after_request_is_called_where_there_is_an_answer(
    app: Flask, settings: dict[str, bool], called: list[str]
) -> None:
    app.config.update(settings)
    seen: list[str] = []
    app.get("/")(lambda: str(1 // 0))
    app.after_request(lambda response: seen.append("after") or response)
    app.teardown_request(lambda error: seen.append("teardown"))

    if settings:
        with pytest.raises(ZeroDivisionError):
            app.test_client().get("/")
    else:
        assert app.test_client().get("/").status_code == 500

    assert seen == called


def test_compression_says_so_and_asks_first(app: Flask) -> None:
    def article(response: Response) -> Response:
        response.data = gzip.compress(data=response.data)
        return response

    def today(response: Response) -> Response:
        response.vary.add("Accept-Encoding")
        if request.accept_encodings["gzip"] > 0:
            response.data = gzip.compress(response.data)
            response.content_encoding = "gzip"
        return response

    for name, hook in (("article", article), ("today", today)):
        app.add_url_rule(f"/{name}", name, lambda hook=hook: after_this_request(hook) and "text")
    client = app.test_client()

    assert client.get("/article").data[:2] == b"\x1f\x8b"  # a client that did not ask gets this for text
    assert "Content-Encoding" not in client.get("/article").headers
    assert client.get("/today").text == "text"
    packed = client.get("/today", headers={"Accept-Encoding": "gzip"})
    assert (packed.content_encoding, gzip.decompress(packed.data)) == ("gzip", b"text")


# -- chapter 6 --------------------------------------------------------------------------------------


def test_a_test_case_is_prepared_in_set_up() -> None:
    class AsInTheArticle(unittest.TestCase):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.app = Flask(__name__)

        def test_something(self) -> None:
            self.assertTrue(self.app)

    class Today(unittest.TestCase):
        def setUp(self) -> None:
            self.app = Flask(__name__)

        def test_something(self) -> None:
            self.assertTrue(self.app)

    loader = unittest.TestLoader()
    with pytest.raises(AttributeError):
        loader.loadTestsFromTestCase(AsInTheArticle).run(unittest.TestResult())
    result = unittest.TestResult()
    loader.loadTestsFromTestCase(Today).run(result)
    assert (result.testsRun, result.wasSuccessful()) == (1, True)


def test_function_is_no_name_of_python() -> None:
    def define(kind: str) -> None:
        source = f"def request(self, method: {kind}): pass"
        exec(compile(source, kind, "exec", dont_inherit=True), {})  # noqa: S102

    with pytest.raises(NameError):
        define("function")
    define("str")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("ValidationeError", "ValidationError"), ("gzipeer", "gzipper"), ("reques", "request")],
)
def test_a_name_is_spelt_the_same_twice(written: str, meant: str) -> None:
    with pytest.raises(NameError):
        exec(f"{meant} = 1\n{written}", {})  # noqa: S102
