"""GPT-2 as an ONNX graph with ONNX Runtime's fused operators: attention with a cache, one logit row a stream.

    ids (B, T) int64, positions (B, T) int64, past_i (2, B, H, P, D) -> logits (B, 1, V), present_i (2, B, H, P + T, D)
"""

import os


def write(path, config, tensors, quantization):
    """quantization: "float32", or "int8" for dynamic quantisation by onnxruntime's own tool."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    width, heads, layers = config["n_embd"], config["n_head"], config["n_layer"]
    epsilon, fused = config["layer_norm_epsilon"], "com.microsoft"
    nodes, initializers = [], []

    def constant(name, array):
        import numpy

        initializers.append(numpy_helper.from_array(numpy.ascontiguousarray(array), name))
        return name

    def weight(name):
        return constant(name, tensors["transformer." + name])

    def node(kind, inputs, output, domain="", **attributes):
        nodes.append(helper.make_node(kind, inputs, [output] if isinstance(output, str) else output, domain=domain,
                                      **attributes))
        return output if isinstance(output, str) else output[0]

    def norm(x, name):
        return node("LayerNormalization", [x, weight(name + ".weight"), weight(name + ".bias")], name + ".out",
                    axis=-1, epsilon=epsilon)

    def linear(x, name):
        y = node("MatMul", [x, weight(name + ".weight")], name + ".product")
        return node("Add", [y, weight(name + ".bias")], name + ".out")

    x = node("Add", [node("Gather", [weight("wte.weight"), "ids"], "tokens"),
                     node("Gather", [weight("wpe.weight"), "positions"], "places")], "embedded")
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["B", "T"]) for name in ("ids", "positions")]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["B", 1, config["vocab_size"]])]
    for layer in range(layers):
        base = f"h.{layer}."
        past, present = f"past_{layer}", f"present_{layer}"
        cache = [2, "B", heads, "P", width // heads]
        inputs.append(helper.make_tensor_value_info(past, TensorProto.FLOAT, cache))
        outputs.append(helper.make_tensor_value_info(present, TensorProto.FLOAT, [2, "B", heads, "all", cache[-1]]))
        mixed = node("Attention", [norm(x, base + "ln_1"), weight(base + "attn.c_attn.weight"),
                                   weight(base + "attn.c_attn.bias"), "", past], [base + "mixed", present], fused,
                     num_heads=heads, unidirectional=1)
        x = node("Add", [x, linear(mixed, base + "attn.c_proj")], base + "middle")
        inner = node("MatMul", [norm(x, base + "ln_2"), weight(base + "mlp.c_fc.weight")], base + "mlp.product")
        inner = node("FastGelu", [inner, weight(base + "mlp.c_fc.bias")], base + "mlp.inner", fused)
        x = node("Add", [x, linear(inner, base + "mlp.c_proj")], base + "end")
    import numpy

    last = node("Slice", [norm(x, "ln_f"), constant("minus_one", numpy.array([-1])),
                          constant("end", numpy.array([2**62])), constant("axis", numpy.array([1]))], "last")
    # The head as a matrix of its own: a transpose of the table inside the graph would be done at every call.
    node("MatMul", [last, constant("head", tensors["transformer.wte.weight"].T)], "logits")
    graph = helper.make_graph(nodes, "gpt2", inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(fused, 1)],
                              ir_version=8)
    data = os.path.basename(path) + ".data"
    if quantization == "float32":
        onnx.save(model, path, save_as_external_data=True, location=data)
        return
    from onnxruntime.quantization import QuantType, quantize_dynamic

    plain = path + ".float"
    onnx.save(model, plain, save_as_external_data=True, location=os.path.basename(plain) + ".data")
    quantize_dynamic(plain, path, weight_type=QuantType.QInt8, per_channel=True, use_external_data_format=False,
                     op_types_to_quantize=["MatMul", "Attention"],
                     extra_options={"DefaultTensorType": TensorProto.FLOAT})
    for suffix in ("", ".data"):
        os.remove(plain + suffix)
