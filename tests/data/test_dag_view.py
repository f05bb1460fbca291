"""Pictures of DAGs: where tasks stand, and that a state can be told without its colour."""

import matplotlib.pyplot as plt

from labsupport.data.dag_view import _places, draw_graph, draw_grid, levels

DIAMOND = {"receive": [], "check": ["receive"], "learn": ["receive"], "judge": ["check", "learn"], "audit": ["check"]}


def words(axes) -> list[str]:
    return [text.get_text() for text in axes.texts if text.get_text()]


def test_levels_are_the_longest_way_to_a_task() -> None:
    assert levels(DIAMOND) == {"receive": 0, "check": 1, "learn": 1, "judge": 2, "audit": 2}


def test_a_task_stands_right_of_those_it_waits_for_and_no_two_on_one_place() -> None:
    places = _places(DIAMOND)
    assert all(places[name][0] > places[before][0] for name, all_ in DIAMOND.items() for before in all_)
    assert len(set(places.values())) == len(places)


def test_tasks_that_wait_for_one_above_stand_above() -> None:
    places = _places(DIAMOND)
    assert places["check"][1] > places["learn"][1] and places["audit"][1] > places["judge"][1]


def test_a_graph_says_each_state_in_words() -> None:
    figure, axes = plt.subplots()
    draw_graph(axes, DIAMOND, {"receive": "success", "learn": "failed", "judge": "upstream_failed"})
    assert {"receive\nok", "learn\nfailed", "judge\nnot started", "check"} <= set(words(axes))
    plt.close(figure)


def test_a_grid_has_a_square_a_task_and_day_and_names_what_is_not_green() -> None:
    figure, axes = plt.subplots()
    draw_grid(axes, ["a", "b"], ["2024-03-18", "2024-03-19"], [{"a": "success", "b": "failed"}, {"a": "success"}])
    assert len(axes.patches) == 4 and words(axes) == ["failed"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "a"]
    plt.close(figure)
