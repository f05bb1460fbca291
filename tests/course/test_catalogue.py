"""The catalogue of lessons, and the measurements it is made from: damage is named with what mends it."""

from pathlib import Path

import pytest

from labsupport import paths
from labsupport.course import catalogue, header
from labsupport.errors import LabsError


def test_damaged_measurements_and_a_damaged_catalogue_say_what_mends_them(course: Path) -> None:
    conflict = "<<<<<<< HEAD\n{}\n"
    (course / "notebooks" / "measured.json").write_text(conflict)
    with pytest.raises(LabsError, match=r"measured.json is damaged \(.*line 1.*\). .* run: labs measure"):
        header.measured("101")
    paths.CATALOGUE.write_text(conflict)
    catalogue.entries.cache_clear()
    with pytest.raises(LabsError, match=r"catalogue.json is damaged .* Run: labs build --texts"):
        catalogue.entries()
