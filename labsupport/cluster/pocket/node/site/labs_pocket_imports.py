"""Patch a module at the moment when a program imports it, because most programs never do."""

import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

_waiting: dict[str, Callable[[Any], None]] = {}


def after_import(name: str, patch: Callable[[Any], None]) -> None:
    """Call `patch` with the module as soon as it has been imported."""
    if name in sys.modules:
        patch(sys.modules[name])
    else:
        _waiting[name] = patch
        if _Finder not in sys.meta_path:
            sys.meta_path.insert(0, _Finder)


class _Finder:
    """Finds the modules that are waited for, as Python itself would, and lets them be patched."""

    @classmethod
    def find_spec(cls, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        patch = _waiting.pop(name, None)
        spec = PathFinder.find_spec(name, path) if patch else None
        if patch is None or spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def run_and_patch(module: Any) -> None:
            run(module)
            patch(module)

        spec.loader.exec_module = run_and_patch  # type: ignore[method-assign]
        return spec
