"""Token batches -> features. Shapes: B texts, T tokens, E embedding, H hidden; mask (B, T) is true on tokens."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

import torch
from annotated_types import Ge, Le, Len
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from multilabel.core.ranges import Depth, Share, Width
from multilabel.core.registry import Registry, choose
from multilabel.inputs.features import Features, Lengths, Widths
from multilabel.inputs.transfer import sent
from multilabel.models.hub_encoder import HUB, HubEncoder, positions
from multilabel.models.poolings import Pooling, choose_pooling
from multilabel.models.word_embedding import WordEmbedding

Vectors = str | dict[str, Any] | None  # a key of WORD_VECTORS, with options or without


class RecurrentEncoder(nn.Module):
    """A recurrent network; padding is never read, so a longer padded batch gives the same features."""

    def __init__(
        self,
        cell: Callable[..., nn.RNNBase],
        vocabulary: int,
        *,
        embedding: Width = 128,
        word_vectors: Vectors = None,
        tune_vectors: bool = True,
        hidden: Width = 128,
        layers: Depth = 1,
        bidirectional: bool = False,
        pooling: Pooling = "last",
        dropout: Share = 0.2,
        embedding_dropout: Share | None = None,
    ) -> None:
        """`pooling` is a key of POOLINGS; `dropout` acts on features, and on embeddings unless these have their own."""
        super().__init__()
        self.embedding = WordEmbedding(vocabulary, embedding, tuned=tune_vectors or not word_vectors)
        self.rnn = cell(embedding, hidden, layers, batch_first=True, bidirectional=bidirectional)
        self.embedding_dropout = nn.Dropout(dropout if embedding_dropout is None else embedding_dropout)
        self.dropout = nn.Dropout(dropout)
        width = hidden * (2 if bidirectional else 1)
        self.widths = Widths(width, width)
        self.pooling = choose_pooling(pooling, width, bidirectional)

    def forward(self, tokens: Tensor, mask: Tensor, lengths: Lengths = None) -> Features:
        """(B, T), (B, T) -> one state per token; without `lengths` they are fetched from the device of the mask."""
        # Sorted on the host: `enforce_sorted=False` would ask the device for the order, and wait for it, in each step.
        counts, order = torch.tensor(lengths or mask.sum(dim=1).tolist()).sort(descending=True)
        embedded = self.embedding_dropout(self.embedding(tokens)).index_select(0, sent(order, tokens.device))
        packed = self.rnn(pack_padded_sequence(embedded, counts, batch_first=True))[0]
        states, _ = pad_packed_sequence(packed, batch_first=True, total_length=tokens.shape[1])
        states = states.index_select(0, sent(order.argsort(), tokens.device))
        return Features(self.dropout(self.pooling(states, mask)), states, mask)


class MaskedBatchNorm(nn.BatchNorm1d):
    """Batch norm over the tokens alone: how much padding a batch has changes neither output nor statistics."""

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:  # type: ignore[override]
        """(B, C, T), (B, T) -> (B, C, T), of which padding means nothing."""
        mean, variance = self.running_mean, self.running_var
        if self.training:
            exact, counted = states.to(self.weight), mask[:, None, :].to(self.weight)  # not the half of autocast
            number = counted.sum()
            mean = (exact * counted).sum(dim=(0, 2)) / number
            variance = ((exact - mean[:, None]) ** 2 * counted).sum(dim=(0, 2)) / number
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(variance * number / (number - 1).clamp(min=1), self.momentum)
                self.num_batches_tracked.add_(1)
        scale = self.weight * (variance + self.eps).rsqrt()
        return (states * scale[:, None] + (self.bias - mean * scale)[:, None]).to(states.dtype)


class TextCNNEncoder(nn.Module):
    """Convolutions over windows of words, the strongest response of each filter kept (Kim 2014, arXiv 1408.5882)."""

    def __init__(
        self,
        vocabulary: int,
        *,
        embedding: Width = 128,
        word_vectors: Vectors = None,
        tune_vectors: bool = True,
        kernels: Annotated[Sequence[Annotated[int, Ge(1), Le(64)]], Len(1, 16)] = (3, 4, 5),
        filters: Width = 128,
        batch_norm: bool = True,
        dropout: Share = 0.3,
        embedding_dropout: Share | None = None,
    ) -> None:
        """`kernels` are window widths in words; `filters` of each; dropouts as above."""
        super().__init__()
        self.embedding = WordEmbedding(vocabulary, embedding, tuned=tune_vectors or not word_vectors)
        self.convolutions = nn.ModuleList(nn.Conv1d(embedding, filters, k, padding=k // 2) for k in kernels)
        self.norms = nn.ModuleList(MaskedBatchNorm(filters) for _ in kernels) if batch_norm else None
        self.embedding_dropout = nn.Dropout(dropout if embedding_dropout is None else embedding_dropout)
        self.dropout = nn.Dropout(dropout)
        self.widths = Widths(filters * len(kernels), filters * len(kernels))

    def forward(self, tokens: Tensor, mask: Tensor, lengths: Lengths = None) -> Features:
        """(B, T), (B, T) -> one state per window; windows centred on padding do not count."""
        embedded = self.embedding_dropout(self.embedding(tokens)).masked_fill(~mask[:, :, None], 0).transpose(1, 2)
        length = tokens.shape[1]
        responses = [convolution(embedded)[:, :, :length] for convolution in self.convolutions]  # (B, filters, T) each
        if self.norms is not None:
            responses = [norm(response, mask) for norm, response in zip(self.norms, responses, strict=True)]
        states = torch.cat(responses, dim=1).relu().masked_fill(~mask[:, None, :], 0)  # 0 is the least that relu gives
        return Features(self.dropout(states.amax(dim=2)), states.transpose(1, 2), mask)


class TransformerTextEncoder(nn.Module):
    """Self-attention layers over words with sinusoidal positions (Vaswani 2017, arXiv 1706.03762)."""

    def __init__(
        self,
        vocabulary: int,
        *,
        hidden: Width = 128,
        layers: Depth = 2,
        heads: Depth = 4,
        dim_feedforward: Width = 256,
        pooling: Pooling = "mean",
        dropout: Share = 0.1,
    ) -> None:
        """`hidden` must be a multiple of `heads`."""
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, hidden, padding_idx=0)
        layer = nn.TransformerEncoderLayer(
            hidden, heads, dim_feedforward, dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(hidden)
        self.dropout = nn.Dropout(dropout)
        self.hidden = hidden
        self.widths = Widths(hidden, hidden)
        self.pooling = choose_pooling(pooling, hidden)

    def forward(self, tokens: Tensor, mask: Tensor, lengths: Lengths = None) -> Features:
        """(B, T), (B, T) -> one state per token."""
        embedded = self.embedding(tokens) * self.hidden**0.5 + sinusoids(tokens.shape[1], self.hidden, tokens.device)
        states = self.norm(self.layers(self.dropout(embedded), src_key_padding_mask=~mask))
        return Features(self.pooling(states, mask), states, mask)


class BertEncoder(nn.Module):
    """BERT's own architecture at any size, from random weights."""

    def __init__(
        self,
        vocabulary: int,
        *,
        hidden: Width = 128,
        layers: Depth = 2,
        heads: Depth = 2,
        dim_feedforward: Width = 512,
        pooling: Pooling = "first",
        dropout: Share = 0.1,
    ) -> None:
        """The defaults are those of BERT-tiny."""
        from transformers import BertConfig, BertModel  # 2 s that the other encoders need not wait for

        super().__init__()
        config = BertConfig(
            vocab_size=vocabulary,
            hidden_size=hidden,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            intermediate_size=dim_feedforward,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
        )
        self.bert = BertModel(config, add_pooling_layer=False)
        self.positions = positions(self.bert)
        self.widths = Widths(hidden, hidden)
        self.pooling = choose_pooling(pooling, hidden)

    def forward(self, tokens: Tensor, mask: Tensor, lengths: Lengths = None) -> Features:
        """(B, T), (B, T) -> one state per token."""
        states = self.bert(input_ids=tokens, attention_mask=mask.long()).last_hidden_state
        return Features(self.pooling(states, mask), states, mask)


