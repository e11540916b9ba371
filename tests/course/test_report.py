"""`report` takes what learners hand in, however their system has packed it, and is nobody's progress."""

from __future__ import annotations

import csv
import io
import json
import secrets
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from unicodedata import normalize

import pytest
from kit.learner import Learner

from course.commands import report
from course.errors import Failure
from course.judging import archives
from course.judging.submissions import find_submission, find_work
from course.lessons.own_files import own_files
from course.lessons.stages import find_stage

STAGE = find_stage("1")
Files = dict[str, bytes]
FILES: Files = {name: path.read_bytes() for name, path in own_files(STAGE.path).items()}
LITTER = {
    f"{folder}{name}": b"x"
    for folder in ("", "app/")
    for name in (
        ".DS_Store",
        "Thumbs.db",
        ".git/HEAD",
        ".venv/lib/flask.py",
        "venv/pyvenv.cfg",
        "venv/lib/x.py",
    )
}


class Member(zipfile.ZipInfo):
    """A member whose name is written as these bytes, and not marked as UTF-8; with these flags."""

    raw: bytes
    flags = 0

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.raw, self.flags


def make_zip(file: Path, files: Files, encoding: str = "", slash: str = "/", flags: int = 0) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            member = Member(name)
            member.compress_type = zipfile.ZIP_DEFLATED
            if encoding:
                member.raw, member.flags = name.replace("/", slash).encode(encoding), flags
            else:  # as Python writes it
                member.raw, member.flags = zipfile.ZipInfo._encodeFilenameFlags(member)
            archive.writestr(member, content)
    return file


def below(folder: str, files: Files) -> Files:
    return {f"{folder}/{name}": content for name, content in files.items()}


def windows(file: Path, files: Files) -> Path:
    return make_zip(file, files, encoding="cp949", slash="\\")


def macos(file: Path, files: Files) -> Path:
    names = {normalize("NFD", name): content for name, content in files.items()}
    shadows = {f"__MACOSX/{'/'.join((*name.split('/')[:-1], '._x'))}": b"" for name in names}
    return make_zip(file, names | shadows | {"__MACOSX/._x": b""}, encoding="utf-8")


def lab(file: Path, files: Files) -> Path:
    return make_zip(file, files)


def with_folders(file: Path, files: Files) -> Path:
    """As `zip -r` does: each folder is a member, too."""
    folders = {f"{parent.as_posix()}/" for name in files for parent in Path(name).parents if parent.name}
    return make_zip(file, dict.fromkeys(sorted(folders), b"") | files)


KOREAN = {"메모.md": "한글".encode(), "app/값.py": b"# mine\n"}
SHAPES: dict[str, tuple[str, Callable[[Files], Files]]] = {
    "the folder": ("hong.zip", lambda files: below(STAGE.name, files)),
    "its contents": (f"{STAGE.name}.zip", dict),
    "downloaded twice": (f"{STAGE.name} (1).zip", dict),
    "in a learner's folder": ("hong.zip", lambda files: below(f"홍길동_1234/{STAGE.name}", files)),
    "a workspace": (
        "hong.zip",
        lambda files: below(f"workspace/{STAGE.name}", files) | {"workspace/.progress.json": b"{}"},
    ),
    "with all that is around it": ("hong.zip", lambda files: below(STAGE.name, files | LITTER)),
}


@pytest.mark.parametrize("pack", [windows, macos, lab, with_folders], ids=lambda pack: pack.__name__)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_zip_is_taken_as_any_system_makes_it(
    tmp_path: Path, pack: Callable[[Path, Files], Path], shape: str
) -> None:
    name, arrange = SHAPES[shape]
    files = FILES | (KOREAN if pack in (windows, macos) else {})

    stage, folder = find_submission(str(pack(tmp_path / name, arrange(files))))

    assert stage == STAGE
    assert {name: path.read_bytes() for name, path in own_files(folder).items()} == files


@pytest.mark.parametrize("chapter", ["1", "01", STAGE.name])
def test_the_chapter_can_be_named(tmp_path: Path, chapter: str) -> None:
    """For a zip or a folder with any name; what an option says counts more than a name."""
    zipped = make_zip(tmp_path / "과제.zip", below("홍길동", FILES))
    folder = Path(shutil.copytree(STAGE.path, tmp_path / "02_hong"))

    assert find_submission(str(zipped), chapter)[0] == STAGE
    assert find_submission(str(folder), chapter) == (STAGE, folder)
    assert find_submission(str(tmp_path / "02_hong"), "2")[0] == find_stage("2")
    with pytest.raises(Failure, match=r"Which chapter is .*과제.zip\? .* --chapter 1"):
        find_submission(str(zipped))
    with pytest.raises(Failure, match="There is no stage"):
        find_submission(str(zipped), "99")
    with pytest.raises(Failure, match="There is no file or folder"):
        find_submission(str(tmp_path / "nobody.zip"))


