"""The annotation CSV: what it may say, and one clear error for everything else."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amelio.errors import InputError
from amelio.vision.data.annotation_files import FileFinder
from amelio.vision.data.annotations import Annotations, read_annotations
from amelio.vision.data.image_folder import scan
from amelio.vision.data.schema import Attribute


class Project:
    """A folder of empty image files, and a CSV about them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.images = root / "raw"
        self.csv = root / "mapped_train.csv"
        for lot in ("s1", "s2"):
            for index in range(4):
                self.touch(f"{lot}/{lot}_{index}.png")

    def touch(self, file: str) -> None:
        path = self.images / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def read(self, text: str, **options: dict[str, list[int | str]]) -> Annotations:
        self.csv.write_text(text, encoding="utf-8")
        return read_annotations(self.csv, self.images, **options)

    def refuses(self, text: str, *parts: str, **options: dict[str, list[int | str]]) -> str:
        """The error's text; every one of `parts` stands in it."""
        with pytest.raises(InputError) as caught:
            self.read(text, **options)
        found = str(caught.value)
        for part in parts:
            assert part in found
        assert found.startswith(str(self.csv))
        return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_integers_names_and_unknown(project: Project) -> None:
    found = project.read(
        "filename,beard,length,colour\n"
        "s1/s1_1.png,1,2.0,red\n"
        "s1/s1_0.png,0,,blue\n"
        "s2/s2_3.png,,10.0,red\n"
        "s1/s1_2.png,,,\n"
    )
    assert found.files == ("s1/s1_0.png", "s1/s1_1.png", "s2/s2_3.png")
    assert found.attributes == (
        Attribute("beard", (0, 1)),
        Attribute("length", (2, 10)),
        Attribute("colour", ("blue", "red")),
    )
    assert found.labels.tolist() == [[0, -1, 0], [1, 0, 1], [-1, 1, 1]]
    assert found.labels.dtype == np.int64
    assert found.lines == (3, 2, 4)
    assert found.n_unlabelled == 1


def test_the_order_of_rows_changes_nothing(project: Project) -> None:
    rows = ["s1/s1_1.png,1", "s1/s1_0.png,0", "s2/s2_3.png,1"]
    first = project.read("filename,a\n" + "\n".join(rows))
    again = project.read("filename,a\n" + "\n".join(reversed(rows)))
    assert first.files == again.files
    assert (first.labels == again.labels).all()


def test_the_lot_is_found(project: Project) -> None:
    project.touch("s1/only here.png")
    project.touch("s1/s2_9.png")
    project.touch("s2/s2_9.png")
    project.touch("s2/été à Łódź.jpg")
    found = project.read(
        "filename,a\ns2_1.png,0\nonly here.png,1\ns2_9.png,1\nété à Łódź.jpg,0\n./s1/s1_0.png,1\n"
    )
    assert found.files == (
        "s1/only here.png",
        "s1/s1_0.png",
        "s2/s2_1.png",
        "s2/s2_9.png",
        "s2/été à Łódź.jpg",
    )


def test_a_column_names_the_lot(project: Project) -> None:
    project.touch("s1/x.png")
    project.touch("s2/x.png")
    found = project.read("filename,lot,a\nx.png,s2,0\nx.png,s1,1\ns1/s1_0.png,s1,1\n")
    assert found.files == ("s1/s1_0.png", "s1/x.png", "s2/x.png")
    assert [attribute.name for attribute in found.attributes] == ["a"]


def test_accents_written_either_way(project: Project) -> None:
    project.touch("s1/e\u0301te\u0301.png")
    found = project.read("filename,a\n\u00e9t\u00e9.png,0\ns1_0.png,1\n")
    assert "s1/e\u0301te\u0301.png" in found.files


def test_excels_csv(project: Project) -> None:
    project.csv.write_bytes("\ufefffilename;a\r\ns1_0.png;0\r\n;\r\n\r\ns1_1.png;1\r\n".encode())
    found = read_annotations(project.csv, project.images)
    assert found.files == ("s1/s1_0.png", "s1/s1_1.png")
    assert found.lines == (2, 5)