TEXT_ENCODERS: Registry[Callable[..., nn.Module]] = Registry(
    {
        "rnn": partial(RecurrentEncoder, nn.RNN),
        "gru": partial(RecurrentEncoder, nn.GRU),
        "lstm": partial(RecurrentEncoder, nn.LSTM),
        "textcnn": TextCNNEncoder,
        "transformer": TransformerTextEncoder,
        "bert": BertEncoder,
    }
)


def choose_text_encoder(name: str, where: str) -> Callable[..., nn.Module]:
    """A key of TEXT_ENCODERS, or `hf/<hub id or folder>`; call it with the size of the vocabulary."""
    if isinstance(name, str) and name.startswith(HUB):
        return partial(HubEncoder, name.removeprefix(HUB))
    return choose("text encoder (or hf/<hub id or folder>)", TEXT_ENCODERS, name, where)


def sinusoids(length: int, width: int, device: torch.device) -> Tensor:
    """Position codes (T, width): sines and cosines of wavelengths from 2 pi to 10,000 * 2 pi."""
    position = torch.arange(length, device=device, dtype=torch.float32)[:, None]
    rate = torch.exp(torch.arange(0, width, 2, device=device) * (-torch.log(torch.tensor(10_000.0)).item() / width))
    codes = torch.zeros(length, width, device=device)
    codes[:, 0::2] = torch.sin(position * rate)
    codes[:, 1::2] = torch.cos(position * rate[: width // 2])
    return codes
