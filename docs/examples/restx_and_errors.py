"""Flask-RESTX and a refusal of Flask-JWT-Extended: what a request without a token gets."""

from collections.abc import Callable

from flask import Flask
from flask_jwt_extended import JWTManager, jwt_required
from flask_restx import Api, Resource


class PassingApi(Api):
    def error_router(self, original_handler: Callable, error: Exception) -> object:
        return original_handler(error)


class Me(Resource):
    @jwt_required()
    def get(self) -> dict[str, int]:
        return {"id": 1}


for api in (Api, PassingApi):
    for testing in (True, False):
        app = Flask(__name__)
        app.config.update(JWT_SECRET_KEY="x" * 32, TESTING=testing)
        app.logger.disabled = True  # it would print the traceback of each 500
        JWTManager(app)
        api(app).add_resource(Me, "/me")
        print(f"{api.__name__}, TESTING={testing}: {app.test_client().get('/me').status_code}")
