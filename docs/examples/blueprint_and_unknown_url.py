"""Chapter 4: a blueprint handles the errors of its views, and an unknown URL belongs to no view."""

from flask import Blueprint, Flask, abort

bp = Blueprint("v1", __name__, url_prefix="/v1")


@bp.errorhandler(404)
def of_the_blueprint(error: Exception) -> tuple[str, int]:
    return "the blueprint's handler", 404


@bp.get("/accounts/<int:account_id>")
def read(account_id: int) -> str:
    abort(404)


app = Flask(__name__)
app.register_blueprint(bp)


@app.errorhandler(404)
def of_the_application(error: Exception) -> tuple[str, int]:
    return "the application's handler", 404


client = app.test_client()
for path in ("/v1/accounts/1", "/v1/nowhere"):
    print(path, "-", client.get(path).text)