def test_declared_attributes(project: Project) -> None:
    text = "filename,a,b,note\ns1_0.png,1.0,x,so\ns1_1.png,0,y,la\ns1_2.png,1,,la\n"
    found = project.read(text, declared={"b": ["y", "x", "z"], "a": [1, 0]})
    assert found.attributes == (Attribute("b", ("y", "x", "z")), Attribute("a", (1, 0)))
    assert found.labels.tolist() == [[1, 0], [0, 1], [-1, 0]]
    found = project.read("filename,a\ns1_0.png,1\ns1_1.png,x\n", declared={"a": ["1", "x"]})
    assert found.attributes == (Attribute("a", ("1", "x")),)


def test_equal_rows_are_one_and_fill_each_other(project: Project) -> None:
    found = project.read("filename,a,b\ns1_0.png,0,\ns1/s1_0.png,0,1\ns1_0.png,,\ns1_1.png,1,0\n")
    assert found.files == ("s1/s1_0.png", "s1/s1_1.png")
    assert found.labels.tolist() == [[0, 1], [1, 0]]


def test_contradicting_rows(project: Project) -> None:
    project.refuses(
        "filename,a,b\ns1_0.png,0,1\ns1_1.png,1,0\ns1/s1_0.png,1,1\n",
        ":4: s1/s1_0.png: a is 1, but 0 in line 2",
    )


def test_no_csv(project: Project) -> None:
    with pytest.raises(InputError, match=r"mapped_train\.csv: no such file\n.*'filename'"):
        read_annotations(project.csv, project.images)


def test_no_folder_of_images(project: Project) -> None:
    project.csv.write_text("filename,a\nx.png,0\n")
    with pytest.raises(InputError, match=r"elsewhere: no such folder of images\n.*dvc pull"):
        read_annotations(project.csv, project.root / "elsewhere")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["empty: there is no 'filename' column"]),
        ("File name,a\nx,1\n", [":1: no column 'filename'; columns: File name, a", "'File name'?"]),
        ("image,a\nx,1\n", ["no column 'filename'; columns: image, a"]),
        ("filename\ns1_0.png\n", [":1: no attribute"]),
        ("filename,a,uncertain\ns1_0.png,1,0\n", [":1: an attribute cannot be called 'uncertain'"]),
        ("filename,a_probability,a\ns1_0.png,1,0\n", ["called 'a_probability'", "rename"]),
        ("filename,a\n", ["no rows below the header"]),
        ("filename,a,a\ns1_0.png,1,0\n", ["columns of one name: a"]),
        (",filename,a\n0,s1_0.png,1\n", ["column 1 has no name", "index=False"]),
        ("filename,a\ns1_0.png,1,0\ns1_1.png\n", ["2 problems", "line 2: 3 cells", "line 3: 1 c"]),
        ("filename,a\ns1_0.png,1\ns1_1.png,1\n", [":1: a: one class only, 1; there is nothing"]),
        ("filename,a\ns1_0.png,\ns1_1.png,\n", ["a: no label at all"]),
        ("filename,a\ns1_0.png,0.5\ns1_1.png,1\n", [":2: a: 0.5 is not an integer"]),
        ("filename,a\ns1_0.png,0\ns1_1.png,nan\n", [":3: a: 'nan' among integers"]),
        ("filename,a\ns1_9.png,0\ns1_1.png,1\n", [":2: no such file: s1_9.png", "did you mean"]),
        ("filename,a\nS1_0.PNG,0\ns1_1.png,1\n", ["did you mean 's1_0.png'?"]),
        ("filename,a\ns3/s1_0.png,0\ns1_1.png,1\n", [":2: no such file: s3/s1_0.png"]),
        ("filename,a\n,0\ns1_1.png,1\n", [":2: '' is empty"]),
    ],
)
def test_bad_tables(project: Project, text: str, parts: list[str]) -> None:
    project.refuses(text, *parts)


def test_another_encoding(project: Project) -> None:
    project.csv.write_bytes("filename,a\ns1_0.png,1\nété.png,0\n".encode("latin-1"))
    with pytest.raises(InputError, match=r":3: not in UTF-8\n.*CSV UTF-8"):
        read_annotations(project.csv, project.images)


def test_a_column_that_is_no_attribute(project: Project) -> None:
    for index in range(1200):
        project.touch(f"s1/i{index}.png")
    rows = "".join(f"i{index}.png,{index}\n" for index in range(1200))
    project.refuses(f"filename,id\n{rows}", "id: 1200 different values", "data.attributes")


