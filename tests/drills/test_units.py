"""deploy/systemd on a server that systemd boots: installed, used, broken and updated by the page's commands.

The server is a container with systemd as its first process, and nginx of the distribution.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import time
from collections.abc import Iterator
from secrets import token_hex

import pytest
from kit.adapter import PASSWORD
from kit.containers import Engine
from kit.mail_server import certificate, serving
from kit.operators import ADMIN, LOGIN, LOGOUT, ME, Clients, Shell
from kit.page_commands import never_ran, ran, server_commands
from kit.ports import free_port

from course.paths import ROOT

pytestmark = [
    pytest.mark.threads,
    pytest.mark.timeout(1200),  # it builds the server, and installs packages in it
    pytest.mark.skipif(sys.platform != "linux", reason="the server sends mail to this machine itself"),
]

PORTS = (8001, 8002)
CHECKOUT = "/mnt/final"  # on the server
#: A systemd of Debian 13 wants to be told that it may run on the older kind of control groups.
LEGACY = (
    "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 systemd.unified_cgroup_hierarchy=0 "
    "systemd.legacy_systemd_cgroup_controller=1"
)


class Machine(Clients):
    """The server, its clients, and root at its shell."""

    def __init__(self, engine: Engine, image: str) -> None:
        super().__init__(free_port())
        self.engine, self.name = engine, f"accounts-drill-{token_hex(4)}"
        legacy = engine("info", "--format={{.CgroupVersion}}") == "1"
        rights = ["--privileged", f"--cgroupns={'host' if legacy else 'private'}", "--tmpfs=/run:exec"]
        rights += ["--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw"] if legacy else []
        # systemd hands units their credentials by mounts, which have to reach what it starts.
        boot = f"mount --make-rshared / && exec /lib/systemd/systemd {LEGACY if legacy else ''}"
        published = f"--publish=127.0.0.1:{self.port}:80"
        engine("run", "-d", f"--name={self.name}", published, *rights, image, "sh", "-c", boot)
        self.shell = Shell(engine.folder, os.environ)
        self.gateway = engine("inspect", "--format={{.NetworkSettings.Gateway}}", self.name)
        self.mail_port = free_port()

    def wait_for_boot(self) -> None:
        """Wait until systemd says that it is up."""
        end = time.monotonic() + 120
        while self.engine.run("exec", self.name, "systemctl", "is-system-running").stdout.strip() not in (
            "running",
            "degraded",
        ):
            assert time.monotonic() < end, self.engine.run("logs", self.name).stdout[-2000:]
            time.sleep(0.5)

    def root(self, command: str, typed: str = "", status: int = 0) -> str:
        """Run a command of the page in its checkout."""
        printed = self.shell(self.call(command, "-i"), typed, status)
        if status == 0:
            ran(command)
        return printed

    def call(self, command: str, *options: str) -> str:
        """Return the command by which the engine runs ``command`` on the server."""
        inside = ["exec", *options, f"--workdir={CHECKOUT}", self.name, "bash", "-c", command]
        return shlex.join([self.engine.program, *inside])

    def asked(self, port: int, path: str, *options: str) -> int:
        """Return the status that a port of the server answers, which only itself can reach."""
        words = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", *options]
        return int(self.root(shlex.join([*words, f"http://127.0.0.1:{port}{path}"])))

    def property(self, unit: str, name: str) -> str:
        """Return what systemd knows about a unit."""
        return self.root(f"systemctl show --value --property={name} {unit}").strip()


@pytest.fixture(scope="module")
def machine(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Installed as the page says, up to the first admin and nginx."""
    engine.need_images(str(ROOT / "tests" / "drills" / "server" / "Dockerfile"), r"^FROM (\S+)")
    image = f"accounts-drill-{token_hex(4)}"
    dockerfile = (ROOT / "tests" / "drills" / "server" / "Dockerfile").read_text(encoding="utf-8")
    engine("build", "--quiet", "--network=host", f"--tag={image}", "-", input=dockerfile)
    machine = Machine(engine, image)
    try:
        machine.wait_for_boot()
        engine("cp", str(engine.folder), f"{machine.name}:{CHECKOUT}")
        make_secrets, settings, install, create_admin, *front = server_commands("deploying.md", "one-server")
        context, trusted = certificate(tmp_path_factory.mktemp("mail"), machine.gateway)
        engine("cp", str(trusted), f"{machine.name}:/etc/ssl/mail.pem")
        with serving(machine.inbox, machine.mail_port, hostname=machine.gateway, ssl_context=context):
            machine.root(make_secrets, typed=f"smtps://{machine.gateway}:{machine.mail_port}\n")
            machine.root(settings)
            machine.root("echo SSL_CERT_FILE=/etc/ssl/mail.pem >> /etc/accounts/environment")
            machine.root(install)
            prompts = [("Password:", PASSWORD), ("Repeat", PASSWORD)]
            machine.shell.terminal(machine.call(create_admin, "-it"), prompts)
            ran(create_admin)
            for command in front:
                machine.root(command)
            for _ in range(10):  # what nginx had before may answer for a moment
                time.sleep(0.2)
                machine.until(200)
            yield machine
    finally:
        engine.run("rm", "--force", "--volumes", machine.name)
        engine.run("rmi", "--force", image)


