"""Feeds the tables WRONG and RIGHT of each test_lesson_NNN.py to its tests, one case a test."""

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for name in ("wrong", "right"):
        if name in metafunc.fixturenames:
            table = getattr(metafunc.module, name.upper())
            cases = [(key, mistake, case) for key, named in table.items() for mistake, case in named.items()]
            metafunc.parametrize(name, cases, ids=[f"{key}-{mistake}" for key, mistake, _ in cases])
