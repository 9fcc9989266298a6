"""The pipeline as its users run it: repro, repro again, a new architecture, a killed trainer, an experiment, a review."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import ROOT, commit, run

DVC = str(Path(sys.executable).with_name("dvc"))
pytestmark = pytest.mark.slow
TIMES = ("train_seconds", "predict_seconds")


def change(project: Path, edit) -> None:
    path = project / "params.yaml"
    params = yaml.safe_load(path.read_text())
    edit(params)
    path.write_text(yaml.safe_dump(params, sort_keys=False))


def evaluated(project: Path) -> dict[str, dict]:
    files = sorted((project / "metrics" / "evaluate").glob("*.json"))
    return {f.stem: {k: v for k, v in json.loads(f.read_text()).items() if k not in TIMES} for f in files}


def ran(output: str) -> list[str]:
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


def test_the_whole_pipeline(project: Path) -> None:
    change(project, lambda p: p["limits"].update(size_mb=0.031))
    output = run([DVC, "repro"], project)
    assert "captions, seed 42" in output
    assert "| `bigru_attention` | text |" in output
    table = evaluated(project)
    assert set(table) == {"tfidf_logreg", "bigru_attention", "textcnn", "books_tfidf_logreg"}
    assert len({tuple(row) for row in table.values()}) == 1  # identical keys make `dvc metrics show` a leaderboard
    assert {path.name for path in (project / "data/predictions/textcnn").iterdir()} == {
        "test.parquet", "decodings.csv", "decoding.json",
    }  # fmt: skip
    submission = pd.read_csv(project / "data/submission/captions.csv", dtype=str)
    assert submission["ImageID"].tolist() == [f"{i}.jpg" for i in range(160, 172)]
    assert submission["Labels"].notna().all()
    chosen = json.loads((project / "metrics/submission/captions.json").read_text())
    assert chosen["architecture"] == "tfidf_logreg"
    assert "captions: over the limits, not considered: bigru_attention takes " in output
    assert table["bigru_attention"]["within_limits"] == "no"
    report = (project / "reports/report.md").read_text()
    assert "**Over the limits** (size_mb 0.031, gpu_hours 24): `bigru_attention` takes" in report
    assert "## Why `bigru_attention` says so" in report
    ablation = json.loads((project / "metrics/ablate/no_attention.json").read_text())
    assert ablation["base"] == "bigru_attention"
    assert ablation["difference_ci_low"] <= ablation["difference"] <= ablation["difference_ci_high"]
    html = (project / "reports/report.html").read_text()
    assert "data:image/png;base64" in html
    assert 'src="figures' not in html
    assert "http://" not in html
    assert "https://" not in html

    commit(project)
    assert "Data and pipelines are up to date." in run([DVC, "repro"], project)
    assert run(["git", "status", "--porcelain"], project) == ""
    assert "bigru_attention" in run([DVC, "metrics", "show", "--md"], project)

    # A new architecture is one block and trains nothing else.
    block = {"dataset": "captions", "baseline": "keyword_rule"}
    change(project, lambda p: p["architectures"].update(rule=block))
    trained = [s for s in ran(run([DVC, "repro"], project)) if s.startswith(("train", "evaluate", "ablate", "ingest"))]
    assert trained == ["train@rule", "evaluate@rule"]
    diff = run(["bash", ".github/review.sh", "HEAD"], project)
    assert "metrics/evaluate/rule.json" in diff
    assert "architectures.rule.baseline" in diff
    assert re.search(
        r"\| `captions` \| `rule` \| `\w+`, the best of `[0-9a-f]+` on valid \| \S+ \(\S+ to \S+\) \|", diff
    )
    commit(project)
    assert "dvc.lock is up to date" in run(["bash", ".github/check_lock.sh"], project)

    # A clone without any data shows, compares and checks.
    clone = project.parent / "clone"
    run(["git", "clone", "-q", str(project), str(clone)], project)
    assert "bigru_attention" in run([DVC, "metrics", "show", "--md"], clone)
    assert "rule" in run([DVC, "metrics", "diff", "HEAD~1"], clone)
    assert "architectures.rule" in run([DVC, "params", "diff", "HEAD~1"], clone)
    assert "dvc.lock is up to date" in run(["bash", ".github/check_lock.sh"], clone)
    for edit in (
        lambda: change(clone, lambda p: p["train"].update(lr=0.1)),
        lambda: (clone / "src/report.py").write_text((clone / "src/report.py").read_text() + "\n"),
        lambda: (clone / "metrics/evaluate/rule.json").write_text("{}\n"),
    ):
        edit()
        assert "error: dvc.lock is out of date; run `dvc repro dvc.yaml`" in run(
            ["bash", ".github/check_lock.sh"], clone, ok=False
        )
        run(["git", "checkout", "-q", "."], clone)


def test_a_change_trains_again_only_what_depends_on_it(project: Path) -> None:
    """Of the code, by definition; of the settings, by architecture. What was trained before comes from the run cache."""
    targets = ["evaluate@tfidf_logreg", "evaluate@bigru_attention", "evaluate@textcnn"]
    run([DVC, "repro", *targets], project)
    assert ran(run([DVC, "repro", *targets], project)) == []
    losses = project / "src/multilabel/training/losses.py"
    used, unused = "def focal(", "def asymmetric("

    def edited(source: str, definition: str) -> str:
        assert definition in source
        return source.replace(definition, f"@staticmethod\n{definition}")

    before = losses.read_text()
    for changed in (before + "\n# a comment\n", edited(before, unused)):
        losses.write_text(changed)
        assert ran(run([DVC, "repro", *targets], project)) == ["resolve"]
    losses.write_text(edited(before, used))
    assert ran(run([DVC, "repro", *targets], project)) == ["resolve", "train@textcnn", "evaluate@textcnn"]
    losses.write_text(before)
    output = run([DVC, "repro", *targets], project)
    assert ran(output) == ["resolve"]
    assert "Stage 'train@textcnn' is cached - skipping run" in output

    commit(project)
    experiment = [DVC, "exp", "run", "-S", "+architectures.textcnn.train.lr=1e-5", *targets]
    assert ran(run(experiment, project)) == ["resolve", "train@textcnn", "evaluate@textcnn"]
    settings = json.loads((project / "data/resolved/textcnn.json").read_text())
    assert settings["train"]["lr"] == 0.00001
    shown = run([DVC, "exp", "show", "--csv", "--drop", "data/.*|src/.*"], project)
    assert "1e-05" in shown
    change(project, lambda p: p["architectures"]["textcnn"]["train"].pop("lr"))
    output = run([DVC, "repro", *targets], project)
    assert "Stage 'train@textcnn' is cached - skipping run" in output
    assert "Stage 'evaluate@textcnn' is cached - skipping run" in output


def test_a_killed_run_goes_on_and_ends_the_same(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    change(project, lambda p: p["train"].update(epochs=3))
    target = "evaluate@bigru_attention"
    run([DVC, "repro", target], project)
    undisturbed = evaluated(project)
    shutil.rmtree(project / ".cache" / "trained")  # or what it ended with would be taken

    hold = tmp_path_factory.mktemp("hold")
    (hold / "sitecustomize.py").write_text(HOLD_AFTER_STATE)
    path = f"{hold}:{ROOT / 'src'}"
    environment = {**os.environ, "PATH": f"{Path(DVC).parent}:{os.environ['PATH']}", "PYTHONPATH": path}
    environment.pop("SHELL", None)  # dvc then takes /bin/sh, which stays between dvc and a command without `exec`
    command = [DVC, "repro", "-f", "-s", "train@bigru_attention"]
    state = project / ".checkpoints"
    for victim in ("trainer", "dvc"):
        (hold / "trainer").unlink(missing_ok=True)
        process = subprocess.Popen(
            command, cwd=project, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        trainer = wait_for_trainer(hold / "trainer")
        os.kill(trainer if victim == "trainer" else process.pid, signal.SIGKILL)
        process.wait()
        wait_for_end(trainer)
        assert list(state.glob("*.pt"))
    run([DVC, "repro", "-f", "-s", "resolve"], project)  # DVC took away what the killed stages had begun
    output = run([DVC, "repro", "-f", "-s", "train@bigru_attention", target], project)
    assert "resuming after epoch" in output
    assert evaluated(project) == undisturbed
    assert list(state.glob("*.pt")) == []


# Python imports a module of this name at its start: the trainer waits to be killed once it has stored an epoch.
HOLD_AFTER_STATE = """
import os, pathlib, signal, time
replace = os.replace