def test_somebody_signs_up_and_is_logged_out_at_both_ports(machine: Machine) -> None:
    """Log-ins hash a password, which no filter of calls may end; each log is in a journal."""
    email = machine.sign_up()
    token = machine.log_in(email)["access_token"]
    bearer = ["--header", f"Authorization: Bearer {token}"]
    assert [machine.asked(port, ME, *bearer) for port in PORTS] == [200, 200]

    assert machine.asked(8001, LOGOUT, "--request", "POST", *bearer) == 204

    assert machine.asked(8002, ME, *bearer) == 401
    assert machine.log_in(ADMIN)["access_token"]
    assert [machine.property(f"accounts@{port}", "NRestarts") for port in PORTS] == ["0", "0"]
    ours, front = (
        machine.root(line) for line in server_commands("deploying.md", "logs") if line.startswith("journal")
    )
    for log in (ours, front):
        lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
        assert LOGIN in {line.get("path") for line in lines}
    assert "Operation not permitted" not in ours


def test_it_is_confined(machine: Machine) -> None:
    """What the units forbid is forbidden: by the process, and not only by the file."""
    pid = machine.property("accounts@8001", "MainPID")
    status = machine.root(f"cat /proc/{pid}/status")
    assert re.search(r"^CapBnd:\s+0+$", status, re.M) and re.search(r"^NoNewPrivs:\s+1$", status, re.M)
    assert re.search(r"^Seccomp:\s+2$", status, re.M)
    user = machine.root("id --user accounts").strip()
    assert re.search(rf"^Uid:\s+{user}\s+{user}\s", status, re.M) and user != "0"
    assert (
        machine.root("stat --format=%a:%U /var/lib/accounts /var/backups/accounts").split()
        == ["700:accounts"] * 2
    )


def test_a_migration_by_hand_restarts_nothing(machine: Machine) -> None:
    """It can be started, and `restart`, which would stop all ports, is refused."""
    before = [machine.property(f"accounts@{port}", "MainPID") for port in PORTS]

    machine.root("systemctl start accounts-migrate")
    for refused in ("restart", "stop"):
        machine.root(f"systemctl {refused} accounts-migrate 2>&1 | grep --quiet 'Operation refused'")

    assert [machine.property(f"accounts@{port}", "MainPID") for port in PORTS] == before


def test_a_new_version_is_installed_without_a_failure(machine: Machine) -> None:
    """By the same script: one port answers while the other is started anew, and the code is the new one."""
    (install,) = [line for line in server_commands("deploying.md", "one-server") if "install.sh" in line]
    before = machine.root("readlink /opt/accounts")

    with machine.under_load() as load:
        machine.root(f"COMMIT=4567def {install}")

    assert load.sent > 100 and load.failed == []
    assert machine.root("readlink /opt/accounts") != before
    for port in PORTS:
        said = json.loads(machine.root(f"curl --silent http://127.0.0.1:{port}/version"))
        assert said["commit"] == "4567def" and said["built_at"]


