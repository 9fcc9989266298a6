"""Any text encoder of transformers: `hf/<hub id>`, `hf/<hub id>@<revision>`, `hf/<folder>`, `hf/package/<name>`."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from multilabel.core.errors import UserError
from multilabel.inputs.features import Features, Lengths, Widths
from multilabel.models.packages import PACKAGE, package_path
from multilabel.models.poolings import FirstPooling, PoolerPooling, Pooling, choose_pooling

HUB = "hf/"
UNMASKED = ("fnet",)  # model types that mix padding into what a text means
# What layers read though it is registered behind them: positions relative to each other, the norm of the embeddings.
INPUTS = ("rel_embeddings", "relative_attention_bias", "layernorm_embedding")


class HubEncoder(nn.Module):
    """A pretrained encoder with its own tokenizer."""

    def __init__(
        self,
        name: str,
        vocabulary: int,
        *,
        weights: Literal["pretrained"] | None = "pretrained",
        pooling: Pooling = "first",
        gradient_checkpointing: bool = False,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        """`weights: null` starts at random; `config` replaces entries of the published configuration.

        `gradient_checkpointing` computes activations twice to hold them once: less memory, a third more time.
        """
        from transformers import AutoConfig, AutoModel

        super().__init__()
        options = dict(config or read_config(name))
        built = _possible(name, lambda: AutoConfig.for_model(**options))
        # Some checkpoints are stored in half precision; what is trained is fp32, and autocast does the rest.
        load = partial(AutoModel.from_pretrained, config=built, dtype=torch.float32)
        self.model = fetch(name, load) if weights else _possible(name, lambda: AutoModel.from_config(built))
        self.model = getattr(self.model, "encoder", self.model) if built.is_encoder_decoder else self.model
        published = getattr(self.model, "pooler", None)
        if published is not None:
            self.model.pooler = None  # an extra layer that only the pooling of that name reads
        if gradient_checkpointing:
            self.model.gradient_checkpointing_enable({"use_reentrant": False})
        if built.model_type in UNMASKED:
            raise UserError(f"text.encoder: {HUB}{name} has no mask for padding ({built.model_type}), so what it says of a text "
                            f"would depend on the texts beside it; choose another")  # fmt: skip
        self.padding = built.pad_token_id or 0
        self.positions = positions(self.model)
        self.widths = Widths(built.hidden_size, built.hidden_size)
        self.pooling = choose_pooling(pooling, built.hidden_size)
        if isinstance(self.pooling, FirstPooling | PoolerPooling) and _reads_forward(self.model):
            raise UserError(f"text.pooling: {HUB}{name} reads from left to right, so its first token knows nothing of the "
                            f"others; write `pooling: last` or `mean`")  # fmt: skip
        dense = getattr(published, "dense", None)
        if isinstance(self.pooling, PoolerPooling) and isinstance(dense, nn.Linear):
            self.pooling.dense = dense

    def forward(self, tokens: Tensor, mask: Tensor, lengths: Lengths = None) -> Features:
        """(B, T), (B, T) -> one state per token."""
        tokens = tokens.masked_fill(~mask, self.padding)
        states = self.model(input_ids=tokens, attention_mask=mask.long()).last_hidden_state
        return Features(self.pooling(states, mask), states, mask)

    def layers(self) -> list[nn.Module]:
        """From input to output: the longest list of modules that the network has."""
        lists = [part for part in self.model.modules() if isinstance(part, nn.ModuleList)]
        return list(max(lists, key=len, default=[]))

    def inputs_of_layers(self) -> list[nn.Module]:
        """Modules that come before the layers wherever they are registered, the embeddings aside."""
        beside = [(within, *child) for within in self.model.modules() for child in within.named_children()]
        norms = [part for within, name, part in beside if name == "LayerNorm" and hasattr(within, "rel_embeddings")]
        return norms + [part for _, name, part in beside if name in INPUTS]


def _reads_forward(model: nn.Module) -> bool:
    """Whether a token sees those before it alone."""
    return any(getattr(part, "is_causal", False) for part in model.modules())


def read_config(name: str) -> dict[str, Any]:
    """The published configuration of a hub id or a folder, as JSON."""
    from transformers import AutoConfig

    config = fetch(name, AutoConfig.from_pretrained).to_dict()
    return {key: value for key, value in config.items() if key not in ("transformers_version", "dtype")}


def hub_tokenizer(name: str) -> Tokenizer:
    """The tokenizer that the encoder was trained with."""
    from transformers import AutoTokenizer

    tokenizer = Tokenizer.from_str(fetch(name, AutoTokenizer.from_pretrained).backend_tokenizer.to_str())
    tokenizer.no_padding()
    return tokenizer


def positions(model: nn.Module) -> int | None:
    """The most tokens that a network of transformers has learned positions for; None where positions are computed."""
    for name, table in model.named_modules():
        if isinstance(table, nn.Embedding) and name.endswith(("position_embeddings", "embed_positions", "wpe")):
            reserved = getattr(table, "offset", 0) if table.padding_idx is None else table.padding_idx + 1
            return table.num_embeddings - int(reserved)
    return None


def _possible(name: str, make: Callable[[], Any]) -> Any:
    """`make()`; a configuration that makes no network is one line."""
    try:
        return make()
    except Exception as error:  # noqa: BLE001 (each network has its own way to refuse one)
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"text.config: {HUB}{name} cannot be built like that ({reason}); correct it there") from None


def local_folder(name: str) -> Path | None:
    """The folder of an encoder that lies on this machine; None for a hub's."""
    if name.startswith(PACKAGE):
        return package_path(name, "text.encoder")
    return Path(name) if Path(name).is_dir() else None


def with_revision(name: str) -> tuple[str, str | None]:
    """`org/model@v2` -> the hub id and a branch, tag or commit of it; a folder has none."""
    known, _, revision = name.partition("@")
    return (name, None) if Path(name).is_dir() or not revision else (known, revision)


def fetch(name: str, load: Callable[..., Any]) -> Any:
    """`load(id or folder)`, at the revision that `name` asks for; whatever goes wrong on the way is one line.

    transformers is never asked to run foreign code.
    """
    known, revision = with_revision(str(local_folder(name) or name))
    try:
        return load(known, revision=revision) if revision else load(known)
    except Exception as error:  # noqa: BLE001 (hub libraries raise their own kinds)
        reason = " ".join(str(error).split())[:120]
        raise UserError(
            f"cannot read {HUB}{name} ({type(error).__name__}: {reason}); give a folder with config.json, tokenizer.json "
            f"and weights, or run once with a network so that the hub's files are cached"
        ) from None
