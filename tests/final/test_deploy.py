"""How the service is deployed: compose.yaml, deploy/kubernetes and deploy/systemd, by schema and by meaning.

The schemas are the published ones, as check-jsonschema and kubernetes-validate carry them. That the image
and compose.yaml work is in tests/drills, and that nginx.conf does in test_nginx.py.
"""

from __future__ import annotations

import io
import re
import runpy
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import redis
import yaml
from kit.ports import free_port
from redis.backoff import NoBackoff
from redis.retry import Retry

from course.lessons.stages import find_stage

FINAL = find_stage("final").path
KUBERNETES = FINAL / "deploy" / "kubernetes"
UNITS = FINAL / "deploy" / "systemd"
#: The oldest version of Kubernetes that is still supported, and the newest that has a schema.
VERSIONS = ("1.34", "1.37")
APPS = ("app1", "app2")


@pytest.fixture(scope="module")
def compose() -> Any:
    """What compose.yaml says, its anchors followed."""
    return yaml.safe_load((FINAL / "compose.yaml").read_text(encoding="utf-8"))


def manifests() -> Iterator[dict[str, Any]]:
    """The manifests that kustomization.yaml puts together."""
    for name in yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]:
        yield from yaml.safe_load_all((KUBERNETES / name).read_text(encoding="utf-8"))


def pods() -> dict[str, Any]:
    """Return the pods by the kind of what makes them."""
    found = {}
    for one in manifests():
        spec = one["spec"]["jobTemplate"]["spec"] if one["kind"] == "CronJob" else one.get("spec", {})
        if "template" in spec:
            found[one["kind"]] = spec["template"]["spec"]
    return found


# -- compose.yaml -------------------------------------------------------------------------------------


