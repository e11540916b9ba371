"""The base test case of the article, as it is meant: what every test of this service needs, once."""

from typing import Any
from unittest import TestCase

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.extensions import db
from config import TestingConfig

PASSWORD = "a passphrase of mina"


class TCBase(TestCase):
    """Makes an application, an account and a token for each test, and takes everything away again.

    This belongs into `setUp`, which runs before each test. In `__init__`, where it is tempting, it runs
    while the tests are collected, and one that does not call TestCase's own breaks the collecting.
    """

    def setUp(self) -> None:
        self.app = create_app(TestingConfig)
        self.client: FlaskClient = self.app.test_client()
        self.create_fake_data()
        self.token = self.log_in()

    def tearDown(self) -> None:
        with self.app.app_context():
            db.drop_all()
            db.engine.dispose()

    def create_fake_data(self) -> None:
        """Sign up the account that the tests are about."""
        account = {"email": "mina@example.com", "name": "김미나", "password": PASSWORD}
        self.assertEqual(self.request("POST", "/v2/accounts", json=account).status_code, 201)

    def log_in(self, password: str = PASSWORD, email: str = "mina@example.com") -> str:
        """Return an access token, an empty one if the password is wrong."""
        body = {"email": email, "password": password}
        answer = self.request("POST", "/v2/auth/login", json=body)
        return answer.get_json()["access_token"] if answer.status_code == 200 else ""

    def request(self, method: str, path: str, token: str = "", **options: Any) -> TestResponse:
        """Send a request, with a token if there is one."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.client.open(path, method=method, headers=headers, **options)
