"""What a server imports: `serve.py`. Production, unless APP_CONFIG names another class."""

import os

from app import create_app

app = create_app(os.environ.get("APP_CONFIG", "config.ProductionConfig"))