def test_compose_is_of_its_schema() -> None:
    """By the published schema of Compose."""
    program = Path(sys.executable).parent / "check-jsonschema"
    command = [program, "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    done = subprocess.run(command, cwd=FINAL, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_no_container_has_more_rights_than_it_needs(compose: Any) -> None:
    """Read-only, without capabilities, not root, bounded, and its log too; only nginx is open."""
    for name, service in compose["services"].items():
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert name in (*APPS, "migrate", "prune") or not service["user"].startswith(("0", "root")), name
        assert service["deploy"]["resources"]["limits"].keys() >= {"memory", "pids"}, name
        assert service["logging"]["options"].keys() >= {"max-size", "max-file"}, name
        assert "healthcheck" in service, name
        assert ("ports" in service) == (name == "nginx")
    assert compose["services"]["nginx"]["ports"] == [
        "${LISTEN:-127.0.0.1:8080}:8080",
        "${LISTEN_TLS:-127.0.0.1:8443}:8443",
    ]
    assert compose["networks"]["back"] == {"internal": True}
    for name in ("database", "redis"):
        assert compose["services"][name]["networks"] == ["back"], name


def test_the_migration_comes_first(compose: Any) -> None:
    """The service waits until it has ended well, and nginx until both of the service are ready."""
    for app in APPS:
        assert compose["services"][app]["depends_on"]["migrate"] == {
            "condition": "service_completed_successfully"
        }
        assert "/health/ready" in compose["services"][app]["healthcheck"]["test"][-1]
    assert "migrate" in compose["services"]["prune"]["depends_on"]
    migrate = compose["services"]["migrate"]
    assert migrate["command"] == ["flask", "--app", "wsgi", "db", "upgrade"] and migrate["restart"] == "no"
    assert "migrate" not in migrate["depends_on"]
    assert set(compose["services"]["nginx"]["depends_on"]) == set(APPS)
    servers = re.findall(
        r"^ *server (\w+):8000 ",
        (FINAL / "deploy" / "nginx" / "nginx.conf").read_text(encoding="utf-8"),
        re.M,
    )
    assert tuple(servers) == APPS


def test_addresses_stay(compose: Any) -> None:
    """nginx finds each application again, also if another container wanted an address meanwhile."""
    front = compose["networks"]["front"]["ipam"]["config"][0]
    network = front["subnet"].removesuffix(".0/24")
    addresses = {
        app: compose["services"][app]["networks"]["front"]["ipv4_address"].removeprefix(f"{network}.")
        for app in APPS
    }
    assert compose["services"]["nginx"]["extra_hosts"] == [
        f"{app}:{network}.{last}" for app, last in addresses.items()
    ]
    assert front["ip_range"] == f"{network}.128/25"  # of which the others get theirs
    assert all(1 < int(last) < 128 for last in addresses.values()) and len(set(addresses.values())) == 2


def test_the_folder_of_nginx_is_mounted(compose: Any) -> None:
    """An editor saves another file in the place of the one before, which a mounted file would stay."""
    (mounted,) = compose["services"]["nginx"]["volumes"]
    source = FINAL / mounted.partition(":")[0]
    assert source.is_dir() and (source / "nginx.conf").is_file()


def test_every_variable_has_its_line_in_the_example(compose: Any) -> None:
    """`env.example` names what compose.yaml reads, with the same defaults; git ignores `.env`."""
    text = (FINAL / "compose.yaml").read_text(encoding="utf-8")
    read = dict(re.findall(r"\$\{([A-Z_]+):[-?]([^}]*)\}", text))
    lines = (FINAL / "env.example").read_text(encoding="utf-8").splitlines()
    shown = dict(line.split("=", 1) for line in lines if not line.startswith("#"))

    stamps = {"COMMIT": "", "BUILT_AT": ""}  # of each build: deploy/roll.sh
    assert read | {"PUBLIC_URL": "https://accounts.example"} == shown | stamps
    ignored = FINAL.parent.joinpath(".gitignore").read_text(encoding="utf-8")
    assert "/final/.env\n" in ignored


def test_the_connections_are_enough(compose: Any) -> None:
    """All threads of all processes, each with a connection to read and one to write, and some to spare."""
    gateway = (FINAL / "gateway.py").read_text(encoding="utf-8")
    threads = int(re.findall(r"^THREADS = (\d+)", gateway, re.M)[0]) + 1  # and one for mail
    processes = int(
        compose["services"]["app1"]["environment"]["WEB_CONCURRENCY"].rpartition("-")[2].rstrip("}")
    )
    allowed = int(re.findall(r"max_connections=(\d+)", str(compose["services"]["database"]["command"]))[0])

    at_most = len(APPS) * processes * threads * 2
    assert f"{at_most} at most" in (FINAL / "compose.yaml").read_text(encoding="utf-8")
    assert at_most <= 0.7 * allowed


# -- secrets ------------------------------------------------------------------------------------------


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of secrets that make_secrets.py makes."""
    folder = tmp_path / "secrets"
    make(folder, monkeypatch)
    return folder


def make(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *only: str,
    typed: str = "smtps://mina:hunter2@mail.example.com\n",
) -> None:
    """Run it, the mail server given by standard input."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    runpy.run_path(str(FINAL / "deploy" / "make_secrets.py"))["main"](folder, *only)


def test_every_secret_is_a_file_and_none_has_a_default(compose: Any, made: Path) -> None:
    """What compose.yaml wants is what make_secrets.py makes; nothing secret is in the environment."""
    files = {Path(secret["file"]).name for secret in compose["secrets"].values()}
    assert files == {file.name for file in made.iterdir()} == set(compose["secrets"])
    for name, service in compose["services"].items():
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        for variable, value in service.get("environment", {}).items():
            if re.search("SECRET|PASSWORD|SMTP|DATABASE_URL|REDIS", variable):
                assert variable.endswith("_FILE"), (name, variable)
                assert Path(value).name in service["secrets"], (name, variable)
    assert FINAL.parent.joinpath(".gitignore").read_text(encoding="utf-8").count("/final/secrets/\n") == 1


def test_secrets_are_made_once(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long, different, in a folder that only its owner may enter; existing files stay as they are."""
    before = {file.name: file.read_text(encoding="utf-8") for file in made.iterdir()}
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in made.iterdir()} == {0o444}
    assert min(len(before[name].strip()) for name in ("secret_key", "database_password")) >= 43
    assert before["database_password"].strip() in before["database_url"]
    assert before["smtp_url"] == "smtps://mina:hunter2@mail.example.com\n"

    make(made, monkeypatch)

    assert before == {file.name: file.read_text(encoding="utf-8") for file in made.iterdir()}
    make(made.with_name("another"), monkeypatch)
    assert (made.with_name("another") / "secret_key").read_text(encoding="utf-8") != before["secret_key"]


@pytest.mark.parametrize(
    "typed", ["", "\n", "mail.example.com\n", "https://mail.example.com\n", "smtps://\n"]
)
def test_no_mail_server_is_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    """What is no address of a mail server is refused and not kept; the next run asks again."""
    with pytest.raises(SystemExit, match="no mail server"):
        make(tmp_path, monkeypatch, typed=typed)
    assert not (tmp_path / "smtp_url").exists()

    make(tmp_path, monkeypatch)

    assert "hunter2" in (tmp_path / "smtp_url").read_text(encoding="utf-8")


def test_a_terminal_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who only pressed Enter, or mistyped, is asked once more."""
    typed = iter(["", "mail.example.com", " smtp://mail.example.com:587 "])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)

    runpy.run_path(str(FINAL / "deploy" / "make_secrets.py"))["main"](tmp_path, "smtp_url")

    assert [file.name for file in tmp_path.iterdir()] == ["smtp_url"]
    assert (tmp_path / "smtp_url").read_text(encoding="utf-8") == "smtp://mail.example.com:587\n"


def test_the_units_get_the_secrets_that_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server without containers makes the two that its units load, and no other."""
    make(tmp_path / "etc", monkeypatch, "secret_key", "smtp_url")
    made = {file.name for file in (tmp_path / "etc").iterdir()}
    for unit in (*UNITS.glob("*.service"), UNITS / "accounts-flask"):
        loaded = re.findall(
            r"LoadCredential=(\w+):/etc/accounts/secrets/(\w+)", unit.read_text(encoding="utf-8")
        )
        assert {name for pair in loaded for name in pair} == made, unit.name


@pytest.mark.threads
@pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="no redis-server: apt-get install redis-server"
)
def test_redis_wants_its_password(made: Path, tmp_path: Path) -> None:
    """A real one, started as compose.yaml starts it: its check passes, and it refuses without a password."""
    port = free_port()
    command = ["redis-server", str(made / "redis_conf"), "--port", str(port), "--bind", "127.0.0.1"]
    server = subprocess.Popen([*command, "--dir", str(tmp_path)], stdout=subprocess.DEVNULL)
    try:
        url = (made / "redis_url").read_text(encoding="utf-8").strip()
        client = redis.Redis(port=port, password=urlsplit(url).password)
        for _ in range(100):
            try:
                assert client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.1)
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=port, retry=Retry(NoBackoff(), 0)).ping()  # by itself it would try for seconds
        ping = ["redis-cli", "-p", str(port), "ping"]
        assert subprocess.run(ping, capture_output=True, timeout=20).returncode == 0
    finally:
        server.terminate()
        server.wait(20)


# -- Kubernetes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_the_manifests_are_of_their_schemas(version: str) -> None:
    """Every one, strictly: an unknown field is a misspelled one."""
    kinds = []
    for one in manifests():
        kubernetes_validate.validate(one, version, strict=True)
        kinds.append(one["kind"])
    assert {"Deployment", "Service", "Ingress", "Job", "CronJob", "ConfigMap", "PodDisruptionBudget"} <= set(
        kinds
    )


def test_a_misspelled_field_is_found() -> None:
    """The test above can fail."""
    (deployment,) = [one for one in manifests() if one["kind"] == "Deployment"]
    deployment["spec"]["replica"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, VERSIONS[0], strict=True)


def test_every_file_is_put_together() -> None:
    """None is forgotten in kustomization.yaml."""
    named = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    assert sorted(named) == sorted(file.name for file in KUBERNETES.iterdir() if file.stem != "kustomization")


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl, which brings kustomize along")
def test_kustomize_puts_them_together() -> None:
    """The image has its name from one place, and nothing keeps the short one."""
    done = subprocess.run(["kubectl", "kustomize", KUBERNETES], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    images = set(re.findall(r"image: (\S+)", done.stdout))
    assert images == {"registry.example.com/accounts:1"}
    assert {one["metadata"].get("namespace") for one in yaml.safe_load_all(done.stdout)} == {None, "accounts"}


def test_every_pod_is_unprivileged_and_writes_where_the_image_says() -> None:
    """By the strictest published standard, and with a read-only file system."""
    assert set(pods()) == {"Deployment", "Job", "CronJob"}
    user = int(re.findall(r"^USER (\d+)", (FINAL / "Dockerfile").read_text(encoding="utf-8"), re.M)[0])
    settings = next(one for one in manifests() if one["kind"] == "ConfigMap")["data"]
    for kind, pod in pods().items():
        assert pod["securityContext"].items() >= {"runAsNonRoot": True, "runAsUser": user}.items(), kind
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]
        mounted = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
        assert mounted.keys() == {"/tmp", "/srv/instance", "/run/secrets/accounts"}  # noqa: S108
        for variable, value in settings.items():
            assert not variable.endswith("_FILE") or value.startswith("/run/secrets/accounts/"), variable


def test_kubernetes_asks_what_it_should(compose: Any) -> None:
    """Restarts by /health/live, sends requests by /health/ready, and waits longer than requests may take."""
    (container,) = pods()["Deployment"]["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
    assert container["startupProbe"]["httpGet"]["path"] == "/health/live"
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    server = (FINAL / "serve.py").read_text(encoding="utf-8")
    patience = int(re.findall(r"workers_kill_timeout=(\d+)", server)[0])
    assert pods()["Deployment"]["terminationGracePeriodSeconds"] > patience + 5
    assert int(compose["services"]["app1"]["stop_grace_period"].rstrip("s")) > patience
    assert pods()["Job"]["containers"][0]["command"] == compose["services"]["migrate"]["command"]


def test_the_ingress_hides_what_is_for_operators() -> None:
    """The ingress passes on every path of the service except those for operators."""
    (ingress,) = [one for one in manifests() if one["kind"] == "Ingress"]
    paths = ingress["spec"]["rules"][0]["http"]["paths"]

    def passed(path: str) -> bool:
        return any(
            path == one["path"] or (one["pathType"] == "Prefix" and path.startswith(one["path"] + "/"))
            for one in paths
        )

    for path in (
        "/",
        "/v2/accounts",
        "/v1/accounts",
        "/session/login",
        "/page/main.js",
        "/.well-known/jwks.json",
    ):
        assert passed(path), path
    assert passed("/version") and passed("/swaggerui/x.js")
    for path in ("/metrics", "/health/live", "/health/ready"):
        assert not passed(path), path


# -- systemd ------------------------------------------------------------------------------------------


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A root with the units in it, and the programs that they start."""
    programs, units = tmp_path / "opt/accounts/venv/bin", tmp_path / "etc/systemd/system"
    shutil.copytree(
        "/usr/lib/systemd/system", tmp_path / "usr/lib/systemd/system", ignore_dangling_symlinks=True
    )
    programs.mkdir(parents=True)
    for name in ("python", "flask"):
        (programs / name).touch(mode=0o755)
    units.mkdir(parents=True)
    for unit in (*UNITS.glob("*.service"), *UNITS.glob("*.timer")):
        shutil.copy(unit, units)
    return tmp_path


def verify(machine: Path) -> str:
    """Return what systemd says about our units."""
    units = ["accounts@8001.service", *(unit.name for unit in UNITS.glob("accounts-*.*"))]
    command = ["systemd-analyze", "verify", f"--root={machine}", *units]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return "".join(line for line in done.stderr.splitlines(True) if "accounts" in line)


needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None or not Path("/usr/lib/systemd/system").is_dir(),
    reason="no systemd-analyze: a Linux with systemd has it",
)


