"""Writes the 8-bit form of the default model for ONNX Runtime, from the one for OpenVINO.

    python scripts/make_onnx_model.py

Run after `scripts/make_openvino_model.py`. The graph has the 8-bit weights, ranges of activations and factors
of SmoothQuant of `openvino_int8.xml`, and reads its large constants from the same files. It is cut so that
ONNX Runtime has a fast kernel for every part: the factors before an attention's last product lie in the
product that makes its values, the attention's own factor in that of its queries. Writes `onnx_int8.onnx`
(0.3 MB) and states it in the manifest.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from skillstream.encoder.export import (
    INT8_MODEL_FILE,
    ONNX_INT8_FILE,
    Manifest,
    read_manifest,
    read_weights,
    write_manifest,
)
from skillstream.encoder.models import read_json, resolve_model
from skillstream.encoder.onnx_backend import WEIGHTS
from skillstream.encoder.openvino_runtime import openvino

TARGET = Path(__file__).parent.parent / "src" / "skillstream" / "data" / "model"
MICROSOFT = "com.microsoft"  # operations that ONNX Runtime adds to the standard
OPSET, IR_VERSION = 18, 9
LEVELS = 256
# Products that stay exact: their inputs spread widest, so 8 bits lose most there; it costs nothing here.
EXACT = {"encoder.layer.0.output.dense", "encoder.layer.1.output.dense"}
HIDDEN_BY_MASK = 1e9
Floats = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Product:
    """A product with quantised weights.

    Attributes:
        smooth: float32[in], factors of its input.
        step, zero: of its input's 8 bits.
        weights: int8[out, in]; steps: float32[out].
    """

    smooth: Floats
    step: np.float32
    zero: np.uint8
    weights: npt.NDArray[np.int8]
    steps: Floats


def products(path: Path, manifest: Manifest) -> dict[str, Product]:
    """The quantised products of an OpenVINO model but those in `EXACT`, by the torch module's name."""
    weights = openvino.Tensor(read_weights(path, manifest.int8_weights))
    model = openvino.Core().read_model((path / INT8_MODEL_FILE).read_bytes(), weights)
    found = {}
    for node in model.get_ordered_ops():
        if node.get_type_name() != "MatMul":
            continue
        quantise, scaled = (port.get_node() for port in node.input_values())
        low, high = (float(_constant(quantise, i)) for i in (1, 2))
        if (low, high) != tuple(float(_constant(quantise, i)) for i in (3, 4)):
            raise ValueError(f"{node.get_friendly_name()}: its input is not quantised in place")
        step = (high - low) / (LEVELS - 1)
        name = node.get_friendly_name().removeprefix("__module.transformer.").split("/")[0]
        if name in EXACT:
            continue
        found[name] = Product(
            smooth=_constant(quantise.input_value(0).get_node(), 1).reshape(-1).astype(np.float32),
            step=np.float32(step),
            zero=np.uint8(round(-low / step)),
            weights=_constant(scaled, 0),
            steps=_constant(scaled, 1).reshape(-1).astype(np.float32),
        )
    return found


def _constant(node: openvino.Node, number: int) -> npt.NDArray[Any]:
    source = node.input_value(number).get_node()
    while source.get_type_name() == "Convert":
        source = source.input_value(0).get_node()
    data: npt.NDArray[Any] = source.get_data()
    return data


