"""What of the package's own data a notebook shows: its outputs are old when these have changed, though its code has not."""

import hashlib
import json

from labsupport import files, paths
from labsupport.course import catalogue
from labsupport.course.system import system_after


def shown_hash(lesson: str) -> str:
    """Hash what the notebooks of a lesson show: the start page the course, another lesson the system so far."""
    shown: object = system_after(lesson)
    if lesson == "000":
        lessons = files.read_json(paths.CATALOGUE, "Run: labs build 000") if paths.CATALOGUE.exists() else {}
        syllabus = catalogue.syllabus()
        shown = [lessons, catalogue.titles(), syllabus["parts"], syllabus["routes"], catalogue.glossary()]
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:16]
