"""Two revisions of a repository, compared by the command; and what the review must install for it."""

import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, commit, run

from multilabel.cli import main
from multilabel.core.files import write_json
from multilabel.core.paths import METRICS, PER_RECORD
from multilabel.metrics.per_record import per_record, write

FIRST = "`main` has no `reports/f1_per_record.parquet`, so no score can be compared record by record.\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository with parameters and nothing else, committed."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("seed: 1\nevaluate: {n_resamples: 100}\n")
    run(["git", "init", "-q", "-b", "main"], tmp_path)
    commit(tmp_path)


def report(label: str = "cat", **right: int) -> None:
    """What the stage leaves: for each architecture, of so many of 40 records the label is found."""
    tables = {
        name: pd.DataFrame({
            "id": [f"{n}.jpg" for n in range(40)], "true": [[label]] * 40,
            "predicted": [[label] if n < number else [] for n in range(40)],
        })
        for name, number in right.items()
    }  # fmt: skip
    by_seed = {name: np.array([np.arange(40) < number], float) for name, number in right.items()}  # of one seed
    write([per_record("photos", tables, by_seed)], PER_RECORD)
    for name, number in right.items():
        write_json(METRICS / "evaluate" / f"{name}.json", {"valid_f1_samples": number / 40})


def compared(capsys: pytest.CaptureFixture[str]) -> str:
    """What the command prints about the work tree and main."""
    main(["compare", "main"])
    return capsys.readouterr().out


def test_from_the_first_report_to_new_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared(capsys) == FIRST.replace("main", "this work tree")
    report(rule=20, net=24)
    assert compared(capsys) == FIRST

    commit(tmp_path)
    assert compared(capsys) == "The same on every test record: `rule`, `net`.\n"

    report(rule=38, net=24, new=12)
    printed = compared(capsys)
    assert re.search(
        r"\| `photos` \| `rule` \| itself on `main` \| \+0\.450 \(\+0\.\d+ to \+0\.\d+\) \| better \|", printed
    )
    assert re.search(
        r"\| `photos` \| `new` \| `net`, the best of `main` on valid \| -0\.300 \(.*\) \| worse \|", printed
    )
    assert printed.endswith("\n\nThe same on every test record: `net`.\n")

    report("dog", rule=38)
    assert "(40 here, 40 there, 0 of them with the same id and labels), so nothing" in compared(capsys)


def test_several_revisions_are_held_against_the_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report(rule=20)
    commit(tmp_path)
    for name, number in (("one", 30), ("two", 10)):
        report(rule=number)
        commit(tmp_path)
        run(["git", "update-ref", f"refs/exps/ab/cdef/{name}", "HEAD"], tmp_path)  # as DVC keeps experiments
        run(["git", "reset", "-q", "--hard", "HEAD~1"], tmp_path)
    main(["compare", "main", "one", "two", "--curves"])
    printed = capsys.readouterr().out
    assert re.search(r"### one\n\n\| dataset .*\+0\.250 .*### two\n\n\| dataset .*-0\.250 ", printed, re.DOTALL)
    assert printed.count("No curve moved.") == 2
    main(["compare"])
    assert "| `photos` | `rule` |  | 0.500 |" in capsys.readouterr().out


def test_a_base_that_is_not_there() -> None:
    with pytest.raises(SystemExit, match="error: mian: no revision of this repository"):
        main(["compare", "mian"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\n", "error: params.yaml has no section `evaluate:`; "),
        ("seed: 1\nevaluate:\n", "error: evaluate: 'n_resamples' is missing; add it there"),
        (
            "seed: 1\nevaluate: {n_resamples: few}\n",
            "error: evaluate.n_resamples: input should be a valid integer, got 'few'",
        ),
        ("evaluate: {n_resamples: 100}\n", "error: params.yaml has no section `seed:`; "),
    ],
)
def test_parameters_that_lack_something(text: str, message: str) -> None:
    Path("params.yaml").write_text(text)
    with pytest.raises(SystemExit) as end:
        main(["compare"])
    assert str(end.value.code).startswith(message)
    assert "\n" not in str(end.value.code)


def test_the_review_installs_what_the_comparison_imports(tmp_path: Path) -> None:
    """With every other requirement out of reach."""
    report(rule=20)
    commit(tmp_path)
    assert "--require-hashes -r locks/requirements-review.txt" in (ROOT / ".github/workflows/review.yml").read_text()
    asked, installed = (set(re.findall(r"^[\w.-]+(?===)", (ROOT / name).read_text().lower(), re.MULTILINE))
                        for name in ("requirements.txt", "locks/requirements-review.txt"))  # fmt: skip
    others = {name for name in asked if re.sub(r"[-_.]", "-", name) not in installed}
    assert "torch" in others
    modules = [
        name for name, owners in packages_distributions().items() if others & {owner.lower() for owner in owners}
    ]
    report(rule=20, new=20)
    code = f"import sys; sys.modules.update(dict.fromkeys({modules!r})); from multilabel.cli import main; main()"
    assert "| `photos` | `new` | `rule`, the best of" in run([sys.executable, "-c", code, "compare", "main"], tmp_path)