class Graph:
    """An ONNX graph in the making; large constants are looked for in `stored`, the bytes of the weights."""

    def __init__(self, stored: bytes) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self._stored = stored

    def constant(self, name: str, value: npt.ArrayLike) -> str:
        """A constant that is written into the graph."""
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def large(self, name: str, value: npt.NDArray[Any]) -> str:
        """A constant that lies in the weights."""
        content = np.ascontiguousarray(value).tobytes()
        offset = self._stored.find(content)
        if offset < 0:
            raise ValueError(f"{name} is not in the weights")
        tensor = numpy_helper.from_array(value, name)
        onnx.external_data_helper.set_external_data(tensor, WEIGHTS, offset, len(content))
        tensor.ClearField("raw_data")
        self.constants[name] = tensor
        return name

    def add(self, kind: str, inputs: Sequence[str], output: str, domain: str = "", **settings: Any) -> str:
        """An operation with one output."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, domain=domain, **settings))
        return output


class Transformer:
    """Adds the layers of a BERT, by the names of its weights."""

    def __init__(
        self,
        graph: Graph,
        weights: dict[str, npt.NDArray[Any]],
        quantised: dict[str, Product],
        config: dict[str, Any],
    ) -> None:
        self.graph, self.weights, self.quantised = graph, weights, quantised
        self.layers, self.heads = config["num_hidden_layers"], config["num_attention_heads"]
        self.dim, self.epsilon = config["hidden_size"], config["layer_norm_eps"]

    def tokens(self, ids: str, mask: str) -> str:
        """The last layer's vectors, float32[b, length, dim]."""
        graph = self.graph
        hidden = TensorProto.FLOAT
        seen = graph.add(
            "Cast",
            [graph.add("Unsqueeze", [mask, graph.constant("axes", np.array([1, 2]))], "mask.4d")],
            "mask.float",
            to=hidden,
        )
        bias = graph.add("Sub", [seen, graph.constant("seen", np.float32(1))], "mask.negative")
        bias = graph.add("Mul", [bias, graph.constant("hide", np.float32(HIDDEN_BY_MASK))], "mask.bias")
        x = self.norm(self.embeddings(ids), "embeddings.LayerNorm")
        for number in range(self.layers):
            layer = f"encoder.layer.{number}."
            attended = self.attention(x, bias, layer)
            x = self.norm(
                graph.add("Add", [attended, x], layer + "attended"), layer + "attention.output.LayerNorm"
            )
            wide = self.product(self.input(x, layer + "intermediate.dense"), layer + "intermediate.dense")
            wide = graph.add("Gelu", [wide], layer + "gelu", MICROSOFT)
            narrow = self.product(self.input(wide, layer + "output.dense"), layer + "output.dense")
            x = self.norm(graph.add("Add", [narrow, x], layer + "added"), layer + "output.LayerNorm")
        return x

    def embeddings(self, ids: str) -> str:
        graph = self.graph
        table = graph.large("words", self.weights["embeddings.word_embeddings.weight"])
        words = graph.add(
            "Cast", [graph.add("Gather", [table, ids], "words.half")], "words.float", to=TensorProto.FLOAT
        )
        table = graph.large("positions", self.weights["embeddings.position_embeddings.weight"])
        length = graph.add(
            "Gather", [graph.add("Shape", [ids], "shape"), graph.constant("one", np.array([1]))], "length"
        )
        zero = graph.constant("zero", np.array([0]))
        half = graph.add("Slice", [table, zero, length, zero], "positions.half")
        places = graph.add("Cast", [half], "positions.float", to=TensorProto.FLOAT)
        kind = self.weights["embeddings.token_type_embeddings.weight"][0].astype(np.float32)
        places = graph.add("Add", [places, graph.constant("kind", kind)], "places")
        return graph.add("Add", [words, places], "embeddings")

    def attention(self, x: str, bias: str, layer: str) -> str:
        graph, inner, outer = self.graph, layer + "attention.self.", layer + "attention.output.dense"
        quantised = self.input(x, inner + "query")
        factor = np.full(self.dim, (self.dim // self.heads) ** -0.5, np.float32)
        queries = self.heads_of(self.product(quantised, inner + "query", factor), [0, 2, 1, 3])
        keys = self.heads_of(self.product(quantised, inner + "key"), [0, 2, 3, 1])
        values = self.product(quantised, inner + "value", self.quantised[outer].smooth)
        values = self.heads_of(values, [0, 2, 1, 3])
        scores = graph.add(
            "Add", [graph.add("MatMul", [queries, keys], inner + "scores"), bias], inner + "masked"
        )
        weights = graph.add("Softmax", [scores], inner + "softmax", axis=-1)
        mixed = graph.add("MatMul", [weights, values], inner + "mixed")
        mixed = graph.add("Transpose", [mixed], inner + "mixed.back", perm=[0, 2, 1, 3])
        flat = graph.constant("flat", np.array([0, 0, self.dim]))
        mixed = graph.add("Reshape", [mixed, flat], inner + "mixed.flat")
        return self.product(self.input(mixed, outer, smooth=False), outer)

    def heads_of(self, x: str, order: list[int]) -> str:
        split = self.graph.constant("split", np.array([0, 0, self.heads, self.dim // self.heads]))
        return self.graph.add(
            "Transpose", [self.graph.add("Reshape", [x, split], x + ".split")], x + ".heads", perm=order
        )

    def input(self, x: str, name: str, *, smooth: bool = True) -> tuple[str, ...]:
        """x in 8 bits, with their step and zero; or x as it is for a product that is not quantised."""
        if name not in self.quantised:
            return (x,)
        graph, product = self.graph, self.quantised[name]
        if smooth:
            x = graph.add("Mul", [x, graph.constant(name + ".smooth", product.smooth)], name + ".smoothed")
        step, zero = (
            graph.constant(name + ".step", product.step),
            graph.constant(name + ".zero", product.zero),
        )
        return graph.add("QuantizeLinear", [x, step, zero], name + ".input"), step, zero

    def product(self, inputs: tuple[str, ...], name: str, factor: Floats | None = None) -> str:
        """Weights times input, plus bias, in fp32; times a factor for each output."""
        graph, bias = self.graph, self.weights[name + ".bias"].astype(np.float32)
        if name not in self.quantised:
            weights = graph.large(name + ".weight", self.weights[name + ".weight"])
            weights = graph.add("Cast", [weights], name + ".weight.float", to=TensorProto.FLOAT)
            weights = graph.add("Transpose", [weights], name + ".transposed", perm=[1, 0])
            exact = graph.add("MatMul", [*inputs, weights], name + ".exact")
            return graph.add("Add", [exact, graph.constant(name + ".bias", bias)], name)
        product = self.quantised[name]
        x, step, zero = inputs
        weights = graph.large(name + ".weights", product.weights)
        weights = graph.add("Transpose", [weights], name + ".transposed", perm=[1, 0])
        factor = np.ones_like(bias) if factor is None else factor
        return graph.add(
            "MatMulIntegerToFloat",
            [
                x,
                weights,
                step,
                graph.constant(name + ".steps", product.steps * factor),
                zero,
                graph.constant("no_zero", np.int8(0)),
                graph.constant(name + ".scaled_bias", bias * factor),
            ],
            name,
            MICROSOFT,
        )  # fmt: skip

    def norm(self, x: str, name: str) -> str:
        gain, bias = (
            self.graph.constant(f"{name}.{part}", self.weights[f"{name}.{part}"].astype(np.float32))
            for part in ("weight", "bias")
        )
        return self.graph.add("LayerNormalization", [x, gain, bias], name, epsilon=self.epsilon, axis=-1)


def pool(graph: Graph, tokens: str, mask: str) -> None:
    """Adds the outputs: `pooled`, the mean of the tokens that are there, and `tokens`, both of length 1."""
    last, second = graph.constant("last", np.array([-1])), graph.constant("second", np.array([1]))
    there = graph.add(
        "Cast", [graph.add("Unsqueeze", [mask, last], "mask.3d")], "there", to=TensorProto.FLOAT
    )
    total = graph.add("ReduceSum", [graph.add("Mul", [tokens, there], "kept"), second], "total", keepdims=0)
    count = graph.add("ReduceSum", [there, second], "count", keepdims=0)
    mean = graph.add("Div", [total, count], "mean")
    for x, output in ((mean, "pooled"), (tokens, "tokens")):
        graph.add("Div", [x, graph.add("ReduceL2", [x, last], output + ".length", keepdims=1)], output)


@click.command()
@click.option("--target", type=click.Path(path_type=Path), default=TARGET, help="Folder of the model.")
def main(target: Path) -> None:
    source = dataclasses.replace(resolve_model(str(target)), name="default")
    manifest = read_manifest(target)
    graph = Graph(read_weights(target, manifest.int8_weights).tobytes())
    weights = load_file(target / "model.safetensors")
    bert = Transformer(graph, weights, products(target, manifest), read_json(target / "config.json"))
    pool(graph, bert.tokens("ids", "mask"), "mask")
    made = helper.make_graph(
        graph.nodes,
        "encoder",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["b", "length"]) for name in ("ids", "mask")],
        [
            helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["b", bert.dim]),
            helper.make_tensor_value_info("tokens", TensorProto.FLOAT, ["b", "length", bert.dim]),
        ],
        list(graph.constants.values()),
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
    content = helper.make_model(made, opset_imports=opsets, ir_version=IR_VERSION).SerializeToString()
    (target / ONNX_INT8_FILE).write_bytes(content)
    write_manifest(source, target, manifest.dim, manifest.weights)
    print(f"{target / ONNX_INT8_FILE}: {len(content):,} bytes")


if __name__ == "__main__":
    main()
