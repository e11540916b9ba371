"""A room without internet: packed here, then set up, judged and served with the network cut off."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from kit.packing import here, run_pack

from course.paths import ROOT

#: Starts `up` in a network of its own, where its ports are free, and asks both servers.
SERVE = """
import signal, subprocess, sys, time, urllib.error, urllib.request
up = subprocess.Popen([sys.executable, "-m", "course", "up"], stdout=subprocess.PIPE, encoding="utf-8")
said = []
for line in up.stdout:
    said.append(line)
    if line.startswith("Ctrl-C"):
        break
else:
    sys.exit("".join(said))
def ask(address):
    for _ in range(300):  # the site may still be built
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{address}") as answer:
                return answer.status, len(answer.read()) > 10
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
            time.sleep(0.2)
for address in ("8000/", "8000/ko/chapters/01.html", "8001/health/live"):
    print(address, *ask(address))
up.send_signal(signal.SIGINT)
sys.exit(up.wait())
"""


def cuts_off() -> bool:
    """Return whether a program can be run here with a loopback and no other network."""
    if not (shutil.which("unshare") and shutil.which("ip")):
        return False
    return subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode == 0


@pytest.mark.timeout(300)
@pytest.mark.skipif(
    not cuts_off(), reason="no unshare and ip to cut the network off with: install util-linux"
)
def test_a_room_without_internet(tmp_path):
    """Packed here, set up where there is no network: a folder is judged, site and service are served."""
    status, output = run_pack(ROOT, str(tmp_path / "강의 팩"), *here())
    if "cannot be reached" in output:
        pytest.skip("the package index is out of reach, so there is nothing to pack")
    assert status == 0, output
    folder = tmp_path / "강의 팩"
    shutil.copytree(
        folder / "chapters" / "01_views_and_blueprints", folder / "workspace" / "01_views_and_blueprints"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "COV_"))}
    kept |= {"HOME": str(tmp_path), "PIP_CONFIG_FILE": os.devnull, "PYTHONIOENCODING": "utf-8"}

    def cut_off(*arguments: str) -> str:
        """Run Python in the packed folder with a loopback and no other network; return its output."""
        python = getattr(sys, "_base_executable", sys.executable)
        inside = ["unshare", "-rn", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", python]
        command = [*inside, *arguments]
        return subprocess.run(
            command, cwd=folder, env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
        ).stdout

    assert "The packages come from the folder wheels" in cut_off("-m", "course", "doctor", "--lang", "en")
    judged = cut_off("-m", "course", "check", "1")
    assert "Making .venv" in judged and "to do" not in judged and "passed" in judged, judged
    served = cut_off("-c", SERVE)
    pages = ("8000/", "8000/ko/chapters/01.html", "8001/health/live")
    assert served.splitlines()[-3:] == [f"{page} 200 True" for page in pages], served
