"""The application: an empty Flask app and the two blueprints registered on it."""

from flask import Flask

from . import v1, v2

app = Flask(__name__)
app.register_blueprint(v1.bp)
app.register_blueprint(v2.bp)
