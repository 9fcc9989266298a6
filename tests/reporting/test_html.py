"""The page opens offline: nothing in it runs, leads out or is loaded, and no file beside the report gets into it."""

import re
from pathlib import Path

import pytest
from PIL import Image

from multilabel.reporting.html import self_contained_html
from multilabel.reporting.markdown import Markdown, image, table

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """reports/ with a figure, and files beside it that are nobody's business."""
    reports = tmp_path / "reports"
    (reports / "figures").mkdir(parents=True)
    for path in (reports / "figures" / "a.png", tmp_path / "secret.png"):
        Image.new("RGB", (2, 2)).save(path)
    (reports / "notes.txt").write_text("secret")
    (reports / "link.png").symlink_to(tmp_path / "secret.png")
    return reports


def body(markdown: str, folder: Path) -> str:
    page = self_contained_html(Markdown(markdown), "t", folder)
    return page[page.index("<body>") :]


def test_an_image_of_the_report_is_put_inside(folder: Path) -> None:
    assert re.search(
        r'<img src="data:image/png;base64,[^"]+" alt="A &lt;figure&gt;">',
        body(image("figures/a.png", "A <figure>"), folder),
    )


@pytest.mark.parametrize(
    "source",
    ["http://example.org/p.png", "https://example.org/p.png", "//example.org/p.png", "ftp://example.org/p.png", "../secret.png",
     "figures/../../secret.png", "%2e%2e/secret.png", "link.png", "missing.png", "notes.txt", "figures", "data:image/png;base64,AAAA",
     "x" * 5000 + ".png", "a%00.png", "figures/a.png?x", "cover.png"],
)  # fmt: skip
def test_any_other_image_is_shown_as_text(source: str, folder: Path) -> None:
    said = body(f"before ![caption]({source}) after", folder)
    assert "<img" not in said
    assert "before caption (" in said
    assert "src=" not in said


def test_an_absolute_path_is_shown_as_text(folder: Path) -> None:
    assert "<img" not in body(f"![x]({folder.parent / 'secret.png'})", folder)
    assert "<img" not in body(f"![x](file://{folder.parent / 'secret.png'})", folder)


@pytest.mark.parametrize(
    "markdown",
    ["<script>alert(1)</script>", "a <b onclick='x'>b</b>", "<!-- c -->", "[x](http://example.org)", "<http://example.org>",
     "[x][y]\n\n[y]: http://example.org", "![x][y]\n\n[y]: figures/a.png", "[x](javascript:alert(1))"],
)  # fmt: skip
def test_raw_html_and_links_are_text(markdown: str, folder: Path) -> None:
    said = body(markdown, folder)
    assert not re.search(r"<(script|b|a|img|!--)\b", said)
    assert "href=" not in said


def test_the_page_forbids_all_but_its_own_images_and_style(folder: Path) -> None:
    page = self_contained_html(Markdown("# a"), "<t>", folder)
    assert f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">' in page
    assert "<title>&lt;t&gt;</title>" in page


def test_equal_headings_get_ids_of_their_own_and_the_contents_lead_to_them(folder: Path) -> None:
    said = body("# t\n\n## a b\n\n### c\n\n## a b\n\n## <x>", folder)
    assert re.findall(r'<h. id="([^"]*)">', said) == ["t", "a-b", "c", "a-b-2", "x"]
    assert re.findall(r'<a href="#([^"]*)">([^<]*)</a>', said) == [("a-b", "a b"), ("a-b-2", "a b"), ("x", "&lt;x&gt;")]


def test_the_parts_of_several_pages_are_their_titles(folder: Path) -> None:
    assert re.findall(r'<a href="#([^"]*)">', body("# all\n\n# one\n\n## x\n\n# two", folder)) == ["one", "two"]


def test_every_cell_knows_the_head_of_its_column(folder: Path) -> None:
    said = body(f"{table(['a', 'b<'], [['1', '2'], ['3', '4']])}\n\n{table(['c'], [['5']])}", folder)
    assert re.findall(r'data-head="([^"]*)">(\d)', said) == [
        ("a", "1"),
        ("b&lt;", "2"),
        ("a", "3"),
        ("b&lt;", "4"),
        ("c", "5"),
    ]
    assert said.count('<div class="table"><table>') == said.count("</table>\n</div>") == 2


def test_a_link_leads_to_a_heading_of_the_page_and_nowhere_else(folder: Path) -> None:
    said = body(
        "# a, b & c\n\n[in](#a-b--c) [other page](r0.md#a-b--c) [none](#d) [file](../x.md#a) [out](http://e.org)",
        folder,
    )
    assert re.findall(r'<a href="([^"]*)">([^<]*)</a>', said) == [("#a-b--c", "in"), ("#a-b--c", "other page")]
    assert "none file out (http://e.org)" in said
    assert '<h1 id="a-b--c">' in said


def test_parts_are_folded_away_and_hold_what_they_hold(folder: Path) -> None:
    said = body("<details>\n<summary>2 **more** <b></summary>\n\n| a |\n| --- |\n| 1 |\n\n</details>\n\nafter", folder)
    assert re.search(r"<details>\s*<summary>2 <strong>more</strong> &lt;b&gt;</summary>\s*<div class=\"table\">", said)
    assert said.index("</table>") < said.index("</details>") < said.index("after")


@pytest.mark.parametrize(
    "text", ["<details open>", "a <details>", "<summary>x", "<script></script>", "<summary>a</summary> b"]
)
def test_nothing_else_is_html(text: str, folder: Path) -> None:
    assert not re.search(r"<(details|summary|script)", body(text, folder))
