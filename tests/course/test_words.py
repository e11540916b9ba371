"""The course speaks two languages, and says the same in both."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from course import messages
from course.cli import cli, run_command_line
from course.judging import progress
from course.main import overview
from course.paths import ROOT

COURSE = ROOT / "course"


def test_both_languages_have_the_same_messages() -> None:
    """No message is missing in one language, and both have the same placeholders."""
    en, ko = (messages.catalogue(lang) for lang in ("en", "ko"))

    assert en.keys() == ko.keys() - {"help"}
    for table in en:
        assert en[table].keys() == ko[table].keys(), table
        for name, text in en[table].items():
            places = [set(re.findall(r"\{(\w+)\}", said)) for said in (text, ko[table][name])]
            assert places[0] == places[1], f"{table}.{name}"


def test_no_korean_message_leaves_the_particle_to_its_reader() -> None:
    """A name that is filled in gets a noun behind it, or its own end: a sentence needs no `을(를)`."""
    pairs = ("을를", "이가", "은는", "과와")
    both = [re.escape(f"{a}({b})") for pair in pairs for a, b in (pair, pair[::-1])]
    doubled = re.compile("|".join([*both, r"\([으이]\)[가-힣]"]))
    files = [*COURSE.rglob("*.toml"), *(ROOT / "docs/lab/messages").glob("ko.toml")]

    assert doubled.search("`app`을(를) 읽습니다") and doubled.search("`app`(으)로 옮깁니다")
    assert {file.name: found for file in files if (found := doubled.findall(file.read_text("utf-8")))} == {}


def test_every_korean_text_uses_the_words_of_the_glossary() -> None:
    """Not the pages alone: messages, hints, promises, figures, and what patches say of themselves."""
    glossary = ROOT / "docs/glossary.toml"
    terms = tomllib.loads(glossary.read_text(encoding="utf-8"))["terms"]
    wrong = {word for term in terms for word in term.get("not", [])}
    files = [ROOT / "README.ko.md", *(ROOT / "docs").glob("*.toml"), *(ROOT / "docs/figures").glob("*.svg")]
    files += [ROOT / "docs/lab/messages/ko.toml", *COURSE.rglob("*.toml")]
    files += (ROOT / "tests").rglob("*.patch")
    files.remove(glossary)

    texts = {file: re.sub(r"`[^`\n]*`", "", file.read_text(encoding="utf-8")) for file in files}
    assert "액세스 로그" in texts[COURSE / "judging/said.toml"]
    found = {file.name: [word for word in wrong if word in text] for file, text in texts.items()}
    assert {name: words for name, words in found.items() if words} == {}


def test_every_message_that_is_said_exists_and_every_other_is_gone() -> None:
    """Keys are literals, `say("table.name")`, so that this test can find them."""
    said = set()
    for file in COURSE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                said |= set(re.findall(r"^[a-z]+\.[a-z_]*[a-z]$", node.value))
    known = {f"{table}.{name}" for table, told in messages.catalogue("en").items() for name in told}

    assert {key for key in known if not key.startswith(("explain.", "click."))} - said == set()
    tables = set(messages.catalogue("en"))
    files = (".py", ".toml", ".md", ".cfg")
    called = {key for key in said if key.split(".")[0] in tables and not key.endswith(files)}
    assert called - known == set()


@pytest.mark.parametrize(
    ("environment", "lang"),
    [
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LC_ALL": "C", "LANG": "ko_KR.UTF-8"}, "en"),
        ({"LANG": "fr_FR"}, "en"),
    ],
)
def test_the_environment_decides_where_nobody_has(
    environment: dict[str, str], lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "_chosen", [])
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert messages.language() == lang
    messages.choose("ko")
    assert messages.language() == "ko"


@pytest.mark.parametrize("lang", messages.LANGUAGES)
def test_on_windows_a_command_begins_with_py(
    lang: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python for Windows comes as `py`; who types `python3` there is led to a shop."""
    monkeypatch.setattr(messages, "COMMAND", "py -m course")
    monkeypatch.setattr(messages, "_chosen", [lang])
    monkeypatch.setattr(cli, "help", cli.help)  # which the command line translates

    told = [
        messages.say(f"{table}.{name}") for table, texts in messages.catalogue(lang).items() for name in texts
    ]
    for arguments in (["--help"], ["fly"]):
        run_command_line(arguments)
    output = "".join([*told, overview(), *capsys.readouterr()])

    assert "py -m course up" in output
    assert "python3 -m course" not in output


def test_the_help_of_every_learners_command_is_korean_too() -> None:
    """Commands that can speak Korean are described in Korean, with all their options."""
    told = messages.catalogue("ko")["help"]
    for name, command in cli.commands.items():
        options = [option.opts[0] for option in command.params if option.opts[0].startswith("--")]
        if "--lang" in options:
            assert name in told
            assert {option for option in options if f"{name}{option}" not in told} <= {"--lang"}
    known = {name.partition("--")[0] for name in told} - {""}
    assert known <= {"course", *cli.commands}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check"], "CHAPTER|FOLDER|ZIP 자리에 적을 것이 빠졌습니다."),
        (["chekc"], "'chekc' 명령은 없습니다. 비슷한 명령: 'check'"),
        (["stet"], "'stet' 명령은 없습니다. 비슷한 명령: 'step', 'test'"),
        (["fly"], "'fly' 명령은 없습니다."),
        ([], "명령이 빠졌습니다."),
        (["check", "1", "--fast"], "'--fast' 옵션은 없습니다."),
        (["check", "1", "--fll"], "'--fll' 옵션은 없습니다. 비슷한 옵션: '--full'"),
        (["begin", "1", "--agn"], "'--agn' 옵션은 없습니다. 비슷한 옵션: '--again', '--lang'"),
        (["check", "1", "--full=3"], "'--full' 옵션에는 값을 적지 않습니다."),
        (["check", "1", "--only"], "'--only' 옵션 뒤에 값을 적어야 합니다."),
        (["check", "1", "2"], "필요 없는 것이 더 적혀 있습니다: 2"),
        (["check", "1", "2", "3"], "필요 없는 것이 더 적혀 있습니다: 2 3"),
        (["begin", "1", "--step", "one"], "'--step' 옵션의 값은 정수여야 하는데 'one'입니다."),
        (["up", "--port", "x"], "'--port' 옵션의 값은 정수여야 하는데 'x'입니다."),
        (["up", "--port", "0"], "'--port' 옵션의 값이 범위를 벗어난 0입니다. 범위: 1<=x<=65535"),
        (["check", "--lang", "fr"], "'--lang' 옵션에 'fr' 값은 쓸 수 없습니다. 쓸 수 있는 값: 'en', 'ko'"),
        (["check", "1", "--watch", "--try"], "--watch, --my-tests, --stretch, --try, --only 가운데 하나만"),
    ],
)
def test_a_mistyped_command_is_answered_in_korean(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The first thing that a beginner mistypes is the command."""
    monkeypatch.setattr(progress, "WORKSPACE", tmp_path)  # the language is kept there
    monkeypatch.setattr(messages, "_chosen", ["ko"])
    monkeypatch.setattr(cli, "help", cli.help)  # which the command line translates

    assert run_command_line(["--lang", "ko", *arguments]) == 2
    assert capsys.readouterr().err.startswith(said)