def test_of_several_chapters_the_named_one_is_taken(tmp_path: Path) -> None:
    for stage in (STAGE, find_stage("2")):
        shutil.copytree(stage.path, tmp_path / "hong" / stage.name)

    for key in ("1", "2"):
        found = find_submission(str(tmp_path / "hong"), key)
        assert found == (find_stage(key), tmp_path / "hong" / find_stage(key).name)
    with pytest.raises(Failure, match="Which chapter is"):
        find_submission(str(tmp_path / "hong"))


def test_a_package_called_app_is_not_a_folder_around_the_work(tmp_path: Path) -> None:
    for name in ("mine/app/__init__.py", "other/app/app/__init__.py", "other/app/config.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    assert find_work(tmp_path / "mine", STAGE) == tmp_path / "mine"
    assert find_work(tmp_path / "other", STAGE) == tmp_path / "other" / "app"


def test_the_folder_may_be_an_environment(tmp_path: Path) -> None:
    made = {"pyvenv.cfg": b"", "bin/python": b"", "Lib/site-packages/flask.py": b"", "lib/x.py": b""}

    _, folder = find_submission(str(make_zip(tmp_path / "x.zip", below(STAGE.name, FILES | made))))

    assert own_files(folder).keys() == FILES.keys()


def test_what_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", 1_000_000)
    large = make_zip(tmp_path / "large.zip", below(STAGE.name, {f"{n}.py": bytes(300_000) for n in range(4)}))
    many = make_zip(tmp_path / "many.zip", {f"{n}x.py": b"" for n in range(archives.MOST_FILES + 1)})
    environment = below("venv", {f"lib/{n}.py": bytes(9_000) for n in range(3_000)} | {"pyvenv.cfg": b""})
    harmless = make_zip(tmp_path / "harmless.zip", below(STAGE.name, FILES | environment))

    for file in (large, many):
        assert file.stat().st_size < 300_000
        with pytest.raises(Failure, match="is refused: unpacked, it has more than"):
            archives.unpack(file)
    assert find_submission(str(harmless))[0] == STAGE


@pytest.mark.parametrize(
    "name",
    [
        "../evil.py",
        "app/../../evil.py",
        "/evil.py",
        "C:\\evil.py",
        "C:evil.py",
        "..\\evil.py",
        "\\\\pc\\evil.py",
    ],
)
def test_a_path_that_leaves_is_refused(tmp_path: Path, name: str) -> None:
    files = dict(FILES)
    files[name] = b"x"

    with pytest.raises(Failure, match=r"is refused: the path .*evil.py in it leads out of the folder"):
        archives.unpack(make_zip(tmp_path / "x.zip", files))


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        link = zipfile.ZipInfo("secret.py")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("app/__init__.py", "")

    assert list(own_files(archives.unpack(tmp_path / "x.zip"))) == ["app/__init__.py"]


def test_what_is_no_zip_is_one_sentence(tmp_path: Path) -> None:
    whole = make_zip(tmp_path / "whole.zip", {"app.py": secrets.token_bytes(9_000)}).read_bytes()
    broken = {
        "empty": b"",
        "text": b"hello",
        "cut": whole[:4_000],
        "changed": whole[:2_000] + b"!" + whole[2_001:],
        "rar": b"Rar!\x1a\x07\x01\x00",
    }
    for name, content in broken.items():
        (tmp_path / f"{name}.zip").write_bytes(content)
        with pytest.raises(Failure, match="is not a zip that can be read"):
            archives.unpack(tmp_path / f"{name}.zip")
    with pytest.raises(Failure, match="is not a zip that can be read"):
        archives.unpack(make_zip(tmp_path / "both.zip", {"app": b"", "app/x.py": b""}))
    with pytest.raises(Failure, match="needs a password"):
        archives.unpack(make_zip(tmp_path / "x.zip", FILES, encoding="utf-8", flags=1))


def test_two_reports_at_once_do_not_meet(tmp_path: Path) -> None:
    zipped = make_zip(tmp_path / f"{STAGE.name}.zip", FILES)

    (_, one), (_, other) = find_submission(str(zipped)), find_submission(str(zipped))

    assert not one.is_relative_to(other) and not other.is_relative_to(one)
    assert own_files(one).keys() == own_files(other).keys()


def test_many_are_judged_and_one_that_cannot_be_stops_no_other(tmp_path: Path) -> None:
    handed_in = tmp_path / "제출"
    make_zip(handed_in / "김.zip", below("chapter one", FILES))
    shutil.copytree(STAGE.path, handed_in / "lee")
    (handed_in / "lee" / "app" / "__init__.py").write_text("x = \n", encoding="utf-8")
    (handed_in / "=park.zip").write_text("no zip")
    learner = Learner(tmp_path / "workspace")

    keys = sorted(map(str, handed_in.iterdir()))
    status, output = learner.run("report", *keys, "--chapter", "1", "--into", str(tmp_path / "grades"))

    assert status == 1
    assert "김: 28 of 28 passed." in output and "lee: 0 of 28 passed." in output
    table = (tmp_path / "grades" / "grades.csv").read_text(encoding="utf-8-sig").splitlines()
    rows = {row["name"]: row for row in csv.DictReader(table)}
    assert (rows["김"]["passed"], rows["lee"]["passed"], rows["lee"]["total"]) == ("28", "0", "28")
    assert "is not a zip" in rows["'=park"]["problem"]
    assert json.loads((tmp_path / "grades" / "김.json").read_text("utf-8"))["passed"] == 28
    assert {file.name for file in (tmp_path / "grades").iterdir()} == {
        *("grades.csv", "김.json", "김.xml", "lee.json", "lee.xml")
    }


def test_many_need_a_folder_for_the_results(tmp_path: Path) -> None:
    status, output = Learner(tmp_path).run("report", "1", "2")

    assert (status, output) == (1, "For more than one, name a folder for the results: --into grades\n")


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        (["s/a.zip", "s/b"], ["a", "b"]),
        (["s/a/01_x", "s/b/01_x"], ["a-01_x", "b-01_x"]),
        (["s/a.zip", "s/a", "s/A"], ["a", "a-2", "A-3"]),
        (["1", "2"], ["1", "2"]),
    ],
)
def test_each_result_has_a_name_of_its_own(keys: Iterable[str], names: list[str]) -> None:
    assert [name for name, _ in report._names(list(keys))] == names


