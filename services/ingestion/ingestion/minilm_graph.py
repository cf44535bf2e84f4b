"""all-MiniLM-L6-v2 as an ONNX graph, made from the weights alone: tokens in, one unit vector per row out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

LAYERS = 6
HEADS = 12
HIDDEN = 384
EPSILON = 1e-12
OPSET = 20
IR_VERSION = 10

Weights = Mapping[str, NDArray[np.float32]]


class _Graph:
    """Nodes and constants in the making; every method answers with the name of its result."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def apply(self, operator: str, *inputs: str, **attributes: Any) -> str:
        result = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [result], **attributes))
        return result

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def weight(self, name: str) -> str:
        return self.constant(name, self.weights[name])

    def linear(self, x: str, name: str) -> str:
        matrix = self.constant(f"{name}.weight.T", self.weights[f"{name}.weight"].T)
        return self.apply("Add", self.apply("MatMul", x, matrix), self.weight(f"{name}.bias"))

    def normalise(self, x: str, name: str) -> str:
        return self.apply(
            "LayerNormalization",
            x,
            self.weight(f"{name}.weight"),
            self.weight(f"{name}.bias"),
            axis=-1,
            epsilon=EPSILON,
        )

    def indices(self, *values: int) -> str:
        return self.constant("i_" + "_".join(map(str, values)), np.array(values, np.int64))

    def scalar(self, value: float) -> str:
        return self.constant(f"f_{value}", np.array(value, np.float32))


def build(weights: Weights) -> onnx.ModelProto:
    """The graph `input_ids, attention_mask (int64, n x t) -> embedding (float32, n x 384)`, mean pooling and norm inside."""
    graph = _Graph(weights)
    hidden = _embed(graph)
    bias = _attention_bias(graph)
    for layer in range(LAYERS):
        hidden = _layer(graph, hidden, bias, f"encoder.layer.{layer}")
    _pool(graph, hidden)
    tokens = [helper.make_tensor_value_info(n, TensorProto.INT64, ["n", "t"]) for n in ("input_ids", "attention_mask")]
    vectors = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", HIDDEN])]
    made = helper.make_graph(graph.nodes, "all-MiniLM-L6-v2", tokens, vectors, list(graph.constants.values()))
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def _embed(graph: _Graph) -> str:
    words = graph.apply("Gather", graph.weight("embeddings.word_embeddings.weight"), "input_ids")
    length = graph.apply("Slice", graph.apply("Shape", "input_ids"), graph.indices(1), graph.indices(2))
    places = graph.apply(
        "Slice", graph.weight("embeddings.position_embeddings.weight"), graph.indices(0), length, graph.indices(0)
    )
    kind = graph.constant("token_type_0", graph.weights["embeddings.token_type_embeddings.weight"][0])
    summed = graph.apply("Add", graph.apply("Add", words, kind), places)
    return graph.normalise(summed, "embeddings.LayerNorm")


def _attention_bias(graph: _Graph) -> str:
    """0 where a token may be looked at and a very large negative number where it is padding, n x 1 x 1 x t."""
    mask = graph.apply("Unsqueeze", graph.apply("Cast", "attention_mask", to=TensorProto.FLOAT), graph.indices(1, 2))
    return graph.apply("Mul", graph.apply("Sub", graph.scalar(1.0), mask), graph.scalar(-1e9))


def _heads(graph: _Graph, x: str, name: str, *, transposed: bool = False) -> str:
    split = graph.apply("Reshape", graph.linear(x, name), graph.indices(0, 0, HEADS, HIDDEN // HEADS))
    return graph.apply("Transpose", split, perm=[0, 2, 3, 1] if transposed else [0, 2, 1, 3])


def _layer(graph: _Graph, x: str, bias: str, name: str) -> str:
    query = _heads(graph, x, f"{name}.attention.self.query")
    key = _heads(graph, x, f"{name}.attention.self.key", transposed=True)
    value = _heads(graph, x, f"{name}.attention.self.value")
    scores = graph.apply("Mul", graph.apply("MatMul", query, key), graph.scalar((HIDDEN // HEADS) ** -0.5))
    looked = graph.apply("MatMul", graph.apply("Softmax", graph.apply("Add", scores, bias), axis=-1), value)
    joined = graph.apply("Reshape", graph.apply("Transpose", looked, perm=[0, 2, 1, 3]), graph.indices(0, 0, HIDDEN))
    attended = graph.linear(joined, f"{name}.attention.output.dense")
    x = graph.normalise(graph.apply("Add", attended, x), f"{name}.attention.output.LayerNorm")
    inner = graph.apply("Gelu", graph.linear(x, f"{name}.intermediate.dense"), approximate="none")
    outer = graph.linear(inner, f"{name}.output.dense")
    return graph.normalise(graph.apply("Add", outer, x), f"{name}.output.LayerNorm")


def _pool(graph: _Graph, hidden: str) -> None:
    """The mean over the tokens that are not padding, made one long."""
    mask = graph.apply("Unsqueeze", graph.apply("Cast", "attention_mask", to=TensorProto.FLOAT), graph.indices(2))
    total = graph.apply("ReduceSum", graph.apply("Mul", hidden, mask), graph.indices(1), keepdims=0)
    # The mean's divisor cancels in the norm, so only the norm is taken.
    norm = graph.apply("ReduceL2", total, graph.indices(1), keepdims=1)
    graph.nodes.append(helper.make_node("Div", [total, norm], ["embedding"]))
