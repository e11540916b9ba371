"""The reader's files: they live in the page, and are written here before they are run."""

import base64
import io
import shutil
import zipfile
from pathlib import Path

from shims import HOME

Files = dict[str, str]  # text by path, seen from the stage's folder


def write(stage: str, files: Files) -> tuple[Path, bool]:
    """Make the folder of ``stage`` hold ``files``; return it, and whether that changed anything.

    What the application itself wrote, its database for one, stays: it is in `instance`.
    """
    folder = Path(HOME, stage)
    before = {name: (folder / name).read_text(encoding="utf-8") for name in _known(folder)}
    for name in before.keys() - files.keys():
        (folder / name).unlink()
    for name, text in files.items():
        if before.get(name) != text:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    return folder, before != files


def forget(stage: str) -> None:
    """Remove what the application has written."""
    shutil.rmtree(Path(HOME, stage, "instance"), ignore_errors=True)


def as_zip(stage: str, files: Files) -> str:
    """Return ``files`` in a folder named like the stage, zipped, in base64: what `course check` takes."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(files.items()):
            archive.writestr(f"{stage}/{name}", text)
    return base64.b64encode(zipped.getvalue()).decode()


def _known(folder: Path) -> list[str]:
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return [path.as_posix() for path in paths if not {"__pycache__", "instance"} & set(path.parts)]
