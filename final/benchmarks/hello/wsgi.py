"""No service at all: the least that Flask can answer, on the server of ours. Nothing in Flask is faster."""

from flask import Flask

app = Flask(__name__)


@app.get("/health")
def hello() -> dict[str, str]:
    return {"hello": "world"}
