"""Find the built-in `hash` in an answer of lessons 611 and 612: Python salts it, so its value is another in each process."""

import builtins
import dis
import inspect
from types import CodeType, FunctionType
from typing import Any


def uses_hash(answer: Any) -> bool:
    """Return whether a function calls the built-in `hash`, itself or in another function of its notebook."""
    first = inspect.unwrap(getattr(answer, "function", answer))
    waiting, seen = [first], set()
    for one in waiting:
        if one is hash:
            return True
        one = inspect.unwrap(one) if callable(one) else one
        if not isinstance(one, FunctionType) or one in seen or one.__globals__ is not first.__globals__:
            continue
        seen.add(one)
        waiting += [cell.cell_contents for cell in one.__closure__ or ()]
        for step in _steps(one.__code__):
            if step.opname in ("LOAD_ATTR", "LOAD_METHOD") and step.argval == "__hash__":
                return True
            if step.opname == "LOAD_GLOBAL":
                waiting.append(one.__globals__.get(step.argval, getattr(builtins, step.argval, None)))
    return False


def _steps(code: CodeType) -> list[dis.Instruction]:
    """Return the instructions of a function and of those that are written inside it."""
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    return [*dis.get_instructions(code), *(step for one in inner for step in _steps(one))]
