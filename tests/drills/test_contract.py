"""The service does what its own OpenAPI document says, and the document says what it does.

Schemathesis reads the document of a real server, and makes up requests: good ones, and bad ones.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from kit.adapter import PASSWORD, LoadedStage
from kit.server import Server

HERE = Path(__file__).resolve().parent


@pytest.mark.threads
@pytest.mark.timeout(300)  # half a minute, where nothing else runs
@pytest.mark.skipif(
    sys.platform == "win32", reason="Granian has one process on Windows, and these tests want two"
)
def test_the_document_and_the_service_say_the_same(final: LoadedStage, tmp_path: Path) -> None:
    """Every check of schemathesis, in every phase: by examples, at the edges, at random, and in sequences."""
    server = Server(final.folder, tmp_path, f"sqlite:///{tmp_path / 'accounts.sqlite'}")
    url = f"http://127.0.0.1:{server.port}"
    hooks = {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "SERVICE_URL": url, "ADMIN_PASSWORD": PASSWORD}
    settings, found = HERE / "schemathesis.toml", tmp_path / "found.json"
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", settings, "run"]
    command += [f"{url}/v2/openapi.json", "--url", f"{url}/v2", "--seed", "1", "--report-json-path", found]
    try:
        done = subprocess.run(
            command,
            cwd=server.folder,
            env=server.environment | hooks | {"PYTHONPATH": str(HERE)},
            capture_output=True,
            text=True,
            timeout=280,
        )
    finally:
        server.close()

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    report = json.loads(found.read_text())
    assert report["operations"]["tested"] == report["operations"]["total"] > 20
    assert {phase["status"] for phase in report["phases"].values()} == {"success"}
    assert "Traceback" not in server.log.read_text(errors="replace")
