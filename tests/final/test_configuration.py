"""The configuration of the service, and the rules its code keeps."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from kit.adapter import GOOD_SECRET, LoadedStage, Stage

from course.lessons.stages import find_stage
from course.paths import ROOT

FINAL = find_stage("final").path

REFUSED = {
    "no secret": ({}, "SECRET_KEY"),
    "a short one": ({"FLASK_SECRET_KEY": "x" * 31}, "SECRET_KEY"),
    "a short number": ({"FLASK_SECRET_KEY": "1234"}, "SECRET_KEY"),
    "true": ({"FLASK_SECRET_KEY": "true"}, "SECRET_KEY"),
    "the one of testing": (
        {"FLASK_SECRET_KEY": "testing-only, everybody can read this secret"},
        "SECRET_KEY",
    ),
    "no address": ({"FLASK_SECRET_KEY": GOOD_SECRET, "FLASK_PUBLIC_URL": ""}, "FLASK_PUBLIC_URL"),
    "an address that others can listen to": (
        {"FLASK_SECRET_KEY": GOOD_SECRET, "FLASK_PUBLIC_URL": "http://accounts.example.com"},
        "FLASK_PUBLIC_URL",
    ),
    "no mail server": ({"FLASK_SECRET_KEY": GOOD_SECRET, "FLASK_SMTP_URL": ""}, "FLASK_SMTP_URL"),
    "debug": ({"FLASK_SECRET_KEY": GOOD_SECRET, "FLASK_DEBUG": "1"}, "FLASK_DEBUG"),
    "testing": ({"FLASK_SECRET_KEY": GOOD_SECRET, "FLASK_TESTING": "1"}, "FLASK_TESTING"),
}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove settings that the machine of the tests may have."""
    for name in ("FLASK_SECRET_KEY", "FLASK_DEBUG", "FLASK_TESTING", "FLASK_PRODUCTION", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("environment", "named"), REFUSED.values(), ids=REFUSED)
