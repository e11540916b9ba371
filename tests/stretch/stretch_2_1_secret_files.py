"""Stretch task 2.1: settings from files, as Docker and Kubernetes hand secrets to a container."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.adapter import Stage

SECRET = "a secret of a server, thirty-two bytes and more"


def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, content: str) -> Path:
    """Put ``content`` into a file and name it in the environment."""
    file = tmp_path / name.lower()
    file.write_text(content, encoding="utf-8")
    monkeypatch.setenv(name, str(file))
    return file


def refused(stage: Stage) -> str:
    """Return the one line with which production refuses to start."""
    with pytest.raises(SystemExit) as ended:
        stage.new_app("ProductionConfig")
    assert isinstance(ended.value.code, str) and "\n" not in ended.value.code, ended.value.code
    return ended.value.code


def test_production_starts_with_a_secret_from_a_file(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """FLASK_JWT_SECRET_KEY_FILE names a file; the newline that an editor left at its end is no secret."""
    given(monkeypatch, tmp_path, "FLASK_JWT_SECRET_KEY_FILE", f"{SECRET}\n")

    assert stage.new_app("ProductionConfig").config["JWT_SECRET_KEY"] == SECRET


def test_any_setting_can_come_from_a_file(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """FLASK_PAGE_SIZE_FILE sets PAGE_SIZE, as a number, as FLASK_PAGE_SIZE does."""
    given(monkeypatch, tmp_path, "FLASK_PAGE_SIZE_FILE", "7\n")
    app = stage.new_app()

    assert app.config["PAGE_SIZE"] == 7
    assert "PAGE_SIZE_FILE" not in app.config, "the address of the file is no setting"


def test_a_file_that_is_not_there_is_one_line(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The service does not start, and the line names the variable and the file."""
    monkeypatch.setenv("FLASK_JWT_SECRET_KEY_FILE", str(tmp_path / "nowhere"))

    line = refused(stage)

    assert "FLASK_JWT_SECRET_KEY_FILE" in line and "nowhere" in line


def test_two_answers_are_refused(stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A value and a file for the same setting: nobody should have to guess which one holds."""
    given(monkeypatch, tmp_path, "FLASK_JWT_SECRET_KEY_FILE", SECRET)
    monkeypatch.setenv("FLASK_JWT_SECRET_KEY", SECRET[::-1])

    line = refused(stage)

    assert "FLASK_JWT_SECRET_KEY_FILE" in line and SECRET not in line and SECRET[::-1] not in line


@pytest.mark.kept_before
def test_a_weak_secret_in_a_file_is_weak(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file is no excuse: production refuses a short secret from there, too."""
    given(monkeypatch, tmp_path, "FLASK_JWT_SECRET_KEY_FILE", "short")

    assert "JWT_SECRET_KEY" in refused(stage)
