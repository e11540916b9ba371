"""The rows of spec.md as `unittest` says them: a class a URL, what they share inherited."""

from .base import PASSWORD, TCBase

NEW_PASSWORD = "another passphrase of mina"


class LogoutTest(TCBase):
    """`POST /v2/auth/logout`"""

    def test_the_token_ends(self) -> None:
        """L1"""
        answer = self.request("POST", "/v2/auth/logout", self.token)

        self.assertEqual((answer.status_code, answer.data), (204, b""))
        self.assertEqual(self.request("GET", "/v2/accounts/me", self.token).status_code, 401)

    def test_other_tokens_go_on(self) -> None:
        """L2"""
        tablet = self.log_in()

        self.request("POST", "/v2/auth/logout", self.token)

        self.assertEqual(self.request("GET", "/v2/accounts/me", tablet).status_code, 200)

    def test_a_stranger_is_refused(self) -> None:
        """L3"""
        answer = self.request("POST", "/v2/auth/logout")

        self.assertEqual(answer.status_code, 401)
        self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")

    def test_deleting_the_account_ends_its_tokens(self) -> None:
        """L4"""
        self.request("DELETE", "/v2/accounts/me", self.token)

        self.assertEqual(self.request("GET", "/v2/accounts/me", self.token).status_code, 401)


class PasswordTest(TCBase):
    """`PUT /v2/accounts/me/password`"""

    def change(self, current: object, new: object, token: str) -> int:
        body = {"current_password": current, "new_password": new}
        return self.request("PUT", "/v2/accounts/me/password", token, json=body).status_code

    def test_the_new_password_counts(self) -> None:
        """P1"""
        self.assertEqual(self.change(PASSWORD, NEW_PASSWORD, self.token), 204)

        self.assertFalse(self.log_in(PASSWORD))
        self.assertTrue(self.log_in(NEW_PASSWORD))

    def test_other_tokens_end(self) -> None:
        """P2"""
        stolen = self.log_in()

        self.change(PASSWORD, NEW_PASSWORD, self.token)

        self.assertEqual(self.request("GET", "/v2/accounts/me", stolen).status_code, 401)
        self.assertEqual(self.request("GET", "/v2/accounts/me", self.token).status_code, 200)

    def test_the_current_password_is_needed(self) -> None:
        """P3"""
        self.assertEqual(self.change("not this one", NEW_PASSWORD, self.token), 403)

        self.assertTrue(self.log_in(PASSWORD))
        self.assertFalse(self.log_in(NEW_PASSWORD))

    def test_bad_bodies_are_refused(self) -> None:
        """P4"""
        for current, new in ((PASSWORD, "fourteen chars"), (PASSWORD, None), (None, NEW_PASSWORD)):
            with self.subTest(current=current, new=new):
                self.assertEqual(self.change(current, new, self.token), 400)
        self.assertTrue(self.log_in(PASSWORD))

    def test_a_stranger_is_refused(self) -> None:
        """P5"""
        self.assertEqual(self.change(PASSWORD, NEW_PASSWORD, token=""), 401)

    def test_others_stay_logged_in(self) -> None:
        """P6"""
        other = {"email": "seojun@example.com", "name": "이서준", "password": PASSWORD}
        self.request("POST", "/v2/accounts", json=other)
        token_of_other = self.log_in(email="seojun@example.com")

        self.change(PASSWORD, NEW_PASSWORD, self.token)

        self.assertEqual(self.request("GET", "/v2/accounts/me", token_of_other).status_code, 200)

    def test_guessing_is_slowed(self) -> None:
        """P7"""
        statuses = [self.change(f"guess {number}", NEW_PASSWORD, self.token) for number in range(21)]

        self.assertEqual(statuses[0], 403)
        self.assertIn(429, statuses)  # 21 and not 11: a new minute may begin in between
