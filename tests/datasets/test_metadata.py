"""dataset.json: written and read again."""

from idxio.datasets.metadata import DESCRIPTION, read_description, write_description


def test_a_description_comes_back(tmp_path):
    assert read_description(tmp_path) == {}
    for names in (["cat", "dog"], ["é"]):
        write_description(tmp_path, {"class_names": names})
        assert read_description(tmp_path) == {"class_names": names}
    assert [path.name for path in tmp_path.iterdir()] == [DESCRIPTION]
