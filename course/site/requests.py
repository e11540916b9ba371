"""The requests of a lesson as a file for an editor's HTTP client: `docs/requests/NN.http`.

VS Code's REST Client and JetBrains' HTTP Client read it alike: `###` and a title, `@name = value`,
`{{name}}`. They have no common way to take a field from a response, so the learner pastes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from course.lessons.stages import Stage, chapters, find_stage
from course.paths import REQUESTS
from course.site.page import Piece, read_page
from course.site.transcripts.http import Exchange, fields_used, read_http

HEAD = """\
# The requests of chapter {number}: click "Send Request", or the arrow, at one of them.
# The title says which service to start, and what it answers. It may be your own folder, once it is that far.
# {number}장의 요청입니다. 요청 옆의 "Send Request"나 화살표를 클릭하세요.
# 제목에는 실행할 서비스와 그 응답이 적혀 있습니다. 거기까지 만들었다면 내 폴더를 실행해도 됩니다.
# POST /v2/accounts -> 409: this account was created before / 이미 만든 계정입니다

@host = http://127.0.0.1:5000
"""
PASTE = """\
# Paste the value from your last log-in. / 마지막 로그인 응답에 있는 값을 붙여 넣으세요.
@{field} = PASTE-{field}
"""
AGAIN = "# Stop it and start it again first. / 먼저 종료했다가 다시 실행하세요.\n"


def write_requests(path: str) -> None:
    """Write the file of the page ``path``, if it is a chapter's."""
    for chapter in chapters():
        if path == page_of(chapter):
            file_of(chapter).write_text(requests_of(chapter), encoding="utf-8", newline="\n")


def file_of(chapter: Stage) -> Path:
    """Return the path of the file with a chapter's requests."""
    return REQUESTS / f"{chapter.number:02}.http"


def page_of(chapter: Stage) -> str:
    """Return the path of a chapter's page."""
    return f"chapters/{chapter.number:02}.md"


def requests_of(chapter: Stage) -> str:
    """Return what the file of a chapter has to say."""
    fences = list(_fences(chapter))
    fields = sorted({field for _, piece, _, _ in fences for field in fields_used(piece)})
    head = HEAD.format(number=chapter.number) + "".join(PASTE.format(field=field) for field in fields)
    return "\n".join([head, *(_request(*fence) for fence in fences)])


def _fences(chapter: Stage) -> Iterator[tuple[str, Piece, Exchange, bool]]:
    """Yield each request of a lesson: its stage, its fence, and whether the stage starts again for it."""
    page, pieces = read_page(page_of(chapter), "en")
    stage, running = page.stage, False
    for piece in pieces:
        if piece.name == "stage":
            stage, running = piece.argument, False
        elif piece.name == "http":
            exchange = read_http(page, piece)
            yield stage, piece, exchange, running and exchange.fresh
            running = True


def _request(stage: str, piece: Piece, exchange: Exchange, again: bool) -> str:
    name, _, step = stage.partition(" step ")
    key = find_stage(name).number or "start"
    status = exchange.recorded[0].removeprefix("HTTP/1.1 ")
    title = f"### python3 -m course run {key}{f' --step {step}' if step else ''} -> {status}\n"
    lines = [f"{exchange.method} {{{{host}}}}{exchange.path}"]
    lines += [f"{header}: {value}" for header, value in exchange.sent_headers.items()]
    lines += ["", exchange.body] if exchange.body else []
    return title + (AGAIN if again else "") + "\n".join(lines) + "\n"