def test_production_refuses_what_is_not_safe(
    service: Stage, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], named: str
) -> None:
    """One line says which setting, and never its value."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit) as stopped:
        service.new_app("ProductionConfig")

    message = str(stopped.value.code)
    assert named in message and "\n" not in message
    assert GOOD_SECRET not in message


@pytest.mark.parametrize(
    "secret", [GOOD_SECRET, f"{7**50}", "아무도 모르는 긴 문장 하나", "abcdefghijklmnop" * 2]
)
def test_production_starts_with_any_good_secret(
    service: Stage, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    """32 bytes of any kind, even digits, which Flask reads as a number."""
    monkeypatch.setenv("FLASK_SECRET_KEY", secret)

    assert service.new_app("ProductionConfig").config["SECRET_KEY"] == secret


FROM_FILES = {
    "FLASK_SECRET_KEY": ("SECRET_KEY", GOOD_SECRET),
    "FLASK_SMTP_URL": ("SMTP_URL", "smtps://mina:hunter2@mail.example.com"),
    "DATABASE_URL": ("SQLALCHEMY_DATABASE_URI", "postgresql+psycopg://mina:hunter2@db.example.com/accounts"),
    "REDIS_URL": ("REDIS_URL", "redis://:hunter2@redis.example.com/0"),
}


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
@pytest.mark.parametrize("variable", FROM_FILES)
def test_a_secret_comes_in_a_file(
    service: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, ending: str
) -> None:
    """As Docker, Kubernetes and systemd hand it over; the variable itself still wins."""
    name, value = FROM_FILES[variable]
    file = tmp_path / "secret"
    file.write_bytes(value.encode() + ending.encode())
    monkeypatch.setenv(f"{variable}_FILE", str(file))

    assert service.new_app("DevelopmentConfig").config[name] == value

    if variable == "FLASK_SECRET_KEY":
        monkeypatch.setenv(variable, GOOD_SECRET[::-1])
        assert service.new_app("ProductionConfig").config[name] == GOOD_SECRET[::-1]


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["none", "no text"])
def test_a_file_that_cannot_be_read_stops_the_start(
    service: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    """In one line that names the variable."""
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("FLASK_SMTP_URL_FILE", str(file))

    with pytest.raises(SystemExit, match="FLASK_SMTP_URL_FILE names a file that cannot be read"):
        service.new_app("DevelopmentConfig")


def test_the_file_of_flask_is_left_to_flask(service: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """FLASK_ENV_FILE names a file of variables and not a secret of the service."""
    monkeypatch.setenv("FLASK_ENV_FILE", "there is none")

    assert "ENV" not in service.new_app("DevelopmentConfig").config


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FLASK_MAX_CONTENT_LENGTH", "abc"),
        ("FLASK_ATTEMPTS_PER_ADDRESS", "1.5"),
        ("FLASK_PAGE_SIZE", "null"),
        ("FLASK_PROXIES", "true"),
        ("FLASK_TOKEN_ISSUER", "7"),
        ("FLASK_SQLALCHEMY_DATABASE_URI", "7"),
        ("DATABASE_URL", "mysql://somebody:hunter2@db.example.com/accounts"),
        ("DATABASE_URL", "postgresql+psycopg2://somebody:hunter2@db.example.com/accounts"),
        ("DATABASE_URL", "postgresql://somebody:hunter2@db.example.com:port/accounts"),
        ("DATABASE_URL", "hunter2"),
    ],
)
@pytest.mark.parametrize("place", ["DevelopmentConfig", "ProductionConfig"])
def test_a_setting_of_the_wrong_kind_stops_the_start(
    service: Stage, monkeypatch: pytest.MonkeyPatch, name: str, value: str, place: str
) -> None:
    """One line names it at the start, where the first request would have been a 500."""
    monkeypatch.setenv("FLASK_SECRET_KEY", GOOD_SECRET)
    monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit) as stopped:
        service.new_app(place)

    message = str(stopped.value.code)
    assert name in message and "\n" not in message
    assert value not in message


def test_a_database_url_is_understood(
    service: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`DATABASE_URL` beats the class; `FLASK_SQLALCHEMY_DATABASE_URI`, which is more specific, beats both."""
    one, two = (f"sqlite:///{(tmp_path / name).as_posix()}" for name in ("one.sqlite", "two.sqlite"))
    monkeypatch.setenv("DATABASE_URL", one)
    assert service.new_app().config["SQLALCHEMY_DATABASE_URI"] == one
    monkeypatch.setenv("FLASK_SQLALCHEMY_DATABASE_URI", two)
    assert service.new_app().config["SQLALCHEMY_DATABASE_URI"] == two


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_understood_however_it_is_spelled(
    service: Stage, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    """Hosting platforms write `postgres:`; the password of the URL arrives whole."""
    monkeypatch.setenv("DATABASE_URL", f"{scheme}://somebody:p%40ss@127.0.0.1:1/accounts")
    service.migrates = False

    app = service.new_app()

    uri = "postgresql+psycopg://somebody:p%40ss@127.0.0.1:1/accounts"
    assert app.config["SQLALCHEMY_DATABASE_URI"] == uri


def test_testing_changes_only_the_cost_of_a_hash_and_the_database(final: LoadedStage) -> None:
    """The tests run what production runs: beyond these settings the classes agree."""

    def settings(name: str) -> dict[str, object]:
        chosen = getattr(final.config, name)
        return {key: getattr(chosen, key) for key in dir(chosen) if key.isupper()}

    testing, development = settings("TestingConfig"), settings("DevelopmentConfig")
    differing = {key for key in testing if testing[key] != development.get(key)}
    cheaper = {"ARGON2_MEMORY", "ARGON2_TIME", "SQLALCHEMY_DATABASE_URI", "SECRET_KEY", "TESTING"}
    assert differing == cheaper | {"MAIL_INTERVAL"}  # a test sends its mail itself
    code = "".join(file.read_text(encoding="utf-8") for file in (FINAL / "app").rglob("*.py"))
    assert code.count('"TESTING"') == 1  # which production refuses


def test_the_image_installs_a_subset_of_the_lock() -> None:
    """Every line of final/requirements.txt, pins and hashes, is one of the lock at the top."""
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = (FINAL / "requirements.txt").read_text(encoding="utf-8").splitlines()

    assert [line for line in wanted if line not in lock and not line.startswith("#")] == []


SERVICES = sorted((FINAL / "app" / "services").glob("*.py"))
MODULES = sorted((FINAL / "app").rglob("*.py"))


def imported(file: Path) -> set[str]:
    """Return the names that a module imports, those of its own package with a dot in front."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{'.' * node.level}{node.module or ''}:{alias.name}" for alias in node.names}
    return names


def test_exceptions_know_nothing_of_http() -> None:
    """What can go wrong is named by its meaning; `errors.py` alone has the statuses and the headers."""
    names = imported(FINAL / "app" / "exceptions.py")

    assert {name.partition(":")[0] for name in names} <= {"__future__", "collections.abc", "typing"}


@pytest.mark.parametrize("file", SERVICES, ids=lambda file: file.name)
def test_a_service_never_sees_a_request(file: Path) -> None:
    """Services decide, for views and for commands alike."""
    seen = {"flask:request", "flask:g", "flask:session", "flask_jwt_extended:get_current_user"}
    assert not imported(file) & seen
    assert not any(
        name.startswith(("..api", "..hooks", "..decorators", "..errors", "..logs")) for name in imported(file)
    )


@pytest.mark.parametrize("file", MODULES, ids=lambda file: "/".join(file.parts[-2:]))
def test_the_package_imports_itself_only_relatively(file: Path) -> None:
    """So that it can be loaded under another name, several times in one process."""
    assert not any(name.split(":")[0].split(".")[0] in {"app", "config"} for name in imported(file))
    assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