@needs_systemd
def test_systemd_understands_the_units(machine: Path) -> None:
    """Each directive by its name and its place; and it reports one that is wrong."""
    assert verify(machine) == ""

    unit = machine / "etc/systemd/system/accounts-prune.service"
    unit.write_text(unit.read_text(encoding="utf-8").replace("ProtectHome", "ProtectHouse"), encoding="utf-8")
    assert "ProtectHouse" in verify(machine)


def test_a_server_gets_what_the_image_gets() -> None:
    """The same files of the service, and not run.py, which would have another database."""
    copied = " ".join(
        re.findall(
            r"^COPY (?!--)(.*) \S+$",
            (FINAL / "Dockerfile").read_text(encoding="utf-8").split("\nFROM ")[-1],
            re.M,
        )
    )
    installed = re.findall(r'^cp -R (.*) "\$new"$', (UNITS / "install.sh").read_text(encoding="utf-8"), re.M)
    assert set(installed[0].split()) == set(copied.split())
    assert "run.py" not in copied


@needs_systemd
def test_the_service_may_make_the_calls_that_it_makes() -> None:
    """The filter lets the thread of the hashes give way, and what it forbids fails instead of killing."""
    unit = (UNITS / "accounts@.service").read_text(encoding="utf-8")
    allowed: set[str] = set()
    for words in re.findall(r"^SystemCallFilter=(.+)$", unit, re.M):
        calls = {call for word in words.lstrip("~").split() for call in calls_of(word)}
        allowed = allowed - calls if words.startswith("~") else allowed | calls
    assert {"setpriority", "clone", "fork", "futex", "accept4"} <= allowed
    assert not {"mount", "ptrace", "setuid", "sched_setaffinity"} & allowed
    assert "SystemCallErrorNumber=EPERM\n" in unit


def calls_of(word: str) -> set[str]:
    """Return the calls that a word of a filter means, groups in groups too."""
    if not word.startswith("@"):
        return {word}
    listed = subprocess.run(
        ["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, timeout=60
    )
    names = [line.strip() for line in listed.stdout.splitlines()[1:]]
    return {call for name in names if name and not name.startswith("#") for call in calls_of(name)}


@needs_systemd
def test_systemd_confines_the_service(machine: Path) -> None:
    """By systemd's own measure, from 0 (confined) to 10: a unit without directives has 9.6."""
    command = ["systemd-analyze", "security", "--offline=yes", f"--root={machine}", "--threshold=20"]
    done = subprocess.run([*command, "accounts@8001.service"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-300:]
