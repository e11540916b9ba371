"""Chapter 5: `g`, `request` and `current_app` stand for those of the context that code runs in."""

from flask import Flask, current_app, g, request

app = Flask(__name__)


@app.get("/<name>")
def remember(name: str) -> str:
    before = g.get("name", "nobody")
    g.name = name
    return f"{current_app.name} was asked for {request.path}; g knew {before}"


client = app.test_client()
print(client.get("/mina").text)
print(client.get("/seojun").text)  # another request, another g

with app.app_context():  # a command or a script: an application, and no request
    g.name = "the command"
    print(current_app.name, "with g for", g.name)
    try:
        print(request.path)
    except RuntimeError as error:
        print("request:", str(error).splitlines()[0])

try:
    print(current_app.name)
except RuntimeError as error:
    print("current_app:", str(error).splitlines()[0])
