"""Chapter 5: the order of several hooks, of the application and of a blueprint."""

from collections.abc import Callable

from flask import Blueprint, Flask, Response, after_this_request

app = Flask(__name__)
bp = Blueprint("v1", __name__)


def before(name: str) -> Callable[[], None]:
    return lambda: print("before  ", name)


def after(name: str) -> Callable[[Response], Response]:
    def hook(response: Response) -> Response:
        print("after   ", name)
        return response

    return hook


def teardown(name: str) -> Callable[[BaseException | None], None]:
    return lambda error: print("teardown", name)


for scope, place in ((app, "application"), (bp, "blueprint")):
    for number in ("1", "2"):
        scope.before_request(before(f"{place} {number}"))
        scope.after_request(after(f"{place} {number}"))
        scope.teardown_request(teardown(f"{place} {number}"))
app.teardown_appcontext(teardown("application context"))


@bp.get("/")
def view() -> str:
    after_this_request(after("this request"))
    print("         the view")
    return "ok"


app.register_blueprint(bp)
app.test_client().get("/")
