"""`python3 -m course.site`, by the course's own Python, whichever Python started it."""

import sys

from course.setup.environment import hand_over, inside_venv, venv_python
from course.setup.install import set_up

if __name__ == "__main__":
    if not inside_venv():
        set_up()
        hand_over([str(venv_python()), "-m", "course.site", *sys.argv[1:]])
    from course.site.commands import run_command_line

    sys.exit(run_command_line())