def test_a_migration_that_fails_replaces_nothing(machine: Machine) -> None:
    """The script stops; the ports go on with the version of before, also when they are started anew."""
    (install,) = [line for line in server_commands("deploying.md", "one-server") if "install.sh" in line]
    before = machine.root("readlink /opt/accounts")
    pids = [machine.property(f"accounts@{port}", "MainPID") for port in PORTS]
    machine.root("echo 'raise RuntimeError' > migrations/versions/9999_broken.py")
    try:
        machine.root(install, status=1)
    finally:
        machine.root("rm migrations/versions/9999_broken.py")

    assert machine.root("readlink /opt/accounts") == before
    assert [machine.property(f"accounts@{port}", "MainPID") for port in PORTS] == pids
    machine.root("systemctl restart accounts@8001")
    machine.until(200)


def test_one_that_dies_is_started_again(machine: Machine) -> None:
    """By systemd; no look-up fails meanwhile."""
    pid = machine.property("accounts@8001", "MainPID")
    with machine.under_load() as load:
        machine.root(f"kill -9 {pid}")
        end = time.monotonic() + 60
        while machine.property("accounts@8001", "MainPID") in ("0", pid):
            assert time.monotonic() < end
            time.sleep(0.5)

    assert [one for one in load.failed if one.startswith("GET")] == []
    assert len(load.failed) <= 1  # the POST that was under way


def test_the_timers_copy_and_prune_and_a_copy_comes_back(machine: Machine) -> None:
    """What they run works now, and by the commands of the page everybody's account is there again."""
    timers = machine.root("systemctl list-timers --no-legend --no-pager")
    assert "accounts-backup.timer" in timers and "accounts-prune.timer" in timers
    email = machine.sign_up()
    token = machine.log_in(email)["access_token"]
    machine.root("systemctl start accounts-backup accounts-prune")
    (copy,) = machine.root("ls /var/backups/accounts").split()

    later = machine.sign_up()
    restore = [
        line for line in server_commands("deploying.md", "backup") if line.startswith("accounts-flask")
    ]
    for command in restore:
        machine.root(re.sub(r"accounts-\d{8}T\d{6}Z\.sqlite", copy, command))

    assert machine.send("GET", ME, token=token).status == 401  # everybody was logged out
    assert machine.log_in(email)["access_token"]
    assert machine.send("POST", LOGIN, {"email": later, "password": PASSWORD}).status == 401


def test_it_comes_back_after_a_restart_of_the_machine(machine: Machine) -> None:
    """By itself: both ports and the timers are enabled."""
    machine.engine("restart", "--time=60", machine.name)
    machine.wait_for_boot()

    machine.until(200, seconds=120)
    assert [machine.asked(port, "/health/ready") for port in PORTS] == [200, 200]
    assert "accounts-backup.timer" in machine.root("systemctl list-timers --no-legend --no-pager")


def test_the_page_needs_no_path_that_the_server_lacks(machine: Machine) -> None:
    """A command without its settings ends with a sentence, and not with another database."""
    bare = "cd /opt/accounts && venv/bin/flask --app wsgi accounts sessions mina@example.com"
    machine.root(bare, status=1)
    machine.root("cd /opt/accounts && venv/bin/flask --app run accounts sessions mina@example.com", status=2)
    assert "instance" not in machine.root("ls /opt/accounts/").split()


def test_every_command_of_the_page_was_run(machine: Machine) -> None:
    """By the tests above, on this server; `.course/drills/units.txt` lists them."""
    commands = server_commands("deploying.md", "one-server")
    commands += [line for line in server_commands("deploying.md", "logs") if line.startswith("journal")]
    commands += [
        line for line in server_commands("deploying.md", "backup") if line.startswith("accounts-flask")
    ]
    version = machine.root("systemctl --version").split()[1]
    system = machine.root(". /etc/os-release && echo $PRETTY_NAME").strip()

    assert never_ran("units", f"systemd {version}, {system}", commands) == []
