"""What ends a run: one sentence that says what to do, and no traceback."""


class Failure(Exception):
    """The run cannot go on; its text is for the person who started it."""


class WrongAnswer(Failure):
    """A contender did not answer what the workload expects: its speed would be that of something else."""
