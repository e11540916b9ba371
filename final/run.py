"""Runs the service on this machine, and does nothing else; a server runs wsgi.py."""

import logging
import os
import sys

from app import create_app, migrations
from app.exceptions import KeysUnreadable
from app.services import keys
from app.settings import whole_number

if __name__ == "__main__":
    app = create_app()
    migrations.upgrade(app)  # one command is enough to try it; a server is migrated before it starts
    with app.app_context():
        try:
            keys.current().refresh()
        except KeysUnreadable as error:
            sys.exit(str(error))
    host = os.environ.get("HOST") or app.config["HOST"]
    port = whole_number("PORT", str(os.environ.get("PORT") or app.config["PORT"]), 1, 65535)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # no line for every request
    print(f"http://{host}:{port}/v2/docs", flush=True)  # noqa: T201
    app.run(host=host, port=port, debug=app.debug)
