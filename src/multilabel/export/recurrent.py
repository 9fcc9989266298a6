"""Recurrent encoders as ONNX nodes: these read each text to its own end, as packed sequences do under torch."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from multilabel.inputs.features import Features, Lengths
from multilabel.models.text_encoders import RecurrentEncoder


class Node(NamedTuple):
    """What ONNX calls a cell, and the order of its gates as places in torch's."""

    name: str
    gates: tuple[int, ...]
    attributes: dict[str, int]


NODES = {  # torch has r, z, n of a GRU and i, f, g, o of an LSTM; ONNX z, r, h and i, o, f, c
    nn.RNN: Node("RNN", (0,), {}),
    nn.GRU: Node("GRU", (1, 0, 2), {"linear_before_reset": 1}),
    nn.LSTM: Node("LSTM", (0, 3, 1, 2), {}),
}


class RecurrentNodes(nn.Module):
    """The encoder with a node for each layer in place of torch's network. It can be exported and not run."""

    def __init__(self, encoder: RecurrentEncoder) -> None:
        """Shares all weights but those of the cells, which are put into the order of ONNX."""
        super().__init__()
        self.embedding, self.pooling, self.widths = encoder.embedding, encoder.pooling, encoder.widths
        self.rnn = encoder.rnn
        self.node = NODES[type(encoder.rnn)]
        self.directions = 2 if encoder.rnn.bidirectional else 1
        for layer in range(encoder.rnn.num_layers):
            for name, value in zip("WRB", self._weights(layer), strict=True):
                self.register_buffer(f"{name}{layer}", value)

    def _weights(self, layer: int) -> tuple[Tensor, Tensor, Tensor]:
        """W (D, G H, E), R (D, G H, H) and B (D, 2 G H): of inputs, of states, and the biases of both."""
        ends = ["", "_reverse"][: self.directions]
        parts = [
            torch.stack([self._ordered(getattr(self.rnn, f"{part}_l{layer}{end}")) for end in ends])
            for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ]
        return parts[0], parts[1], torch.cat(parts[2:], dim=1)

    def _ordered(self, weights: Tensor) -> Tensor:
        gates = weights.detach().chunk(len(self.node.gates))
        return torch.cat([gates[place] for place in self.node.gates])

    def forward(self, tokens: Tensor, mask: Tensor, lengths: Lengths = None) -> Features:
        """(B, T), (B, T) -> one state per token; states of padding are 0."""
        length, batch, hidden = tokens.shape[1], tokens.shape[0], self.rnn.hidden_size
        ends = mask.sum(dim=1).to(torch.int32)
        found = self.embedding(tokens).transpose(0, 1)
        for layer in range(self.rnn.num_layers):
            weights = [self.get_buffer(f"{name}{layer}") for name in "WRB"]
            found = torch.onnx.ops.symbolic(
                self.node.name,
                [found, *weights, ends],
                {
                    "hidden_size": hidden,
                    "direction": "bidirectional" if self.directions == 2 else "forward",
                    **self.node.attributes,
                },
                dtype=torch.float32,
                shape=[length, self.directions, batch, hidden],
            )
            found = found.transpose(1, 2).reshape(length, batch, self.directions * hidden)
        states = found.transpose(0, 1)
        return Features(self.pooling(states, mask), states, mask)
