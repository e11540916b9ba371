"""`run`: runs one stage with the debugger and reload."""

from __future__ import annotations

import shutil
from pathlib import Path

from course.errors import Failure
from course.lessons.stages import Stage, find_stage
from course.lessons.steps import build_step, find_step
from course.messages import say
from course.paths import STATE
from course.setup import ports
from course.setup.environment import environment, hand_over
from course.setup.programs import PYTHON, output_of

#: `flask` without watchdog, which mkdocs installs: with it Flask watches every library folder too, and then
#: misses the learner's edit.
FLASK = "import sys; sys.modules['watchdog'] = None; from flask.cli import main; main()"


#: Addresses that only this machine reaches. On others the debugger would let every client run code.
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def run(key: str, port: int, host: str, reload: bool, step: int | None = None) -> int:
    """Run the stage called ``key`` in its folder until it is stopped.

    Args:
        step: run the state after this step instead, in a folder of its own.

    Raises:
        Failure: there is no such stage or step, or the port is in use.
    """
    stage = find_stage(key)
    folder = stage.path if step is None else step_folder(stage, step)
    if not ports.free(port, host):
        raise Failure(say("run.airplay" if port == 5000 else "run.port", port=port))
    flask = [PYTHON, "-c", FLASK, "--app", "run" if stage.name == "final" else "app"]
    if stage.name == "final":
        output_of(
            [*flask, "db", "upgrade"],
            stage.path,
            purpose=say("run.no_migration"),
            log="migrate.log",
        )
    command = [*flask, "run", "--debug", "--host", host, "--port", str(port)]
    command += [] if reload else ["--no-reload"]
    if host not in LOOPBACK:
        print(say("run.open", host=host), flush=True)
        command.append("--no-debugger")
    hand_over(command, cwd=folder, env=environment(HOST=host, PORT=str(port)))


def step_folder(stage: Stage, step: int) -> Path:
    """Make the folder of one step of a chapter again and return it.

    Raises:
        Failure: the stage has no such step.
    """
    find_step(stage, step)
    folder = STATE / "run" / f"{stage.name}-{step}"
    shutil.rmtree(folder, ignore_errors=True)
    build_step(stage, step, folder)
    print(say("step.made", step=step, folder=folder), flush=True)
    return folder
