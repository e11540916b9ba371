"""Runs the application, and does nothing else."""

from app import app

if __name__ == "__main__":
    app.run()
