"""Whatever a value holds, a Markdown renderer shows exactly its text."""

import html
import re
from pathlib import Path

import pytest

from multilabel.reporting.html import self_contained_html
from multilabel.reporting.markdown import Markdown, bold, code, escape, one_line, render, shorten, table

HOSTILE = [
    "a|b", "|", "| --- |", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<!-- x", "&amp; &#60; &copy;",
    "![x](http://example.org/p.png)", "![x](a.png)", "![x](/etc/passwd)", "[x](http://example.org)", "[x]: http://example.org",
    "[^1]", "<http://example.org>", "http://example.org www.example.org", "javascript:alert(1)", "**b** _i_ *i* __b__ ~~s~~ `c`",
    "``` x", "~~~", "a\nb", "a\r\n\n# b", "# h", "###### h", "- x", "+ x", "* x", "---", "===", ":---", "1. x", "12) x",
    "> q", "    indented", "\\", "a\\", "\\|", "\\\\|", "a\\*b", "_", "_a_", "a_b", "__init__", "*", "$5 off$", "a $50% off$ tag",
    "{{ 7 * 7 }}", "{% raw %}", "nan", "None", "\u202eabc", "a\x00b\x07", "a\u2028b", "中文 标签", "عربى", "😀", "\\$", "`|`",
    "![a|b](x \"t\")", "\ud800x", "x" * 5000, "-0.033", "+0.1 (+0.0 to +0.2)", "1,000", "<", "&", "!", "![", "](", "^", "@x",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_every_text_comes_out_as_it_went_in(text: str, tmp_path: Path) -> None:
    escaped = escape(text)
    places = {
        f"{escaped}": r"<p>(.*)</p>",
        f"x {escaped} y": r"<p>x (.*) y</p>",
        f"- {escaped}": r"<li>(.*)</li>",
        f"### {escaped}": r'<h3 id="[^"]*">(.*)</h3>',
        f"x {bold(text)} y": r"<p>x <strong>(.*)</strong> y</p>",
        table(["h", "i"], [[text, "z"]]): r'<td data-head="h">(.*)</td>\n<td data-head="i">z</td>\n</tr>\n</tbody>',
        table([text, "i"], [["a", "z"]]): r"<th>(.*)</th>\n<th>i</th>",
    }
    for markdown, pattern in places.items():
        page = self_contained_html(Markdown(markdown), "t", tmp_path)
        body = page[page.index("<body>") :]
        found = re.search(pattern, body, re.DOTALL)
        assert found, (markdown, body)
        assert html.unescape(found[1]) == one_line(text), markdown


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_the_markdown_itself_holds_no_tag_no_bar_and_no_address(text: str) -> None:
    escaped = escape(text)
    assert not re.search(r"[<>|\n]|(?<!\\)[\[\]`*$]|(?<!\\)://|(?i:www\.)", escaped.replace("\\\\", ""))


def test_numbers_and_names_stay_readable() -> None:
    for text in (
        "-0.033",
        "+0.033 (+0.021 to +0.044)",
        "0.895",
        "resnet18_bigru",
        "traffic light",
        "4,800",
        "a.b-c: d; e (f)",
    ):
        assert escape(text) == text


def test_a_template_escapes_all_that_is_not_markdown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "t.j2").write_text(
        "{{ a }} {{ b }} {% for x in c %}{{ x }}{% endfor %} {{ c | join('*') }} {{ a ~ b }} {{ a | code }}"
    )
    monkeypatch.setattr("multilabel.reporting.markdown.TEMPLATES", tmp_path)
    said = render("t.j2", a="<i>", b=Markdown("**b**"), c=["|", Markdown("`c`")])
    assert said == "&lt;i&gt; **b** &#124;`c` &#124;\\*\\`c\\` &lt;i&gt;\\*\\*b\\*\\* &lt;i&gt;\n"


def test_code_spans_hold_only_what_a_code_span_can() -> None:
    assert code("resnet18_bigru") == "`resnet18_bigru`"
    assert code("a`b") == "a\\`b"
    assert code("a|b") == "a&#124;b"
    assert code("") == ""


def test_long_texts_are_cut_between_words() -> None:
    assert shorten("a b\nc") == "a b c"
    assert shorten("word " * 100, 20) == "word word word word ..."
    assert shorten("x" * 5000, 10) == "x" * 10 + " ..."
