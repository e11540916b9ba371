"""Chapter 5: is `after_request` called when a view raises? It depends on who is told of the exception."""

from flask import Flask, Response

MODES = {
    "production": {},
    "debug": {"DEBUG": True},
    "testing": {"TESTING": True},
}


def hooks_called(settings: dict[str, bool]) -> list[str]:
    """Return the hooks that a request calls whose view raises."""
    app = Flask(__name__)
    app.config.update(settings)
    app.logger.disabled = True
    called = []

    @app.after_request
    def after(response: Response) -> Response:
        called.append("after_request")
        return response

    @app.teardown_request
    def teardown(error: BaseException | None) -> None:
        called.append(f"teardown_request({type(error).__name__})")

    @app.get("/")
    def view() -> str:
        raise ZeroDivisionError

    try:
        app.test_client().get("/")
    except ZeroDivisionError:
        called.append("and the exception reaches the server")
    return called


for mode, settings in MODES.items():
    print(f"{mode:<10}", ", ".join(hooks_called(settings)))
