"""Where to go next: the accounts of chapter 1 with a hook and an error handler, in Quart."""

import asyncio
from itertools import count
from uuid import uuid4

from quart import Quart, Response, g, jsonify, request

app = Quart(__name__)
app.json.ensure_ascii = False  # Korean stays readable on the wire
accounts: dict[int, dict[str, object]] = {}
ids = count(1)


class Refused(Exception):
    """How any code says no: a status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@app.before_request
async def begin() -> None:
    """Give each request the id that it came with, or a new one."""
    g.request_id = request.headers.get("X-Request-ID", uuid4().hex)


@app.after_request
async def finish(response: Response) -> Response:
    """Tell the client the id."""
    response.headers["X-Request-ID"] = g.request_id
    return response


@app.errorhandler(Refused)
async def answer_refused(error: Refused) -> tuple[Response, int]:
    """Answer every refusal, in one place."""
    return jsonify(error=str(error)), error.status


@app.get("/accounts")
async def list_accounts() -> Response:
    return jsonify(list(accounts.values()))


@app.post("/accounts")
async def create_account() -> tuple[Response, int]:
    data = await request.get_json()
    if not isinstance(data, dict) or not isinstance(data.get("name"), str):
        raise Refused(400, "name must be text")
    account = {"id": next(ids), "name": data["name"]}
    accounts[account["id"]] = account
    return jsonify(account), 201


@app.get("/accounts/<int:account_id>")
async def show_account(account_id: int) -> Response:
    if account_id not in accounts:
        raise Refused(404, "no such account")
    return jsonify(accounts[account_id])


async def tour() -> None:
    """Ask for what there is, and for what there is not."""
    client = app.test_client()
    for method, path in (("POST", "/accounts"), ("GET", "/accounts/1"), ("GET", "/accounts/2")):
        answer = await client.open(path, method=method, json={"name": "김미나"} if method == "POST" else None)
        text = await answer.get_data(as_text=True)
        print(method, path, answer.status_code, text.strip())


if __name__ == "__main__":
    asyncio.run(tour())
