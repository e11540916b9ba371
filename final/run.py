"""Runs the service on this machine, and does nothing else; a server runs wsgi.py."""

import logging
import os
import sys

from app import create_app, migrations
from app.errors import KeysUnreadable
from app.services import keys

if __name__ == "__main__":
    app = create_app()
    migrations.upgrade(app)  # one command is enough to try it; a server is migrated before it starts
    with app.app_context():
        try:
            keys.current().refresh()
        except KeysUnreadable as error:
            sys.exit(error.remedy)
    host = os.environ.get("HOST") or app.config["HOST"]
    port = str(os.environ.get("PORT") or app.config["PORT"])
    if not port.isdecimal():
        sys.exit("PORT has to be a number, 8001 for example")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # no line for every request
    print(f"http://{host}:{port}/v2/docs", flush=True)  # noqa: T201
    app.run(host=host, port=int(port), debug=app.debug)
