"""What several clients do to accounts, links and mail at once: one of them wins, and nothing is lost."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pyotp
import pytest
from kit.adapter import PASSWORD, Client, Stage, expect

pytestmark = pytest.mark.threads

MINA, OTHER = "mina@example.com", "other@example.com"
NEW = "another passphrase for the tests"
LINKS = {
    "verify": "/v2/accounts/verify",
    "reset": "/v2/auth/password/reset",
    "confirm_email": "/v2/accounts/email/confirm",
}


@pytest.fixture
def room(service: Stage) -> Stage:
    """The service with room for as many hashes as a race needs."""
    service.app = service.new_app(PASSWORD_SLOTS=20)
    return service


def links(service: Stage, client: Client, mailbox: Any) -> dict[str, str]:
    """Have a link of each kind mailed, and return their tokens."""
    expect(service.client.post("/v2/auth/password/forgot", json={"email": MINA}), 202)
    expect(client.post("/v2/accounts/me/email", json={"email": OTHER, "current_password": PASSWORD}), 202)
    text = "".join(letter.text for letter in mailbox.letters())
    return dict(re.findall(r"#action=(\w+)&token=([\w-]{43})\n", text))


@pytest.mark.parametrize("kind", LINKS)
def test_a_link_works_once_for_ten_at_once(
    room: Stage, mailbox: Any, in_database: Any, at_once: Any, kind: str
) -> None:
    """One succeeds, nine are told that it no longer works, and the audit says the same."""
    account = room.sign_up(email=MINA)
    body = {"token": links(room, account.client, mailbox)[kind]}
    if kind == "reset":
        body["new_password"] = NEW
    before = len(in_database("SELECT id FROM audit_events"))

    answers = at_once(10, lambda _: Client(room.app).post(LINKS[kind], json=body).status_code)

    assert sorted(answers) == [204] + [400] * 9
    outcomes = in_database("SELECT outcome FROM audit_events ORDER BY id")[before:]
    assert sorted(outcome for (outcome,) in outcomes) == ["done"] + ["failed"] * 9


def test_an_address_that_two_want_goes_to_one(
    room: Stage, mailbox: Any, in_database: Any, at_once: Any
) -> None:
    """Two links were mailed for one address; the second that is opened no longer works."""
    tokens = []
    for _ in range(2):
        client = room.sign_up().client
        mailbox.letters()
        expect(client.post("/v2/accounts/me/email", json={"email": OTHER, "current_password": PASSWORD}), 202)
        tokens.append(mailbox.token())

    answers = at_once(
        2, lambda one: Client(room.app).post(LINKS["confirm_email"], json={"token": tokens[one]}).status_code
    )

    assert sorted(answers) == [204, 400]
    assert in_database("SELECT count(*) FROM accounts WHERE email = ?", OTHER) == [(1,)]


@pytest.mark.parametrize("with_mfa", [False, True], ids=["password", "second factor"])
def test_of_log_ins_at_once_with_an_outdated_hash_all_succeed(
    room: Stage, at_once: Any, with_mfa: bool
) -> None:
    """One of them renews the hash; for the others it is the same password as before."""
    account = room.sign_up()
    if with_mfa:
        setup = account.client.post("/v2/auth/mfa", json={"current_password": PASSWORD})
        code = pyotp.TOTP(expect(setup, 200)["secret"]).now()
        codes = expect(account.client.post("/v2/auth/mfa/confirm", json={"code": code}), 200)[
            "recovery_codes"
        ]
    costlier = room.another_process(ARGON2_TIME=3, PASSWORD_SLOTS=20)
    body = {"email": account.email, "password": PASSWORD}

    answers = at_once(4, lambda number: Client(costlier).post("/v2/auth/login", json=body))

    grants = [expect(answer, 200) for answer in answers]
    if with_mfa:
        for grant, code in zip(grants, codes, strict=False):
            half = {"mfa_token": grant["mfa_token"], "code": code}
            expect(Client(costlier).post("/v2/auth/login/mfa", json=half), 200)


@pytest.mark.parametrize("how", ["demoted", "disabled", "deleted"])
def test_of_the_last_admins_one_always_stays(room: Stage, in_database: Any, at_once: Any, how: str) -> None:
    """Four leave at the same moment: three succeed."""
    clients = []
    for number in range(4):
        email = f"admin{number}@example.com"
        assert room.create_admin(email, "관리자").exit_code == 0
        clients.append(Client(room.app, "/v2", room.token(email), PASSWORD))

    def leave(number: int) -> int:
        if how == "deleted":
            return int(clients[number].delete("/v2/accounts/me").status_code)
        body = {"role": "member"} if how == "demoted" else {"disabled": True}
        return int(clients[number].patch("/v2/accounts/me", json=body).status_code)

    answers = at_once(4, leave)

    assert sorted(answers) == [204 if how == "deleted" else 200] * 3 + [409]
    left = "SELECT count(*) FROM accounts WHERE role = 'admin' AND disabled_at IS NULL"
    assert in_database(left) == [(1,)]


def test_of_two_changes_to_what_was_read_one_is_made(room: Stage, at_once: Any) -> None:
    """Eight read the same account and change it: one succeeds, seven are told to read it again."""
    account = room.sign_up()
    tag = account.client.get("/v2/accounts/me").headers["ETag"]

    def rename(number: int) -> int:
        client = Client(room.app, "/v2", account.client.token)
        answer = client.patch("/v2/accounts/me", json={"name": f"이름 {number}"}, headers={"If-Match": tag})
        return int(answer.status_code)

    answers = at_once(8, rename)

    assert sorted(answers) == [200] + [412] * 7
    winner = answers.index(200)
    assert expect(account.client.get("/v2/accounts/me"), 200)["name"] == f"이름 {winner}"


def test_a_deleted_account_causes_no_500(room: Stage, in_database: Any) -> None:
    """An owner forgets the password while the account is being deleted: no 500, and no mail."""
    room.sign_up(email=MINA)
    in_database("DELETE FROM outbox")
    forgot = Client(room.app)

    with room.app.app_context(), ThreadPoolExecutor(1) as pool:
        engine = room.app.extensions["sqlalchemy"].engine
        with engine.connect().execution_options(writing=True) as deleting:
            deleting.exec_driver_sql("DELETE FROM accounts")
            asked = pool.submit(lambda: forgot.post("/v2/auth/password/forgot", json={"email": MINA}))
            wait([asked], timeout=0.5)  # usually long enough for it to wait for the deletion
            deleting.commit()
        expect(asked.result(), 202)

    assert in_database("SELECT account_id FROM outbox") == [(None,)]


def test_several_processes_send_each_mail_once(
    room: Stage, mailbox: Any, in_database: Any, at_once: Any
) -> None:
    """Six senders on one outbox of twelve: no mail is sent twice, and none stays."""
    for _ in range(12):
        new = {"email": room.new_email(), "name": "김미나", "password": PASSWORD}
        expect(room.client.post("/v2/accounts", json=new), 202)
    arrived: list[Any] = []
    mailbox.send = arrived.append
    mail = importlib.import_module(f"{room.app.import_name}.services.mail")

    def send(_: int) -> None:
        with room.app.app_context():
            mail.deliver()

    at_once(6, send)

    assert sorted(Counter(letter.to for letter in arrived).values()) == [1] * 12
    assert in_database("SELECT count(*) FROM outbox") == [(0,)]
