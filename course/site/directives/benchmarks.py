"""`benchmarks`: final beside its peers, from what `python -m benchmarks --publish` and the soak wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

from course.paths import ROOT
from course.site.page import Page, Piece

FOLDER = ROOT / "final" / "benchmarks"
RESULT, SOAK = FOLDER / "result.json", FOLDER / "soak.json"
# The tables and pictures of a run are the tables and pictures of the page; final is no package of this one.
drawing: Any = import_module("final.benchmarks.drawing")
report: Any = import_module("final.benchmarks.report")

KOREAN = {
    "contender": "대상",
    "me": "내 계정",
    "refresh": "토큰 갱신",
    "login": "로그인",
    "health": "상태 확인",
    "revokes": "폐기한 토큰을 거부",
    "yes": "예",
    "no": "**아니요**",
    "nothing to revoke": "–",
    "rate": "{name} 초당 요청",
    "cpu": "{name} CPU µs",
    "p99": "{name} p99 ms",
    "memory": "메모리 MiB",
    "memory_after": "폭주 뒤 MiB",
    "start_up": "시작 초",
    "versions": "버전",
    "quiet": "평상시 p99 ms",
    "flood": "로그인 폭주 중 p99 ms",
    "slower": "느려진 배수",
    "argon2": "Argon2만 돌릴 때",
    "sqlite": "SQLite",
    "postgresql": "PostgreSQL",
    "accounts": "계정 수",
    "sessions": "계정 하나의 세션 수",
    "clients": "동시 연결 수",
    "workers": "프로세스 수",
    "logins": "초당 로그인",
    "of the first": "첫 줄 대비",
    "compare title": "우리 서비스를 1로 놓은 초당 요청 수",
    "compare desc": (
        "막대그래프입니다. 우리 서비스가 1이고, 막대가 짧을수록 같은 시간에 처리하는 요청이 적습니다."
    ),
    "curves title": "요청 하나의 비용이 늘어나는 모양",
    "curves desc": (
        "계정, 세션, 연결 수에 따른 꺾은선그래프입니다. 첫 점이 1이고, 평평할수록 비용이 늘지 않습니다."
    ),
    "memory title": "내구 시험 동안 한 프로세스의 메모리(MiB)",
    "memory desc": (
        "다른 프로세스를 죽이는 동안 그대로 둔 한 프로세스의 메모리를 시간에 따라 그린 선입니다."
    ),
    "FastAPI full-stack template's way": "FastAPI 풀스택 템플릿 방식",
    "fastapi-users, signed tokens": "fastapi-users, 서명 토큰",
}
SENTENCES = {
    "run": {
        "en": (
            "Measured on {date} by `{command}` in {minutes:g} minutes: {rounds} rounds of {seconds:g} s "
            "for each "
            "number, {accounts:,} accounts, Argon2id {argon2}. The machine: {processor}, {processors} "
            "processors, "
            "{memory} GiB, {system}, Python {python}."
        ),
        "ko": (
            "{date}에 `{command}`로 {minutes:g}분 동안 측정했습니다. 숫자마다 {seconds:g}초씩 {rounds}번, "
            "계정은 {accounts:,}개, Argon2id는 {argon2}입니다. 기계는 {processor}, 프로세서 "
            "{processors}개, "
            "메모리 {memory}GiB, {system}, 파이썬 {python}입니다."
        ),
    },
    "busy": {
        "en": (
            "The machine was not quiet: its load was {load:g} at the end. Read the ratios with their spread."
        ),
        "ko": (
            "기계가 한가하지 않았습니다. 끝났을 때 부하(load average)가 {load:g}였으니, "
            "비율을 범위와 함께 읽으세요."
        ),
    },
    "soak": {
        "en": (
            "On {date}, `{command}`: {users} clients at once, {workers} processes, {requests:,} answers. "
            "{killed} processes were killed and the whole service was restarted {restarted} times; "
            "{lost} requests were under way then and got no answer. {accounts:,} accounts and {sessions:,} "
            "sessions were compared with what their owners knew."
        ),
        "ko": (
            "{date}, `{command}`. 클라이언트 {users}개와 프로세스 {workers}개로 응답 {requests:,}개를 "
            "주고받았습니다. 프로세스를 {killed}번 죽이고 서비스 전체를 {restarted}번 다시 시작했습니다. "
            "그때 처리 "
            "중이던 요청 {lost}개는 응답을 받지 못했습니다. 계정 {accounts:,}개와 세션 {sessions:,}개를 "
            "주인이 "
            "아는 것과 맞춰 보았습니다."
        ),
    },
    "none": {"en": "Nothing was found that should not be.", "ko": "있어서는 안 될 일은 하나도 없었습니다."},
    "memory": {
        "en": (
            "The memory of the process that was left alone went from {first:.0f} to {last:.0f} MiB: "
            "the line through it rises by {grown:.1f} MiB, and the noise around the line is {noise:.1f} MiB."
        ),
        "ko": (
            "죽이지 않고 둔 프로세스의 메모리는 {first:.0f}MiB에서 {last:.0f}MiB가 되었습니다. "
            "추세선은 {grown:.1f}MiB 올라갔고, 추세선 둘레의 잡음은 {noise:.1f}MiB입니다."
        ),
    },
}
#: A narrow column breaks before the brackets, not in them.
TIMES = '{:.2f} <span class="whole">({:.2f}–{:.2f})</span>'
HEAD = {"en": "| has to be equal | | |", "ko": "| 같아야 하는 것 | | |"}
SUMS = {
    "accounts = sign-ups": "계정 = 가입",
    "accounts = audit of sign-ups": "계정 = 감사 기록의 가입",
    "sessions = audit of log-ins": "세션 = 감사 기록의 로그인",
    "audit of ended sessions = log-outs + revocations": "감사 기록의 세션 종료 = 로그아웃 + 세션 끊기",
    "audit of new passwords = changes": "감사 기록의 비밀번호 변경 = 변경",
    "audit of reuse = refreshes that came too late": "감사 기록의 재사용 = 너무 늦게 온 갱신",
}


def benchmarks(page: Page, piece: Piece) -> str:
    """Return a part of the result: a sentence about the run, a table, or a picture."""
    name, _, argument = piece.argument.partition(" ")
    words = report.WORDS | drawing.WORDS | {"times": TIMES} | (KOREAN if page.lang == "ko" else {})
    parts: dict[str, Callable[[], str]] = {
        "run": lambda: _run(page.lang),
        "faster": lambda: report.table(report.faster(_result(words), argument, words)),
        "rates": lambda: report.table(report.rates(_result(words), argument, words)),
        "login": lambda: report.table(report.login_limit(_result(words), words)),
        "flood": lambda: report.table(report.flood(_result(words), words)),
        "weight": lambda: report.table(report.weight(_result(words), words)),
        "curve": lambda: report.table(report.curve(_result(words), argument, words)),
        "picture": lambda: _figure(argument, getattr(drawing, argument)(_result(words), words)),
        "soak": lambda: _soak(page.lang),
        "sums": lambda: _sums(page.lang),
        "memory": lambda: _memory(page.lang, words),
    }
    if name not in parts:
        raise page.error(piece.line, f"there is no part {name!r} of the benchmarks: write {', '.join(parts)}")
    try:
        return parts[name]()
    except (KeyError, AttributeError) as missing:
        raise page.error(
            piece.line, f"the result has no {missing}: measure and publish it again"
        ) from missing


def read(file: Any) -> dict[str, Any]:
    """Return what a run has written."""
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _result(words: dict[str, str]) -> dict[str, Any]:
    result = read(RESULT)
    for contenders in result["databases"].values():
        for one in contenders.values():
            one["title"] = words.get(one["title"], one["title"])
    return result


def _run(lang: str) -> str:
    result = read(RESULT)
    values = {**result, **result["machine"], **result["settings"], "date": result["date"][:10]}
    text = SENTENCES["run"][lang].format(**values)
    own = result["curves"]["workers"][-1]["x"]  # its last curve has so many processes at work
    busy = result["machine"]["load"] > own + 1
    return f"{text} {SENTENCES['busy'][lang].format(**values)}" if busy else text


def _soak(lang: str) -> str:
    summary = read(SOAK)
    values = {
        **summary,
        **summary["found"],
        "date": summary["date"][:10],
        "requests": sum(summary["statuses"].values()),
        "lost": summary["lost_answers"],
    }
    faults = "\n".join(f"- {fault}" for fault in summary["faults"])
    return f"{SENTENCES['soak'][lang].format(**values)}\n\n{faults or SENTENCES['none'][lang]}"


def _sums(lang: str) -> str:
    rows = [HEAD[lang], "|---|---:|---:|"]
    for one in read(SOAK)["sums"]:
        name = one["sum"] if lang == "en" else SUMS[one["sum"]]
        rows.append(f"| {name} | {one['left']:,} | {one['right']:,} |")
    return "\n".join(rows)


def _memory(lang: str, words: dict[str, str]) -> str:
    summary = read(SOAK)
    text = SENTENCES["memory"][lang].format(**summary["memory"])
    return f"{text}\n\n{_figure('memory', drawing.memory(summary, words))}"


def _figure(name: str, svg: str) -> str:
    ids = f"benchmarks-{name}"
    svg = svg.replace("<svg ", f'<svg role="img" aria-labelledby="{ids}-title {ids}-desc" ', 1)
    svg = svg.replace("<title>", f'<title id="{ids}-title">', 1).replace(
        "<desc>", f'<desc id="{ids}-desc">', 1
    )
    return f'<figure class="figure">{svg}</figure>'
