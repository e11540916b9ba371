"""The reader's files: the page keeps them, and they are written here before they run."""

import base64
import io
import shutil
import zipfile
from pathlib import Path

from shims import HOME

Files = dict[str, str]  # text by path, relative to the stage's folder


def write(stage: str, files: Files) -> tuple[Path, bool]:
    """Write ``files`` into the folder of ``stage``; return the folder, and whether a file changed.

    What the application wrote itself, for example its database, stays: it is in `instance`.
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


def remove_instance(stage: str) -> None:
    """Remove what the application has written."""
    shutil.rmtree(Path(HOME, stage, "instance"), ignore_errors=True)


def as_zip(stage: str, files: Files) -> str:
    """Return ``files`` as a zip for `course check`, in base64: one folder with the stage's name."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(files.items()):
            archive.writestr(f"{stage}/{name}", text)
    return base64.b64encode(zipped.getvalue()).decode()


def _known(folder: Path) -> list[str]:
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return [path.as_posix() for path in paths if not {"__pycache__", "instance"} & set(path.parts)]
