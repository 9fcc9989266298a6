"""Every entry of every table that networks are made of, and every block of params.yaml: builds, finite, all gradients."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import init_empty_weights
from conftest import TRAIN, minilm_folder
from safetensors.torch import save_file

from multilabel.core.errors import UserError
from multilabel.core.settings import Choice, call_named, from_json, known, to_json
from multilabel.inputs.features import Features, Widths
from multilabel.models.fusions import FUSIONS, LateFusion, drop_modalities
from multilabel.models.heads import HEADS, QueryHead
from multilabel.models.hub_encoder import HubEncoder
from multilabel.models.image_encoders import IMAGE_FAMILIES
from multilabel.models.network import build, filled
from multilabel.models.poolings import POOLINGS, AttentionPooling
from multilabel.models.pretrained import coco_exposed, verdict
from multilabel.models.settings import AnySettings, BaselineSettings, EnsembleSettings, FusionSettings, NetworkSettings
from multilabel.models.text_encoders import TEXT_ENCODERS, choose_text_encoder
from multilabel.models.tuning import rate_factors
from multilabel.training.architectures import resolve

TOKENS = torch.tensor([[2, 5, 7, 3], [2, 9, 3, 0], [4, 0, 0, 0]])
MASK = TOKENS > 0
IMAGES = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
IMAGE = {"encoder": "timm/resnet10t"}
TEXT = {"encoder": "gru", "embedding": 8, "hidden": 16}


def block(**parts: Any) -> NetworkSettings:
    """The settings of the network that a block as it stands in YAML describes."""
    return resolve("a", {"a": {"dataset": "captions", **parts}}, TRAIN, 0).model


def assert_gradients(net: torch.nn.Module, output: torch.Tensor) -> None:
    assert torch.isfinite(output).all()
    (output * torch.randn_like(output)).sum().backward()
    without = [name for name, p in net.named_parameters() if p.requires_grad and p.grad is None]
    assert not without, f"no gradient reaches {without}"
    assert all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)


def assert_sound(settings: NetworkSettings) -> None:
    """Finite logits, gradients everywhere, and the same output from stored weights."""
    torch.manual_seed(0)
    net = build(settings, vocabulary=50, labels=5)
    inputs = (IMAGES if settings.image else None, *((TOKENS, MASK) if settings.text else (None, None)))
    logits = net(*inputs)
    assert logits.shape == (3, 5)
    assert_gradients(net, logits)
    again = filled(settings, vocabulary=50, labels=5, state=net.state_dict())
    assert torch.equal(again.eval()(*inputs), net.eval()(*inputs))
    trained = [name for name, p in net.named_parameters() if p.requires_grad]
    assert [name for name, p in again.named_parameters() if p.requires_grad] == trained


@pytest.mark.parametrize("encoder", TEXT_ENCODERS)
def test_every_text_encoder_by_itself(encoder: str) -> None:
    assert_sound(block(text={"encoder": encoder}))


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_fusion_with_every_head(fusion: str, head: str) -> None:
    parts = {"image": IMAGE, "text": TEXT, "fusion": fusion, "head": head}
    if HEADS[head].reads == "states" and FUSIONS[fusion].joins == "features" and FUSIONS[fusion].reads == "pooled":
        with pytest.raises(
            UserError, match=rf"head: {head} reads a state per word and place, but \w+ gives one vector"
        ):
            build(block(**parts), vocabulary=50, labels=5)
    else:
        assert_sound(block(**parts))


@pytest.mark.parametrize("part", [{"image": IMAGE}, {"image": {"encoder": "torchvision/resnet18"}}, {"text": TEXT}])
def test_the_query_head_on_one_input(part: dict) -> None:
    assert_sound(block(**part, head="query"))


def pooled_encoders() -> list[tuple[str, str | None]]:
    """Every text encoder with every pooling that it can be given."""
    chooses = {name: "pooling" in known(encoder) for name, encoder in TEXT_ENCODERS.items()}
    return [(name, pooling) for name in TEXT_ENCODERS for pooling in (POOLINGS if chooses[name] else [None])]


def assert_padding_is_not_read(net: torch.nn.Module) -> None:
    net.eval()
    longer = torch.nn.functional.pad(TOKENS, (0, 5), value=7)  # whatever stands behind the mask
    mask = torch.nn.functional.pad(MASK, (0, 5))
    torch.testing.assert_close(net(longer, mask).pooled, net(TOKENS, MASK).pooled, atol=1e-5, rtol=1e-5)
    alone = net(TOKENS[2:, :1], MASK[2:, :1]).pooled
    torch.testing.assert_close(alone[0], net(TOKENS, MASK).pooled[2], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("encoder", "pooling"), pooled_encoders())
def test_text_encoders_do_not_read_padding(encoder: str, pooling: str | None) -> None:
    options = {"pooling": pooling} if pooling else {}
    torch.manual_seed(0)
    net = TEXT_ENCODERS[encoder](50, **options)
    assert_gradients(net, net(TOKENS, MASK).pooled)
    assert_padding_is_not_read(net)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("encoder", ["rnn", "gru", "lstm"])
def test_recurrent_encoders_against_a_loop_over_single_texts(encoder: str, bidirectional: bool, pooling: str) -> None:
    net = TEXT_ENCODERS[encoder](50, bidirectional=bidirectional, pooling=pooling).eval()
    for row, (tokens, mask) in enumerate(zip(TOKENS, MASK, strict=True)):
        states = net.rnn(net.embedding(tokens[mask])[None])[0][0]  # one text, no padding anywhere
        weights = (net.pooling.weights(states[None], torch.ones(1, len(states), dtype=torch.bool))[0]
                   if pooling == "attention" else None)  # fmt: skip
        expected = {
            "first": lambda s: s[0],
            "last": lambda s, h=net.rnn.hidden_size: torch.cat([s[-1, :h], s[0, h:]]),
            "mean": lambda s: s.mean(dim=0),
            "max": lambda s: s.amax(dim=0),
            "attention": lambda s, w=weights: (s * w[:, None]).sum(dim=0),
            "pooler": lambda s: torch.tanh(net.pooling.dense.weight @ s[0] + net.pooling.dense.bias),
        }[pooling](states)
        torch.testing.assert_close(net(TOKENS, MASK).pooled[row], expected, atol=1e-5, rtol=1e-5)


def test_attention_pooling_against_its_formula() -> None:
    net = AttentionPooling(6, bidirectional=False).double()
    states = torch.randn(3, 4, 6, dtype=torch.float64)
    for row, length in enumerate(MASK.sum(dim=1)):
        s = states[row, :length]
        scores = (torch.tanh(s @ net.project.weight.T + net.project.bias) @ net.score.weight.T).squeeze(1).exp()
        torch.testing.assert_close(net(states, MASK)[row], (s * (scores / scores.sum())[:, None]).sum(dim=0))
    assert (net.weights(states, MASK)[~MASK] == 0).all()


@pytest.mark.parametrize("pooling", ["last", "attention"])
def test_bidirectional_gru_reads_both_ends(pooling: str) -> None:
    net = TEXT_ENCODERS["gru"](50, bidirectional=True, pooling=pooling).eval()
    changed = TOKENS.clone()
    changed[0, 0], changed[1, 2] = 8, 8
    difference = (net(changed, MASK).pooled - net(TOKENS, MASK).pooled).abs()
    width = net.widths.pooled // 2
    assert (difference[:2, :width].amax(1) > 0).all()
    assert (difference[:2, width:].amax(1) > 0).all()


@pytest.mark.parametrize("fusion", FUSIONS)
def test_fusions_use_both_inputs(fusion: str) -> None:
    net = FUSIONS[fusion](Widths(7, 5), Widths(11, 6))
    parts = [torch.randn(shape, requires_grad=True) for shape in ((3, 7), (3, 4, 5), (3, 11), (3, 2, 6))]
    image = Features(parts[0], parts[1])
    text = Features(parts[2], parts[3], torch.tensor([[True, True], [True, False], [True, True]]))
    if FUSIONS[fusion].joins == "logits":
        output = net(parts[0], parts[2][:, :7])
    else:
        output = net(image, text).pooled
        assert output.shape == (3, net.widths.pooled)
    assert_gradients(net, output)
    read = parts[0::2] if FUSIONS[fusion].reads == "pooled" else parts[1::2]
    assert all(part.grad is not None and part.grad.abs().sum() > 0 for part in read)


def test_late_fusion_averages_probabilities_also_where_they_round_to_one() -> None:
    fusion = LateFusion(Widths(1), Widths(1))
    image, text = torch.randn(4, 3, dtype=torch.float64) * 3, torch.randn(4, 3, dtype=torch.float64) * 3
    torch.testing.assert_close(fusion(image, text).sigmoid(), (image.sigmoid() + text.sigmoid()) / 2)
    assert torch.isfinite(fusion(torch.tensor([[200.0, -200.0]]), torch.tensor([[300.0, -300.0]]))).all()


def test_plain_concatenation_has_no_layer_before_the_head() -> None:
    net = FUSIONS["concat"](Widths(7), Widths(11), width=None)
    assert not list(net.parameters())
    image, text = torch.randn(2, 7), torch.randn(2, 11)
    expected = torch.cat([image, text], dim=1).relu()
    assert torch.equal(net.eval()(Features(image), Features(text)).pooled, expected)


def test_concatenation_without_projections_is_one_layer_over_both() -> None:
    fusion = FUSIONS["concat"](Widths(7), Widths(11), width=5, project=False).eval()
    image, text = torch.randn(2, 7), torch.randn(2, 11)
    (weight, bias) = fusion.parameters()
    expected = (torch.cat([image, text], dim=1) @ weight.T + bias).relu()
    torch.testing.assert_close(fusion(Features(image), Features(text)).pooled, expected)
    assert weight.shape == (5, 18)
    assert fusion.widths == Widths(5)


def test_modality_dropout_never_takes_both_and_only_in_training() -> None:
    image, text = Features(torch.ones(4000, 2), torch.ones(4000, 3, 2)), Features(torch.ones(4000, 2))
    torch.manual_seed(0)
    image, text = drop_modalities(image, text, 0.4)
    without_image, without_text = (part.pooled[:, 0] == 0 for part in (image, text))
    assert not (without_image & without_text).any()
    assert without_image.float().mean().item() == pytest.approx(0.2, abs=0.03)
    assert without_text.float().mean().item() == pytest.approx(0.2, abs=0.03)
    assert torch.equal(image.states[:, 0, 0] == 0, without_image)
    net = build(block(image=IMAGE, text=TEXT, fusion={"name": "sum", "modality_dropout": 0.9}), 50, 5)
    assert torch.equal(net.eval()(IMAGES, TOKENS, MASK), net(IMAGES, TOKENS, MASK))


def test_the_query_head_tells_where_each_label_looks() -> None:
    head = QueryHead(Widths(None, 6), labels=5, width=8, heads=2).eval()
    features = Features(None, torch.randn(3, 4, 6), MASK)
    looks = head.looks(features)
    assert looks.shape == (3, 5, 4)
    torch.testing.assert_close(looks.sum(dim=2), torch.ones(3, 5))
    assert (looks.transpose(1, 2)[~MASK] == 0).all()
    hidden = Features(None, torch.where(MASK[:, :, None], features.states, torch.full((), 9.0)), MASK)
    torch.testing.assert_close(head(hidden), head(features))


@pytest.mark.parametrize("pooling", ["attention", "pooler"])
def test_what_pools_itself_refuses_a_pooling_with_weights(pooling: str) -> None:
    settings = block(text={**TEXT, "pooling": pooling}, head="query")
    with pytest.raises(
        UserError, match=r"head: query reads the states of all words and pools them itself; take `pooling:`"
    ):
        build(settings, vocabulary=50, labels=5)


# Image networks

REPORTED = [  # with 18 outputs, MB of 2^20 bytes: report 2 (EfficientNet + TinyBERT), Table 1
    ("resnet50", 18, 90.15), ("mobilenet_v2", 18, 8.84), ("efficientnet_b0", 18, 15.70), ("efficientnet_b1", 18, 25.40),
    ("efficientnet_b2", 18, 29.96), ("efficientnet_b3", 18, 41.50), ("efficientnet_b4", 18, 67.86),
    # report 3 (transfer CNNs), Figure 14
    ("googlenet", 18, 21.60), ("shufflenet_v2_x2_0", 18, 20.76), ("resnet50", 18, 90.12), ("regnet_x_3_2gf", 18, 54.98),
    ("resnext50_32x4d", 18, 88.16),
    ("efficientnet_v2_s", 1000, 82.70),  # printed with ImageNet's 1,000 outputs: with 18 it has 77.6 MB
]  # fmt: skip


def megabytes(net: torch.nn.Module) -> float:
    return sum(value.numel() for value in net.state_dict().values()) * 4 / 2**20


@pytest.mark.parametrize(("name", "outputs", "published"), REPORTED)
def test_image_networks_have_the_published_size(name: str, outputs: int, published: float) -> None:
    with init_empty_weights():
        net = build(block(image={"encoder": f"torchvision/{name}"}), vocabulary=0, labels=outputs)
    assert megabytes(net) == pytest.approx(published, rel=0.035)


def test_bert_base_has_the_published_size() -> None:
    text = {"encoder": "bert", "hidden": 768, "layers": 12, "heads": 12, "dim_feedforward": 3072}
    with init_empty_weights():
        net = build(block(text=text), vocabulary=30_522, labels=18)
    assert megabytes(net) == pytest.approx(417.82, rel=0.01)  # report 2, Table 1


@pytest.mark.parametrize("family", IMAGE_FAMILIES)
def test_image_families_give_their_widths(family: str) -> None:
    net = IMAGE_FAMILIES[family]("resnet18")
    found = net(IMAGES)
    assert found.pooled.shape == (3, net.widths.pooled) == (3, 512)
    assert found.states.shape == (3, 4, net.widths.states) == (3, 4, 512)
    torch.testing.assert_close(found.states.mean(dim=1), found.pooled, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", sorted({name for name, _, _ in REPORTED} | {"densenet121", "vgg11_bn"}))
def test_torchvision_networks_of_the_reports(name: str) -> None:
    net = IMAGE_FAMILIES["torchvision"](name).eval()
    found = net(torch.rand(1, 3, 64, 64))
    assert found.pooled.shape == (1, net.widths.pooled)
    assert found.states.shape == (1, 4, net.widths.states)


@pytest.mark.parametrize("name", ["mobilenetv3_small_050", "vit_tiny_patch16_224", "swin_tiny_patch4_window7_224"])
def test_timm_networks_with_other_feature_maps(name: str) -> None:
    net = IMAGE_FAMILIES["timm"](name).eval()
    found = net(torch.rand(1, 3, 224, 224))
    assert found.pooled.shape == (1, net.widths.pooled)
    assert found.states.shape[2] == net.widths.states
    assert found.states.shape[1] in (49, 196)


def test_a_torchvision_transformer_has_no_feature_map() -> None:
    settings = block(image={"encoder": "torchvision/vit_b_32", "size": 224}, head="query")
    with (
        pytest.raises(UserError, match="but TorchvisionEncoder gives one vector per record; choose another"),
        init_empty_weights(),
    ):
        build(settings, vocabulary=0, labels=3)


def test_image_networks_are_checked_by_name() -> None:
    with pytest.raises(UserError, match=r"torchvision has no network 'resnet81'; did you mean 'resnet18'"):
        IMAGE_FAMILIES["torchvision"]("resnet81")
    with pytest.raises(UserError, match=r"timm has no network 'resnet81'"):
        IMAGE_FAMILIES["timm"]("resnet81")


@pytest.mark.parametrize("family", IMAGE_FAMILIES)
def test_weights_come_from_a_file(family: str, tmp_path: Path) -> None:
    import timm
    import torchvision

    make = timm.create_model if family == "timm" else torchvision.models.get_model
    published = make("resnet18").eval()  # with its classifier of 1,000 outputs
    save_file(published.state_dict(), tmp_path / "weights.safetensors")
    torch.save({"state_dict": published.state_dict()}, tmp_path / "weights.pth")
    for file in ("weights.safetensors", "weights.pth"):
        net = IMAGE_FAMILIES[family]("resnet18", weights=str(tmp_path / file)).eval()
        expected = torch.nn.functional.linear(net(IMAGES).pooled, published.fc.weight, published.fc.bias)
        torch.testing.assert_close(expected, published(IMAGES))
    (tmp_path / "broken.pth").write_bytes(b"nothing")
    for weights, message in [
        (tmp_path / "none.pth", "none.pth: no such file; write null (random), pretrained, package/<name>, or a file"),
        (
            tmp_path / "broken.pth",
            "broken.pth holds no plain tensors (UnpicklingError); store the network's state_dict",
        ),
    ]:
        with pytest.raises(UserError) as error:
            IMAGE_FAMILIES[family]("resnet18", weights=str(weights))
        assert message in str(error.value)
    with pytest.raises(
        UserError, match=rf"does not fit {family}/resnet34: \d+ of \d+ entries are missing or of another shape"
    ):
        IMAGE_FAMILIES[family]("resnet34", weights=str(tmp_path / "weights.pth"))


@pytest.mark.parametrize("family", IMAGE_FAMILIES)
def test_weights_that_cannot_be_fetched_are_one_line(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr("timm.create_model", no_network)
    monkeypatch.setattr("torchvision.models.get_model", no_network)
    with pytest.raises(UserError) as error:
        IMAGE_FAMILIES[family]("resnet18", weights="pretrained")
    assert str(error.value) == (
        f"cannot fetch the pretrained weights of {family}/resnet18 (OSError: Name or service not known); "
        "run once with a network so that they are cached, or write `weights: null`"
    )


def test_a_stored_model_never_asks_for_pretrained_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multilabel.models.image_encoders._fetch", None)
    settings = block(image={"encoder": "timm/resnet18", "weights": "pretrained"})
    assert build(settings, vocabulary=0, labels=3)(IMAGES, None, None).shape == (3, 3)


def test_stored_weights_are_filled_in_without_chance_and_as_copies() -> None:
    settings = block(image=IMAGE, text=TEXT, fusion="concat")
    state = build(settings, vocabulary=50, labels=3).half().state_dict()
    kept, chance = {name: value.clone() for name, value in state.items()}, torch.get_rng_state()
    net = filled(settings, vocabulary=50, labels=3, state=state)
    assert torch.equal(torch.get_rng_state(), chance)
    found = net.state_dict()
    assert {name: value.dtype for name, value in found.items()} == {
        name: torch.float32 if value.is_floating_point() else value.dtype for name, value in state.items()
    }
    with torch.no_grad():
        for value in found.values():
            value.zero_()
    assert all(torch.equal(value, kept[name]) for name, value in state.items())
    missing, _ = state.popitem()
    with pytest.raises(RuntimeError, match=re.escape(missing)):
        filled(settings, vocabulary=50, labels=3, state=state)


@pytest.mark.parametrize("encoder", ["timm/vit_base_patch16_clip_224.openai", "torchvision/efficientnet_v2_s"])
def test_pretrained_weights_bring_their_own_input(encoder: str) -> None:
    image = block(image={"encoder": encoder, "weights": "pretrained"}).image
    expected = {"timm": (224, 0.48145466), "torchvision": (384, 0.485)}[encoder.partition("/")[0]]
    assert (image.size, image.mean[0]) == expected
    assert block(image={"encoder": encoder, "weights": "pretrained", "size": 96}).image.size == 96
    assert block(image={"encoder": encoder}).image.size == 64


@pytest.mark.parametrize(
    ("encoder", "weights", "expected"),
    [
        ("timm/resnet50.a1_in1k", "pretrained", "no"), ("timm/vit_base_patch16_clip_224.openai", "pretrained", "no"),
        ("torchvision/regnet_x_3_2gf", "pretrained", "no"), ("torchvision/resnet50", "/w/fasterrcnn_coco.pth", "yes"),
        ("torchvision/resnet50", "/w/mine.pth", "unknown"), ("timm/vit_small_patch14_dinov2.lvd142m", "pretrained", "unknown"),
        ("hf/google-bert/bert-base-uncased", "pretrained", "no"), ("hf/huawei-noah/TinyBERT_General_4L_312D", "pretrained", "no"),
        ("hf/sentence-transformers/all-MiniLM-L6-v2", "pretrained", "yes"), ("hf/my/folder", "pretrained", "unknown"),
        ("hf//home/robert/bert-base", "pretrained", "unknown"), ("hf/./bert-base", "pretrained", "unknown"),
        ("timm/resnet50", "/w/resnet50_in1k.pth", "unknown"), ("hf/bert-base-uncased", "pretrained", "no"),
    ],
)  # fmt: skip
def test_weights_are_tagged_by_whether_they_have_seen_coco(encoder: str, weights: str, expected: str) -> None:
    assert verdict(encoder, weights) == expected


def test_the_worst_exposure_of_all_parts_counts() -> None:
    clean, leaky = block(text=TEXT), block(text={"encoder": f"hf/{minilm_folder()}"})
    assert (coco_exposed(clean), coco_exposed(leaky)) == ("no", "yes")
    about = {"name": "a", "dataset": "captions", "seed": 0}
    assert coco_exposed(EnsembleSettings(**about, members={"a": clean, "b": leaky})) == "yes"
    assert coco_exposed(BaselineSettings(**about, baseline=Choice("keyword_rule"))) == "no"


# Pretrained text


@pytest.fixture(scope="module")
def hub() -> torch.nn.Module:
    return choose_text_encoder(f"hf/{minilm_folder()}", "here")(0)


def test_a_hub_encoder_is_the_published_one_and_reads_no_padding(hub: torch.nn.Module) -> None:
    from transformers import AutoModel

    published = AutoModel.from_pretrained(minilm_folder()).eval()
    expected = published(input_ids=TOKENS, attention_mask=MASK.long()).last_hidden_state
    torch.testing.assert_close(hub.eval()(TOKENS, MASK).states[MASK], expected[MASK], atol=1e-5, rtol=1e-5)
    assert_padding_is_not_read(hub)


def test_a_hub_encoder_brings_the_pooler_that_it_was_published_with() -> None:
    from transformers import AutoModel

    published = AutoModel.from_pretrained(minilm_folder()).eval()
    net = choose_text_encoder(f"hf/{minilm_folder()}", "here")(0, pooling="pooler").eval()
    expected = published(input_ids=TOKENS, attention_mask=MASK.long()).pooler_output
    torch.testing.assert_close(net(TOKENS, MASK).pooled, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("options", [{}, {"pooling": "mean"}, {"pooling": "pooler"}, {"gradient_checkpointing": True}])
def test_hub_encoders_train(options: dict) -> None:
    settings = block(text={"encoder": f"hf/{minilm_folder()}", "weights": None, **options})
    assert settings.text.clean == []  # its tokenizer knows what to do with letter case
    assert_sound(settings)


def test_a_hub_encoder_is_built_from_its_settings_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = block(text={"encoder": f"hf/{minilm_folder()}", "config": {"hidden_dropout_prob": 0.3}})
    monkeypatch.setattr("multilabel.models.hub_encoder.fetch", None)
    net = build(settings, vocabulary=0, labels=3)
    assert net.text.model.config.hidden_dropout_prob == 0.3
    assert net.text.model.config.hidden_size == 384


def test_a_checkpoint_in_half_precision_is_trained_in_full(tmp_path: Path) -> None:
    from transformers import BertConfig, BertModel

    small = BertConfig(vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    BertModel(small).half().save_pretrained(tmp_path)
    net = build(block(text={"encoder": f"hf/{tmp_path}"}), vocabulary=0, labels=3, fresh=True)
    assert {p.dtype for p in net.parameters()} == {torch.float32}


@pytest.mark.parametrize("pooling", ["first", "pooler", "last", "mean"])
def test_what_reads_from_left_to_right_has_no_first_token_to_read(pooling: str) -> None:
    config = {"model_type": "gpt2", "vocab_size": 50, "n_embd": 16, "n_layer": 1, "n_head": 2}
    if pooling in ("last", "mean"):
        encoder = HubEncoder("gpt", 50, weights=None, config=config, pooling=pooling).eval()
        tokens, mask = torch.tensor([[7, 8, 9], [7, 30, 31]]), torch.ones(2, 3, dtype=torch.bool)
        with torch.no_grad():
            first, second = encoder(tokens, mask).pooled
        assert not torch.allclose(first, second, atol=1e-3)
        return
    with pytest.raises(UserError) as error:
        HubEncoder("gpt", 50, weights=None, config=config, pooling=pooling)
    assert str(error.value) == (
        "text.pooling: hf/gpt reads from left to right, so its first token knows nothing of the others; write `pooling: last` or `mean`"
    )


def test_what_has_no_mask_is_refused() -> None:
    config = {
        "model_type": "fnet",
        "vocab_size": 50,
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "intermediate_size": 16,
    }
    with pytest.raises(UserError) as error:
        HubEncoder("f", 50, weights=None, config=config)
    assert str(error.value) == (
        "text.encoder: hf/f has no mask for padding (fnet), so what it says of a text would depend on the texts beside it; choose "
        "another"
    )


def test_an_unknown_hub_folder_is_one_line() -> None:
    with pytest.raises(UserError) as error:
        block(text={"encoder": "hf/nowhere/at_all"})
    assert str(error.value).startswith("cannot read hf/nowhere/at_all (")
    assert "give a folder with config.json, tokenizer.json and weights" in str(error.value)
    assert "\n" not in str(error.value)


# Learning rates and freezing


def test_parts_of_a_network_have_rates_of_their_own() -> None:
    hub = {"encoder": f"hf/{minilm_folder()}", "weights": None, "lr_factor": 0.1, "layer_decay": 0.5}
    settings = block(text=hub, image={**IMAGE, "lr_factor": 0.3})
    with init_empty_weights():
        net = build(settings, vocabulary=0, labels=3)
    factors = rate_factors(net, settings)
    layers = [factors[f"text.model.encoder.layer.{i}.output.dense.weight"] for i in range(6)]
    assert layers == pytest.approx([0.1 * 0.5 ** (5 - i) for i in range(6)])
    below = {value for name, value in factors.items() if name.startswith("text.model.embeddings.")}
    assert list(below) == [pytest.approx(0.1 * 0.5**6)]
    assert {value for name, value in factors.items() if name.startswith("image.")} == {0.3}
    assert {value for name, value in factors.items() if name.startswith(("heads.", "fusion."))} == {1.0}
    assert set(factors) == {name for name, p in net.named_parameters() if p.requires_grad}


@pytest.mark.parametrize("encoder", ["torchvision/googlenet", "timm/inception_v3", "timm/resnet18"])
def test_branches_of_one_block_have_one_rate(encoder: str) -> None:
    settings = block(image={"encoder": encoder, "size": 96, "layer_decay": 0.75})
    with init_empty_weights():
        net = build(settings, vocabulary=0, labels=3)
    factors = {name: rate for name, rate in rate_factors(net, settings).items() if name.startswith("image.")}
    assert len(set(factors.values())) <= 20
    by_block: dict[str, set[float]] = {}
    for name, rate in factors.items():
        by_block.setdefault(name.split(".")[2], set()).add(rate)
    assert [rates for rates in by_block.values() if len(rates) > 1] == []


def test_a_frozen_encoder_stays_as_it_is() -> None:
    net = build(block(image={**IMAGE, "frozen": True}, text=TEXT), vocabulary=50, labels=5)
    before = {name: value.clone() for name, value in net.image.state_dict().items()}
    net.train()(IMAGES, TOKENS, MASK).sum().backward()
    assert not net.image.training
    assert net.text.training
    assert all(p.grad is None for p in net.image.parameters())
    assert all(torch.equal(value, before[name]) for name, value in net.image.state_dict().items())  # statistics too


# Mistakes

ALL_TEXT = ", ".join(sorted(TEXT_ENCODERS))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "architectures.a: reads nothing; give it an `image:` or a `text:` block, a `baseline:`, or an `ensemble:`"),
        ({"dataset": None}, "architectures.a: 'dataset' is missing; name one of the blocks of datasets:"),
        ({"txt": {}}, "unknown part 'txt' in architectures.a; did you mean 'text'? choose one of: "
         "baseline, dataset, ensemble, fusion, head, image, seeds, text, train"),
        ({"text": {"encoder": "grru"}}, "unknown text encoder (or hf/<hub id or folder>) 'grru' in architectures.a.text.encoder; "
         f"did you mean 'gru'? choose one of: {ALL_TEXT}"),
        ({"text": {"encoder": "gru", "hiden": 3}}, "architectures.a.text: unknown key 'hiden'; did you mean 'hidden'? choose one "
         "of: bidirectional, clean, dropout, embedding, embedding_dropout, frozen, frozen_stages, hidden, layer_decay, layers, lr_factor, max_length, pooling, tokenizer, "
         "tune_vectors, vocabulary, word_vectors"),
        ({"text": {"encoder": "gru", "clean": ["stopwords"]}}, "unknown cleaning step 'stopwords' in architectures.a.text.clean; "
         "did you mean 'stop_words'? choose one of: last_line, lemmas, lower_case, punctuation, stop_words"),
        ({"text": {"encoder": "gru", "tokenizer": "wordpiece", "word_vectors": "word2vec_cbow"}},
         "architectures.a.text.word_vectors: vectors are for whole words; write `tokenizer: words` there"),
        ({"image": {"encoder": "resnet18"}}, "unknown image encoder family 'resnet18' in architectures.a.image.encoder; "
         "choose one of: timm, torchvision"),
        ({"image": {"size": 64}}, "architectures.a.image: 'encoder' is missing; write `encoder: <name>` there"),
        ({"image": {**IMAGE, "size": 64, "resize": 32}}, "architectures.a.image.resize: 32 px is less than size, 64 px; "
         "crops only shrink"),
        ({"baseline": "keyword_rule", "train": {"lr": 1.0}}, "architectures.a: a baseline reads the text at most and has no "
         "`train:`; take it out"),
        ({"baseline": "constant", "head": "bogus"}, "architectures.a: a baseline reads the text at most and has no `head:`; "
         "take it out"),
        ({"text": TEXT, "train": {"lr": 0}}, "architectures.a.train.lr: input should be greater than 0, got 0; change it in "
         "params.yaml"),
        ({"text": TEXT, "train": {"schedule": "cosin"}}, "unknown schedule 'cosin' in architectures.a.train.schedule; did you "
         "mean 'cosine'? choose one of: constant, cosine, linear, one_cycle, plateau"),
        ({"text": TEXT, "train": {"loss": {"name": "focal", "gama": 1}}}, "architectures.a.train.loss: unknown key 'gama'; did "
         "you mean 'gamma'? choose one of: alpha, gamma"),
        ({"text": TEXT, "head": "quer"}, "unknown head 'quer' in architectures.a.head; did you mean 'query'? choose one of: "
         "linear, mlp, query"),
        ({"ensemble": {"members": ["b"]}}, "unknown architecture 'b' in architectures.a.ensemble.members; choose one of: a"),
        ({"ensemble": {"members": ["a"]}}, "architectures.a.ensemble.members: 'a' is an ensemble itself; name its members instead"),
        ({"ensemble": {"members": ["b"]}, "text": TEXT}, "architectures.a: an ensemble takes everything from its members and has "
         "no `text:`; take it out"),
        ({"ensemble": {"members": []}}, "architectures.a.ensemble.members: list should have at least 1 item after validation, "
         "not 0, got []; change it in params.yaml"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_block_is_one_line(given: dict, message: str) -> None:
    with pytest.raises(UserError) as error:
        block(**given)
    assert str(error.value) == message


def test_members_of_an_ensemble_read_one_dataset() -> None:
    blocks = {
        "a": {"dataset": "captions", "baseline": "keyword_rule"},
        "e": {"dataset": "books", "ensemble": {"members": ["a"]}},
    }
    with pytest.raises(
        UserError, match=r"ensemble.members: 'a' reads the dataset 'captions', not 'books'; leave it out"
    ):
        resolve("e", blocks, TRAIN, 0)


def test_every_choice_of_a_block_is_written_with_its_options() -> None:
    settings = block(image=IMAGE, text=TEXT, fusion={"name": "gated", "modality_dropout": 0.1}, head={"name": "linear"})
    options = {"width": 256, "batch_norm": True, "dropout": 0.2}
    assert settings.fusion == FusionSettings(choice=Choice("gated", options), modality_dropout=0.1)
    assert call_named(HEADS, settings.head, Widths(4), 3) is not None
    assert from_json(AnySettings, to_json(settings)) == settings