def test_labels_outside_declared_classes(project: Project) -> None:
    text = "filename,a\ns1_0.png,1\ns1_1.png,2\ns1_2.png,0\ns1_3.png,2.0\n"
    found = project.refuses(text, "2 problems", declared={"a": [0, 1]})
    assert "line 3: a: '2' is none of its classes: 0, 1" in found
    assert "line 5: a: '2.0' is none" in found


def test_a_declared_column_that_is_missing(project: Project) -> None:
    text = "filename,hair\ns1_0.png,1\n"
    project.refuses(text, "no column 'hairs'", "did you mean 'hair'", declared={"hairs": [0, 1]})


def test_a_file_in_several_lots(project: Project) -> None:
    project.touch("s1/x.png")
    project.touch("s2/x.png")
    project.refuses(
        "filename,a\nx.png,0\ns1_0.png,1\n",
        ":2: x.png is in several lots, write which: s1/x.png, s2/x.png",
    )


def test_files_that_are_not_images_or_in_no_lot(project: Project) -> None:
    project.touch("s1/notes.txt")
    project.touch("loose.png")
    found = project.refuses("filename,a\ns1/notes.txt,0\nloose.png,1\n", "2 problems")
    assert "s1/notes.txt is not an image by its name" in found
    assert "loose.png lies in no lot" in found


def test_all_problems_at_once_but_not_too_many(project: Project) -> None:
    rows = "".join(f"missing_{index}.png,{index % 2}\n" for index in range(500))
    found = project.refuses(f"filename,a\n{rows}", "500 problems", "… and 480 more problems")
    assert len(found.splitlines()) == 22


ESCAPES = [
    "../../etc/passwd",
    "../secret.png",
    "s1/../../secret.png",
    "s1/..",
    "/etc/passwd",
    "//server/share/x.png",
    "C:/x.png",
    "c:x.png",
    "C:\\x.png",
    "..\\secret.png",
    "\\\\server\\share\\x.png",
    "s1\\s1_0.png",
    "s1_0.png\x00.txt",
    "s1/\ts1_0.png",
]


@pytest.mark.parametrize("name", ESCAPES)
def test_paths_that_leave_the_folder(project: Project, name: str) -> None:
    (project.root / "secret.png").touch()
    found = project.refuses(f'filename,a\n"{name}",0\ns1_1.png,1\n', ":2: ")
    assert "expected 'lot/file' below" in found


def test_an_escape_in_the_lot_column(project: Project) -> None:
    (project.root / "secret.png").touch()
    project.refuses("filename,lot,a\nsecret.png,..,0\ns1_1.png,s1,1\n", ":2: ", "leaves the image")


def test_links_that_leave_the_folder(project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.png").touch()
    (project.images / "s1/link.png").symlink_to(outside / "x.png")
    (project.images / "s9").symlink_to(outside)
    (project.images / "s1/inside.png").symlink_to(project.images / "s2/s2_0.png")
    found = project.refuses("filename,a\nlink.png,0\ns9/x.png,1\ninside.png,0\n", "2 problems")
    assert re.search(r"line 2: link.png: .*s1/link.png is a link that leaves", found)
    assert re.search(r"line 3: s9/x.png: .*s9 is a link that leaves", found)


def test_links_into_a_dvc_cache_are_followed(project: Project, tmp_path: Path) -> None:
    stored = tmp_path / "cache/files/md5/0a" / ("b" * 30)
    stored.parent.mkdir(parents=True)
    stored.touch()
    (project.images / "s1/link.png").symlink_to(stored)
    assert "s1/link.png" in project.read("filename,a\nlink.png,0\ns1_0.png,1\n").files


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(["..", ".", "", "s1", "s1_0.png", "/", "\\", "~", "C:", "e\u0301", "\x00"]),
        max_size=6,
    ),
    st.sampled_from(["/", "", "\\"]),
)
def test_no_name_leads_out(tmp_path: Path, parts: list[str], separator: str) -> None:
    images = tmp_path / "raw"
    (images / "s1").mkdir(parents=True, exist_ok=True)
    (images / "s1/s1_0.png").touch()
    (tmp_path / "s1_0.png").touch()
    complaints: list[str] = []
    found = FileFinder(scan(images)).find(separator.join(parts), "", complaints.append)
    assert bool(found) != bool(complaints)
    assert found in ("", "s1/s1_0.png")
