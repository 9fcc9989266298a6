"""The lists of code that stages depend on are right: nothing that runs is missing from them, nothing foreign is in them."""

import ast
import gc
import re
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import grimp
import pytest
import yaml
from conftest import ROOT, STUDIES, TRAIN

from multilabel.core.fingerprint import EFFECTS, Code, Definition
from multilabel.core.registry import Registry
from multilabel.core.settings import to_json
from multilabel.models.evaluation import EvaluationSettings
from multilabel.models.limits import Limits
from multilabel.training.architectures import resolve
from multilabel.training.fitting import fit_and_evaluate

CODE = Code(*(folder for folder in (ROOT / "src", ROOT / "studies" / "stages") if folder.exists()))
DVC_FILES = [file for file in ("dvc.yaml", "studies/dvc.yaml") if (ROOT / file).exists()]
IMAGE = {"encoder": "timm/resnet10t", "size": 32}
GRU = {"encoder": "gru", "embedding": 8, "hidden": 8}
BLOCKS: dict[str, dict[str, Any]] = {
    "rule": {"baseline": "keyword_rule"},
    "tfidf": {"baseline": "tfidf_logreg"},
    "vectors": {"text": {**GRU, "bidirectional": True, "pooling": "attention", "word_vectors": "fasttext_skip_gram"}},
    "cleaned": {"text": {"encoder": "textcnn", "clean": ["lower_case", "punctuation", "stop_words", "lemmas"]}},
    "bert": {"text": {"encoder": "bert", "tokenizer": "wordpiece", "hidden": 8, "layers": 1}},
    "gated": {"image": IMAGE, "text": GRU, "fusion": {"name": "gated", "modality_dropout": 0.2}},
    "late": {"image": {"encoder": "torchvision/shufflenet_v2_x0_5", "size": 32}, "text": GRU, "fusion": "late"},
    "query": {"image": IMAGE, "head": {"name": "query", "width": 8}, "train": {"loss": "asymmetric", "ema": 0.9}},
    "lively": {"image": IMAGE, "train": {"augment": "strong", "sampler": "inverse_frequency", "schedule": "plateau"}},
    "folds": {"ensemble": {"members": ["tfidf", "rule"], "folds": 2, "weights": "greedy"}},
    "stacked": {"ensemble": {"members": ["tfidf", "query"], "weights": {"name": "stacking", "C": 0.1}}},
}


def executed(run: Any) -> set[Definition]:
    """The top-level definitions of the library in which any Python function was called while `run()` ran."""
    lines: set[tuple[str, int]] = set()

    def profile(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_name != "<module>":
            lines.add((frame.f_code.co_filename, frame.f_code.co_firstlineno))

    gc.collect()  # a generator that an earlier test left in a cycle would be closed, thus called, in the middle of `run()`
    sys.setprofile(profile)
    try:
        run()
    finally:
        sys.setprofile(None)
    found = set()
    for module in CODE.modules.values():
        for name, statements in module.statements.items():
            for s in statements:
                rows = range(min([s.lineno, *(d.lineno for d in getattr(s, "decorator_list", []))]), s.end_lineno + 1)
                if any(file == str(module.path) and line in rows for file, line in lines):
                    found.add((module.name, name))
    return found


@pytest.mark.parametrize("name", BLOCKS)
def test_whatever_runs_is_in_the_list_of_its_architecture(tiny_dataset: str, name: str) -> None:
    blocks = {block: {"dataset": tiny_dataset, **parts} for block, parts in BLOCKS.items()}
    architecture = resolve(name, blocks, TRAIN | {"epochs": 1}, seed=0)
    settings = EvaluationSettings(n_resamples=100)
    ran = executed(lambda: fit_and_evaluate(architecture, Path("model"), Path("curves"), settings, Limits()))
    assert len(ran) > 30
    assert ran - CODE.used("ablate", to_json(architecture)) == set()


def test_a_list_holds_nothing_that_its_script_does_not_import() -> None:
    graph = grimp.build_graph("multilabel", cache_dir=None)
    for script in CODE.scripts:
        direct = {origin for origin, _ in CODE.modules[script].imported.values()}
        reached = direct | {upstream for module in direct for upstream in graph.find_upstream_modules(module)}
        assert {module for module, _ in CODE.used(script)} - {script} <= reached, script


@pytest.mark.skipif(not STUDIES.exists(), reason="some definitions are those of studies alone")
def test_every_definition_of_the_library_is_used() -> None:
    """By a stage, the command, a registry or a check of settings: what is not is dead code."""
    every = everything()
    used = {d for script in [*CODE.scripts, "multilabel.cli", "multilabel"] for d in CODE.used(script, every)}
    todo = checks(used) | {("multilabel.core.registry", "Registry")}  # of which fingerprints see the entries alone
    while todo:
        definition = todo.pop()
        if definition not in used and definition[1] in CODE.modules[definition[0]].statements:
            used.add(definition)
            todo |= {*CODE._mentioned(definition, every), *checks({definition})}
    known = {(m.name, name) for m in CODE.modules.values() if m.name.startswith("multilabel") for name in m.statements}
    assert sorted(known - used - {d for d in known if d[1] == EFFECTS}) == []


def checks(definitions: set[Definition]) -> set[Definition]:
    """What `Annotated` names beside a type. Fingerprints leave it out: its outcome is in data/resolved/."""
    found = set()
    for module, name in definitions:
        for node in (node for statement in CODE.modules[module].statements[name] for node in ast.walk(statement)):
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Annotated":
                names = {word.id for word in ast.walk(node.slice) if isinstance(word, ast.Name)}
                found |= {CODE.modules[module].imported.get(word, (module, word)) for word in names}
    return found


def everything() -> list[str]:
    """The name of every entry of every registry."""
    registries = [value for module in list(sys.modules.values()) if module.__name__.startswith("multilabel.")
                  for value in vars(module).values() if isinstance(value, Registry)]  # fmt: skip
    assert len(registries) > 10
    return [key for registry in registries for key in registry]


@pytest.mark.parametrize("file", DVC_FILES)
def test_every_stage_depends_on_the_code_of_its_script(file: str) -> None:
    for name, stage in yaml.safe_load((ROOT / file).read_text())["stages"].items():
        stage = stage.get("do", stage)
        script = re.search(r"(\w+)\.py", stage["cmd"])
        assert script is not None
        assert script[1] == name
        code = [dep for dep in stage["deps"] if "data/code/" in dep or dep.endswith("src")]
        if name in ("train", "ablate", "run"):
            of = "item.group" if name == "run" else "key"
            assert [dep for dep in code if dep.endswith(f"data/code/${{{of}}}.txt")], name
        elif name not in ("resolve", "resolve_runs"):  # which depend on all there is
            assert [dep for dep in code if dep.endswith(f"data/code/stages/{name}.txt")], name
