"""Files of a ConfigMap or Secret change all at once."""

from pathlib import Path

from labsupport.cluster.pocket.node.files import File, write_files


def files(**contents: str) -> dict[str, File]:
    return {name.replace("__", "/"): File(text.encode(), 0o640) for name, text in contents.items()}


def visible(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): file.read_text()
        for top in folder.iterdir()
        if not top.name.startswith("..")
        for file in ([top] if top.is_file() else top.rglob("*"))
    }


def test_files_are_links_into_one_folder(tmp_path: Path) -> None:
    write_files(tmp_path, files(rate="0.1", deep__note="x"))
    assert visible(tmp_path) == {"rate": "0.1", "deep/note": "x"}
    assert (tmp_path / "rate").is_symlink() and str((tmp_path / "rate").readlink()) == "..data/rate"
    assert (tmp_path / "rate").stat().st_mode & 0o777 == 0o640


def test_change_replaces_what_was_there(tmp_path: Path) -> None:
    write_files(tmp_path, files(rate="0.1", old="x"))
    write_files(tmp_path, files(rate="0.2", new="y"))
    assert visible(tmp_path) == {"rate": "0.2", "new": "y"}
    assert len([entry for entry in tmp_path.iterdir() if entry.name.startswith("..") and entry.is_dir()]) == 2


def test_unchanged_files_are_left_alone(tmp_path: Path) -> None:
    write_files(tmp_path, files(rate="0.1"))
    before = (tmp_path / "..data").readlink()
    write_files(tmp_path, files(rate="0.1"))
    assert (tmp_path / "..data").readlink() == before


def test_open_file_stays_whole_while_it_is_replaced(tmp_path: Path) -> None:
    write_files(tmp_path, files(rate="0.1"))
    with (tmp_path / "rate").open() as reader:
        write_files(tmp_path, files(rate="0.2"))
        assert reader.read() == "0.1"


def test_no_files_make_an_empty_folder(tmp_path: Path) -> None:
    write_files(tmp_path / "empty", {})
    assert visible(tmp_path / "empty") == {}


def test_what_a_broken_off_change_left_does_not_stop_the_next_one(tmp_path: Path) -> None:
    write_files(tmp_path, files(rate="0.1"))
    (tmp_path / "..data_tmp").symlink_to("..nowhere")
    write_files(tmp_path, files(rate="0.2"))
    assert visible(tmp_path) == {"rate": "0.2"}
