"""The picture of runs says each job's result in words, and marks it in colour."""

import matplotlib
import matplotlib.pyplot as plt

from labsupport.delivery import picture
from labsupport.delivery.runner import Run

matplotlib.use("agg")


def test_each_job_of_each_push_has_a_box_with_its_result() -> None:
    runs = {
        "one": Run({"check": "success", "build": "success"}, {}),
        "two": Run({"check": "failure", "build": "skipped"}, {}),
    }
    figure = picture.draw(runs)
    plt.close(figure)
    (axes,) = figure.axes
    said = [text.get_text() for text in axes.texts if text.get_text()]
    assert said == ["check\nsuccess", "build\nsuccess", "check\nfailure", "build\nskipped"]
    assert len(axes.patches) >= 4
    assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "two"]
    faces = [box.get_facecolor() for box in axes.patches[:4]]
    assert faces[0] == faces[1] and len(set(faces)) == 3
