"""The pipeline as its users run it: repro, repro again, a new architecture, a killed trainer, an experiment, a review."""

import json
import os
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
    change(project, lambda p: p["limits"].update(size_mb=0.5))
    output = run([DVC, "repro"], project)
    assert "| bigru_attention | text |" in output
    table = evaluated(project)
    assert set(table) == {"tfidf_logreg", "bigru_attention", "books_tfidf_logreg"}
    assert len({tuple(row) for row in table.values()}) == 1  # identical keys make `dvc metrics show` a leaderboard
    submission = pd.read_csv(project / "data/submission/captions.csv", dtype=str)
    assert submission["ImageID"].tolist() == [f"{i}.jpg" for i in range(260, 272)]
    assert submission["Labels"].notna().all()
    chosen = json.loads((project / "metrics/submission/captions.json").read_text())
    assert chosen["architecture"] == "tfidf_logreg"
    assert "captions: over the limits, not considered: bigru_attention takes 1." in output
    assert table["bigru_attention"]["within_limits"] == "no"
    assert (
        "**Over the limits** (size_mb 0.5, gpu_hours 24): `bigru_attention` takes"
        in (project / "reports/report.md").read_text()
    )
    ablation = json.loads((project / "metrics/ablate/no_attention.json").read_text())
    assert ablation["base"] == "bigru_attention"
    assert ablation["difference_ci_low"] <= ablation["difference"] <= ablation["difference_ci_high"]
    assert "## Why `bigru_attention` says so" in (project / "reports/report.md").read_text()
    html = (project / "reports/report.html").read_text()
    assert "data:image/png;base64" in html
    assert 'src="figures' not in html
    assert "http://" not in html
    assert "https://" not in html
    resolved = json.loads((project / "models/bigru_attention/settings.json").read_text())
    assert resolved["train"]["lr"] == 0.003

    commit(project)
    assert "Data and pipelines are up to date." in run([DVC, "repro"], project)
    assert run(["git", "status", "--porcelain"], project) == ""
    assert "bigru_attention" in run([DVC, "metrics", "show", "--md"], project)

    # A new architecture is one block and trains nothing else.
    change(project, lambda p: p["architectures"].update(cnn={"dataset": "captions", "text": {"encoder": "textcnn"}}))
    trained = [s for s in ran(run([DVC, "repro"], project)) if s.startswith(("train", "evaluate", "ablate", "ingest"))]
    assert trained == ["train@cnn", "evaluate@cnn"]
    diff = run(["bash", ".github/review.sh", "HEAD"], project)
    assert "metrics/evaluate/cnn.json" in diff
    assert "architectures.cnn.text.encoder" in diff
    commit(project)
    assert "dvc.lock is up to date" in run(["bash", ".github/check_lock.sh"], project)

    # A clone without any data shows, compares and checks.
    clone = project.parent / "clone"
    run(["git", "clone", "-q", str(project), str(clone)], project)
    assert "bigru_attention" in run([DVC, "metrics", "show", "--md"], clone)
    assert "cnn" in run([DVC, "metrics", "diff", "HEAD~1"], clone)
    assert "architectures.cnn" in run([DVC, "params", "diff", "HEAD~1"], clone)
    assert "dvc.lock is up to date" in run(["bash", ".github/check_lock.sh"], clone)
    for edit in (
        lambda: change(clone, lambda p: p["train"].update(lr=0.1)),
        lambda: (clone / "src/report.py").write_text((clone / "src/report.py").read_text() + "\n"),
        lambda: (clone / "metrics/evaluate/cnn.json").write_text("{}\n"),
    ):
        edit()
        assert "dvc.lock is out of date; run `dvc repro`" in run(["bash", ".github/check_lock.sh"], clone, ok=False)
        run(["git", "checkout", "-q", "."], clone)


def test_an_experiment_changes_only_what_depends_on_it(project: Path) -> None:
    targets = ["evaluate@bigru_attention", "evaluate@tfidf_logreg"]
    run([DVC, "repro", *targets], project)
    commit(project)
    output = run([DVC, "exp", "run", "-S", "train.lr=1e-5", *targets], project)
    assert ran(output) == ["resolve", "embed_words", "train@bigru_attention", "evaluate@bigru_attention"]
    settings = json.loads((project / "models/bigru_attention/settings.json").read_text())
    assert settings["train"]["lr"] == 0.00001
    output = run([DVC, "exp", "run", "-S", "+architectures.bigru_attention.text.hidden=32", *targets], project)
    assert ran(output) == ["resolve", "embed_words", "train@bigru_attention", "evaluate@bigru_attention"]
    shown = run([DVC, "exp", "show", "--csv", "--drop", "data/.*|src/.*"], project)
    assert "1e-05" in shown


def test_a_killed_run_goes_on_and_ends_the_same(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    change(project, lambda p: p["train"].update(epochs=3))
    target = "evaluate@bigru_attention"
    run([DVC, "repro", target], project)
    undisturbed = evaluated(project)
    run([DVC, "repro", "-f", "-s", "train@bigru_attention", target], project)
    assert evaluated(project) == undisturbed

    hold = tmp_path_factory.mktemp("hold")
    (hold / "sitecustomize.py").write_text(HOLD_AFTER_STATE)
    environment = {**os.environ, "PATH": f"{Path(DVC).parent}:{os.environ['PATH']}", "PYTHONPATH": str(hold)}
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
        assert len(list(state.glob("*.pt"))) == 1
    output = run([DVC, "repro", target], project)
    assert "resuming after epoch 2" in output
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
        (lambda p: p["datasets"]["captions"].update(fromat="x"), "ingest@captions",
         "error: datasets.captions: unknown key 'fromat'"),
        (lambda p: p["train"].update(lr="fast"), "resolve", "error: train.lr: input should be a valid number, got 'fast'"),
        (lambda p: p["ablations"].update(x={"base": "nobody"}), "resolve",
         "error: ablations.x.base: 'nobody' is no architecture; choose one of: tfidf_logreg, bigru_attention"),
        (lambda p: p["architectures"].update(x={"dataset": "films", "baseline": "keyword_rule"}), "resolve",
         "error: architectures.x.dataset: 'films' is not in datasets:; choose one of: captions, books"),
    ],
)  # fmt: skip
def test_a_users_mistake_is_one_line_and_no_traceback(project: Path, edit, target: str, message: str) -> None:
    change(project, edit)
    output = run([DVC, "repro", "-s", target], project, ok=False)
    assert message in output
    assert "Traceback" not in output


def test_a_loss_that_distorts_probabilities_gets_a_note(project: Path) -> None:
    change(project, lambda p: p["train"].update(loss="asymmetric"))
    assert "note: bigru_attention: this loss distorts probabilities" in run([DVC, "repro", "-s", "resolve"], project)
    change(project, lambda p: p["train"].update(decoding="global"))
    assert "note:" not in run([DVC, "repro", "-s", "resolve"], project)


def test_stage_scripts_explain_themselves() -> None:
    assert "usage: train.py [-h] architecture" in run([sys.executable, "src/train.py", "--help"], ROOT)
