"""The configuration of the service, and the rules its code keeps."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from adapter import GOOD_SECRET, LoadedStage, Stage

from course.stages import ROOT, find_stage

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
    "debug": ({"FLASK_SECRET_KEY": GOOD_SECRET, "FLASK_DEBUG": "1"}, "FLASK_DEBUG"),
    "testing": ({"FLASK_SECRET_KEY": GOOD_SECRET, "FLASK_TESTING": "1"}, "FLASK_TESTING"),
}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have set something."""
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


@pytest.mark.parametrize("secret", [GOOD_SECRET, "7" * 40, "가" * 11])
def test_production_starts_with_any_good_secret(
    service: Stage, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    """32 bytes of whatever, even of digits, which the environment reads as a number."""
    monkeypatch.setenv("FLASK_SECRET_KEY", secret)

    assert service.new_app("ProductionConfig").config["SECRET_KEY"] == secret


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FLASK_MAX_CONTENT_LENGTH", "abc"),
        ("FLASK_ATTEMPTS_PER_ADDRESS", "1.5"),
        ("FLASK_PAGE_SIZE", "null"),
        ("FLASK_PROXIES", "true"),
        ("FLASK_KEYS_FOLDER", "7"),
        ("FLASK_SQLALCHEMY_DATABASE_URI", "7"),
        ("DATABASE_URL", "postgres://somebody:hunter2@db.example.com/accounts"),
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
    """`DATABASE_URL` beats the class; `FLASK_SQLALCHEMY_DATABASE_URI`, which is more exact, beats both."""
    one, two = (f"sqlite:///{(tmp_path / name).as_posix()}" for name in ("one.sqlite", "two.sqlite"))
    monkeypatch.setenv("DATABASE_URL", one)
    assert service.new_app().config["SQLALCHEMY_DATABASE_URI"] == one
    monkeypatch.setenv("FLASK_SQLALCHEMY_DATABASE_URI", two)
    assert service.new_app().config["SQLALCHEMY_DATABASE_URI"] == two


def test_testing_changes_only_the_cost_of_a_hash_and_the_database(final: LoadedStage) -> None:
    """What is tested is what runs: beyond these settings the classes agree."""

    def settings(name: str) -> dict[str, object]:
        chosen = getattr(final.config, name)
        return {key: getattr(chosen, key) for key in dir(chosen) if key.isupper()}

    testing, development = settings("TestingConfig"), settings("DevelopmentConfig")
    differing = {key for key in testing if testing[key] != development.get(key)}
    cheaper = {"ARGON2_MEMORY", "ARGON2_TIME", "SQLALCHEMY_DATABASE_URI", "SECRET_KEY", "TESTING"}
    assert differing == cheaper
    code = "".join(file.read_text(encoding="utf-8") for file in (FINAL / "app").rglob("*.py"))
    assert code.count('"TESTING"') == 1  # where production refuses it


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


@pytest.mark.parametrize("file", SERVICES, ids=lambda file: file.name)
def test_a_service_never_sees_a_request(file: Path) -> None:
    """Services decide, for a view and for a command alike."""
    seen = {"flask:request", "flask:g", "flask:session", "flask_jwt_extended:get_current_user"}
    assert not imported(file) & seen
    assert not any("..api" in name or "..hooks" in name or "..decorators" in name for name in imported(file))


@pytest.mark.parametrize("file", MODULES, ids=lambda file: "/".join(file.parts[-2:]))
def test_the_package_imports_itself_only_relatively(file: Path) -> None:
    """So that it can be loaded under another name, several times in one process."""
    assert not any(name.split(":")[0].split(".")[0] in {"app", "config"} for name in imported(file))
    assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
