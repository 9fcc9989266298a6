"""Settings that do not fit together are refused in one line when a network is built, before anything trains."""

from typing import Any

import pytest
import torch
from accelerate import init_empty_weights
from conftest import TRAIN, minilm_folder

from multilabel.core.errors import UserError
from multilabel.models.hub_encoder import positions
from multilabel.models.network import build
from multilabel.training.architectures import resolve
from multilabel.training.checks import check
from multilabel.training.settings import NetworkArchitecture

MINILM = f"hf/{minilm_folder()}"


def architecture(**parts: Any) -> NetworkArchitecture:
    found = resolve("a", {"a": {"dataset": "captions", **parts}}, TRAIN, 0)
    assert isinstance(found, NetworkArchitecture)
    return found


GRU, RESNET = {"encoder": "gru"}, {"encoder": "timm/resnet10t"}
MISFITS: list[tuple[dict[str, Any], str]] = [
    ({"text": {"encoder": "transformer", "heads": 3}}, "text.heads: 3 heads cannot share a width of 128 evenly; choose"),
    ({"text": {"encoder": "bert", "hidden": 100, "heads": 8}}, "text.heads: 8 heads cannot share a width of 100 evenly"),
    ({"text": GRU, "head": {"name": "query", "heads": 7}}, "head.heads: 7 heads cannot share a width of 256 evenly"),
    ({"text": GRU, "image": RESNET, "fusion": {"name": "cross_attention", "width": 30}},
     "fusion.heads: 4 heads cannot share a width of 30 evenly"),
    ({"text": {"encoder": "bert", "max_length": 513}}, "text.max_length: bert reads 512 tokens at most, not 513; lower it"),
    ({"text": {"encoder": MINILM, "max_length": 513}}, f"text.max_length: {MINILM} reads 512 tokens at most, not 513"),
    ({"image": {"encoder": "torchvision/maxvit_t"}}, "image.size: torchvision/maxvit_t cannot read images of 64 px"),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "message"), MISFITS)
def test_what_does_not_fit_is_refused_before_it_trains(parts: dict[str, Any], message: str, tmp_path: Any,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as error:
        check(architecture(**parts))
    assert str(error.value).startswith(f"architectures.a.{message}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("parts", [
    {"text": {"encoder": "bert", "max_length": 512}},
    {"text": {"encoder": MINILM, "weights": None, "max_length": 512}},
    {"image": {"encoder": "torchvision/squeezenet1_0"}, "head": "query"},
    {"image": {"encoder": "torchvision/maxvit_t", "size": 224}, "head": "query"},
    {"image": {"encoder": "torchvision/inception_v3", "size": 299}, "head": "query"},
    {"image": {"encoder": "torchvision/swin_t", "size": 224}, "head": "query"},
])  # fmt: skip
def test_what_is_accepted_takes_a_step(parts: dict[str, Any]) -> None:
    settings = architecture(**parts).model
    tokens = images = None
    if settings.image:  # on a device without memory: what can fail are shapes
        with init_empty_weights():
            net = build(settings, vocabulary=50, labels=3).to("meta")
        images = torch.zeros(2, 3, settings.image.size, settings.image.size, device="meta")
    else:
        net = build(settings, vocabulary=50, labels=3)
        tokens = torch.randint(1, 50, (1, settings.text.max_length))
    net.train()(images, tokens, None if tokens is None else tokens > 0).sum().backward()
    assert any(p.grad is not None for p in net.parameters())


def test_positions_of_networks_that_reserve_some() -> None:
    from transformers import (
        BartConfig,
        BartModel,
        BertConfig,
        BertModel,
        RobertaConfig,
        RobertaModel,
        T5Config,
        T5EncoderModel,
    )

    with init_empty_weights():
        bart = BartModel(BartConfig(encoder_layers=1, decoder_layers=1, d_model=16, max_position_embeddings=64))
        bert = BertModel(BertConfig(num_hidden_layers=1, max_position_embeddings=64))
        roberta = RobertaModel(RobertaConfig(num_hidden_layers=1, max_position_embeddings=66))
        t5 = T5EncoderModel(T5Config(num_layers=1, d_model=16, d_kv=4, d_ff=16))
    assert [positions(model) for model in (bart, bert, roberta, t5)] == [64, 64, 64, None]


@pytest.mark.parametrize("config", [{"num_attention_heads": 5}, {"hidden_size": "x"}])
def test_a_configuration_that_makes_no_network_is_one_line(config: dict[str, Any]) -> None:
    settings = architecture(text={"encoder": MINILM, "weights": None, "config": config}).model
    with pytest.raises(UserError) as error:
        build(settings, vocabulary=0, labels=3)
    assert str(error.value).startswith(f"text.config: {MINILM} cannot be built like that (")
    assert "\n" not in str(error.value)


def test_weights_of_timm_are_checked_by_tag() -> None:
    with pytest.raises(UserError, match=r"timm has no weights 'a1_in2k' of resnet18; did you mean 'a1_in1k'"):
        build(architecture(image={"encoder": "timm/resnet18.a1_in2k"}).model, vocabulary=0, labels=3)
