"""The learner's commands on a Korean Windows: no UTF-8 mode, code page 949, Korean in every path."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from kit import learner as learner_module
from kit.learner import ROOT, Learner

from course.lessons.stages import find_stage

STAGE = find_stage("1")

#: As on such a machine, and any file that is opened without naming its encoding is an error.
STRICT = ("-X", "warn_default_encoding", "-W", "error::EncodingWarning")
KOREAN = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp949", "LANG": "ko_KR.EUC-KR", "PYTHONUNBUFFERED": "1"}


#: Runs commands one after the other and prints their statuses: a process for each takes three times as long.
ALL = (
    learner_module.COMMAND.partition("try:")[0]
    + """
import json
for arguments in json.loads(sys.argv[3]):
    print("status", run_command_line(arguments))
"""
)


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_the_whole_loop_runs_on_code_page_949(
    lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command prints its messages, and no file is read or written in the system's encoding."""
    monkeypatch.setattr(learner_module, "COMMAND", ALL)
    learner = Learner(tmp_path / "내 작업 폴더")
    commands = (
        (("begin", "1"), 0),
        (("check", "1"), 1),
        (("hint", "1"), 0),
        (("begin", "1", "--again"), 0),
        (("diff", "1"), 0),
        (("diff", "1", "--mine"), 0),
        (("solution", "1"), 0),
        (("progress",), 0),
        (("report", "1", "--json", str(tmp_path / "결과.json"), "--junit", str(tmp_path / "결과.xml")), 1),
    )
    listed = json.dumps([[*command, "--lang", lang] for command, _ in commands], ensure_ascii=False)

    ended, output = learner.run_in_process(listed, python=STRICT, **KOREAN)

    assert ended == 0, output
    assert "Traceback" not in output and "Warning" not in output, output
    told = re.split(r"^status (\d)\n", output, flags=re.M)
    assert list(map(int, told[1::2])) == [status for _, status in commands], output
    for printed in told[:-1:2]:
        assert any("가" <= letter <= "힣" for letter in printed) or (lang == "en" and printed), output


def test_the_language_of_the_environment_is_spoken(tmp_path: Path) -> None:
    learner = Learner(tmp_path / "내 작업 폴더")
    learner.has(STAGE)

    status, output = learner.run_in_process("check", "1", python=STRICT, **KOREAN)

    assert status == 0
    assert "동작 28개 가운데 28개를 통과했습니다." in output
    assert "한글 이름은 모든 응답에서 \\uXXXX가 아니라" in output


SUITE = sorted([*(ROOT / "tests").glob("test_*.py"), *(ROOT / "tests" / "kit").glob("*.py")])


@pytest.mark.parametrize("file", SUITE, ids=lambda file: file.stem)
def test_the_suite_reads_what_programs_write_whatever_the_code_page(file: Path) -> None:
    """Some write UTF-8, some the code page: a byte that is neither must not turn a right service red."""
    calls = [node for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, ast.Call)]
    options = [{option.arg for option in call.keywords} for call in calls if is_a_program(call)]

    assert [each for each in options if each & {"text", "universal_newlines"}] == []
    assert [each for each in options if "encoding" in each and "errors" not in each] == []


def is_a_program(call: ast.Call) -> bool:
    """Whether a call is one of `subprocess`."""
    return ast.unparse(call.func).startswith("subprocess.")
