"""Before you begin: a function that takes a function, and what `@` does with it."""

from collections.abc import Callable
from functools import wraps


def announced(view: Callable) -> Callable:
    @wraps(view)  # the new function gets the name and the docstring of `view`
    def wrapper(name: str) -> str:
        print("before", view.__name__)
        answer = view(name)
        print("after", view.__name__)
        return answer

    return wrapper


@announced
def greet(name: str) -> str:
    return f"Hello, {name}"


print(greet("김미나"))
print(greet.__name__)