def test_a_report_is_nobodys_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads none and writes none: the result depends on the code alone."""
    learner = Learner(tmp_path / "workspace")
    own = learner.has(STAGE)
    (own / "app" / "v2.py").write_text("x = \n", encoding="utf-8")

    _, before = learner.run("report", "1")
    assert not (learner.workspace / ".progress.json").exists()
    entry = {"passed": [], "failed": [], "ever_passed": ["x"], "hints": {"x": 3}, "solution": True}
    kept = json.dumps({"chapters": {STAGE.name: entry}})
    (learner.workspace / ".progress.json").write_text(kept, encoding="utf-8")
    (own / ".progress.json").write_text(kept, encoding="utf-8")

    assert learner.run("report", "1")[1] == before
    assert (learner.workspace / ".progress.json").read_text(encoding="utf-8") == kept


def test_a_folder_from_elsewhere_is_not_told_what_the_learners_passed(tmp_path: Path) -> None:
    learner = Learner(tmp_path / "workspace")
    learner.has(STAGE)
    assert learner.run("check", "1")[0] == 0
    other = Path(shutil.copytree(STAGE.path, tmp_path / STAGE.name))
    views = other / "app" / "views.py"
    views.write_text(views.read_text("utf-8").replace("ensure_ascii=False", "ensure_ascii=True"), "utf-8")

    assert "passed in an earlier check" not in learner.run("check", str(other))[1]


@pytest.mark.parametrize(("encoding", "shown"), [("utf-8", "Zoë 김"), ("cp949", r"Zo\u00eb \uae40")])
def test_a_program_gets_all_of_the_result(encoding: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code page 949 has no ë, and a program that reads JSON does not expect a code page."""
    result = {"passed": 1, "total": 1, "behaviours": [], "chapter": "Zoë 김"}
    output = io.BytesIO()
    monkeypatch.setattr(report, "_judge", lambda *_: result)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(output, encoding, errors="replace"))

    assert report.report(["1"], None, None, None, None) == 0
    sys.stdout.flush()
    assert f'"{shown}"' in output.getvalue().decode("utf-8")
    assert json.loads(output.getvalue()) == result
