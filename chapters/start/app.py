"""An account service in one file. It works. Read it once, then try to change how an answer looks."""

import json
from datetime import datetime

from flask import Flask, Response, request

app = Flask(__name__)

ACCOUNTS = {}
NEXT_ID = 1


@app.route("/accounts", methods=["POST"])
def create_account():
    global NEXT_ID
    print(f"[{datetime.now():%H:%M:%S}] POST /accounts from {request.remote_addr}")
    data = request.get_json(silent=True)
    if not isinstance(data, dict):
        body = json.dumps({"error": "the body must be a JSON object"}, ensure_ascii=False)
        return Response(body, status=400, content_type="application/json; charset=utf-8")
    email = data.get("email")
    if not isinstance(email, str) or "@" not in email or not email.isprintable():
        body = json.dumps({"error": "email must be an e-mail address"}, ensure_ascii=False)
        return Response(body, status=400, content_type="application/json; charset=utf-8")
    name = data.get("name")
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        body = json.dumps({"error": "name must be text"}, ensure_ascii=False)
        return Response(body, status=400, content_type="application/json; charset=utf-8")
    for other in ACCOUNTS.values():
        if other["email"] == email.strip().lower():
            body = json.dumps({"error": "this e-mail has an account"}, ensure_ascii=False)
            return Response(body, status=409, content_type="application/json; charset=utf-8")
    account = {"id": NEXT_ID, "email": email.strip().lower(), "name": name.strip()}
    ACCOUNTS[NEXT_ID] = account
    NEXT_ID += 1
    body = json.dumps(account, ensure_ascii=False)
    response = Response(body, status=201, content_type="application/json; charset=utf-8")
    response.headers["Location"] = f"/accounts/{account['id']}"
    return response


@app.route("/accounts", methods=["GET"])
def list_accounts():
    print(f"[{datetime.now():%H:%M:%S}] GET /accounts from {request.remote_addr}")
    body = json.dumps(list(ACCOUNTS.values()), ensure_ascii=False)
    return Response(body, status=200, content_type="application/json")


@app.route("/accounts/<int:account_id>", methods=["GET"])
def read_account(account_id):
    print(f"[{datetime.now():%H:%M:%S}] GET /accounts/{account_id} from {request.remote_addr}")
    account = ACCOUNTS.get(account_id)
    if account is None:
        body = json.dumps({"error": "no such account"}, ensure_ascii=False)
        return Response(body, status=404, content_type="application/json; charset=utf-8")
    body = json.dumps(account, ensure_ascii=False)
    return Response(body, status=200, content_type="application/json; charset=utf-8")


@app.route("/accounts/<int:account_id>", methods=["PATCH"])
def change_account(account_id):
    print(f"[{datetime.now():%H:%M:%S}] PATCH /accounts/{account_id} from {request.remote_addr}")
    account = ACCOUNTS.get(account_id)
    if account is None:
        body = json.dumps({"error": "no such account"}, ensure_ascii=False)
        return Response(body, status=404, content_type="application/json; charset=utf-8")
    data = request.get_json(silent=True)
    if not isinstance(data, dict):
        body = json.dumps({"error": "the body must be a JSON object"}, ensure_ascii=False)
        return Response(body, status=400, content_type="application/json; charset=utf-8")
    name = data.get("name")
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        body = json.dumps({"error": "name must be text"}, ensure_ascii=False)
        return Response(body, status=400, content_type="application/json; charset=utf-8")
    account["name"] = name.strip()
    body = json.dumps(account, ensure_ascii=False)
    return Response(body, status=200, content_type="application/json; charset=utf-8")


@app.route("/accounts/<int:account_id>", methods=["DELETE"])
def delete_account(account_id):
    print(f"[{datetime.now():%H:%M:%S}] DELETE /accounts/{account_id} from {request.remote_addr}")
    account = ACCOUNTS.get(account_id)
    if account is None:
        body = json.dumps({"error": "no such account"}, ensure_ascii=False)
        return Response(body, status=404, content_type="application/json; charset=utf-8")
    del ACCOUNTS[account_id]
    return Response(status=204)


if __name__ == "__main__":
    app.run()
