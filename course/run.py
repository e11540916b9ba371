"""`run`: one stage, with the debugger and reload."""

from __future__ import annotations

from course import ports
from course.bootstrap import environment, hand_over
from course.failures import Failure
from course.programs import PYTHON, output_of
from course.stages import UnknownStage, find_stage

#: `flask`, but it looks for changed files itself. Where watchdog is installed (mkdocs brings it), Flask has
#: that look, and it watches every library folder too and then misses the learner's edit.
FLASK = "import sys; sys.modules['watchdog'] = None; from flask.cli import main; main()"


def run(key: str, port: int, host: str, reload: bool) -> int:
    """Run the stage called ``key`` in its folder until it ends.

    Raises:
        Failure: there is no such stage, or the port is in use.
    """
    try:
        stage = find_stage(key)
    except UnknownStage as error:
        raise Failure(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None
    if not ports.free(port, host):
        hint = " (on macOS it is the AirPlay Receiver's)" if port == 5000 else ""
        raise Failure(f"Port {port} is in use{hint}: end what listens there, or choose another with --port.")
    flask = [PYTHON, "-c", FLASK, "--app", "run" if stage.name == "final" else "app"]
    if stage.name == "final":
        output_of(
            [*flask, "db", "upgrade"],
            stage.path,
            purpose="The database could not be migrated",
            log="migrate.log",
        )
    command = [*flask, "run", "--debug", "--host", host, "--port", str(port)]
    command += [] if reload else ["--no-reload"]
    hand_over(command, cwd=stage.path, env=environment(HOST=host, PORT=str(port)))
