"""`python3 -m course`. Every Python can read this file: one too old gets a sentence, not a SyntaxError."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - it is here for Pythons that ruff has forgotten
    sys.stderr.write(
        "The course needs Python 3.11 or newer and this is Python %d.%d: get one from "  # noqa: UP031
        "https://www.python.org/downloads/ and start the course with it, for example python3.12 -m course\n"
        % sys.version_info[:2]
    )
    sys.exit(1)

if __name__ == "__main__":
    from course.main import main

    sys.exit(main(sys.argv[1:]))