def replace_then_hold(source, target):
    replace(source, target)
    if str(target).endswith(".pt"):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # or the signal would wait for the end of the sleep
        note = pathlib.Path(__file__).with_name("trainer")
        note.with_suffix(".partial").write_text(str(os.getpid()))
        replace(note.with_suffix(".partial"), note)
        time.sleep(600)

os.replace = replace_then_hold
"""


def wait_for_trainer(note: Path) -> int:
    """The trainer's process id, once it has stored an epoch."""
    for _ in range(2400):
        if note.exists():
            return int(note.read_text())
        time.sleep(0.05)
    raise AssertionError("no state was written within two minutes")


def wait_for_end(pid: int) -> None:
    """Until no such process runs: an orphan must not go on training."""
    for _ in range(200):
        try:
            os.kill(pid, 0)
            if "Z" in Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3]:
                return
        except (ProcessLookupError, FileNotFoundError):
            return
        time.sleep(0.05)
    raise AssertionError("the trainer went on after dvc was killed")


@pytest.mark.parametrize(
    ("edit", "target", "message"),
    [
        (lambda p: p["datasets"]["captions"].update(source="nowhere.zip"), "ingest@captions",
         "nowhere.zip: no such file or folder; set datasets.<name>.source to an archive, folder or CSV"),
        (lambda p: p["architectures"].update(x={"dataset": "films", "baseline": "keyword_rule"}), "resolve",
         "error: unknown dataset 'films' in architectures.x.dataset; choose one of: books, captions"),
    ],
)  # fmt: skip
def test_a_users_mistake_is_one_line_and_no_traceback(project: Path, edit, target: str, message: str) -> None:
    change(project, edit)
    output = run([DVC, "repro", target], project, ok=False)
    assert message in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x'; touch hacked; '", "error: datasets: "),
        ('x"; touch hacked; "', "error: datasets: "),
        ("$(touch hacked)", "error: datasets: "),
        ("../hacked", "is specified in:"),  # DVC's own: outputs of two stages would be one
    ],
)
def test_no_name_reaches_the_shell(project: Path, name: str, message: str) -> None:
    change(project, lambda p: p["datasets"].update({name: p["datasets"].pop("books")}))
    change(project, lambda p: p["architectures"].pop("books_tfidf_logreg"))
    output = run([DVC, "repro"], project, ok=False)
    assert message in output
    assert "Traceback" not in output
    assert not list(project.rglob("hacked*"))
    assert not (project.parent / "hacked").exists()
    assert not (project / "data/raw/captions").exists()


def test_stage_scripts_explain_themselves() -> None:
    assert "usage: train.py [-h] name" in run([sys.executable, "src/train.py", "--help"], ROOT)
