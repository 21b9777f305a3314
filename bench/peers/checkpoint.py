#!/usr/bin/env python3
"""Writes a checkpoint of random bf16 weights as the public hub has them, config.json and model.safetensors, and the same
weights as a GGUF file, so that gen, transformers and llama.cpp read the same numbers. It needs Python alone.

usage: checkpoint.py DIR        DIR/config.json, DIR/model.safetensors, DIR/model.gguf
"""
import json
import os
import random
import struct
import sys

# Half of its 294 MB are read for a token: far more than any cache, and small enough to be made in seconds.
CONFIG = {
    "architectures": ["Qwen3MoeForCausalLM"],
    "model_type": "qwen3_moe",
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": None,
    "decoder_sparse_step": 1,
    "dtype": "bfloat16",
    "eos_token_id": None,
    "head_dim": 64,
    "hidden_act": "silu",
    "hidden_size": 1024,
    "initializer_range": 0.02,
    "intermediate_size": 2048,
    "max_position_embeddings": 2048,
    "mlp_only_layers": [],
    "moe_intermediate_size": 512,
    "norm_topk_prob": True,
    "num_attention_heads": 16,
    "num_experts": 8,
    "num_experts_per_tok": 4,
    "num_hidden_layers": 8,
    "num_key_value_heads": 4,
    "output_router_logits": False,
    "rms_norm_eps": 1e-06,
    "rope_parameters": {"rope_theta": 1000000.0, "rope_type": "default"},
    "router_aux_loss_coef": 0.001,
    "sliding_window": None,
    "tie_word_embeddings": False,
    "use_cache": True,
    "vocab_size": 12288,
}
ONE = b"\x80\x3f"  # 1.0 in bf16, little-endian
# Powers of two at which magnitudes begin, by kind; each covers two of them, so the mean square is 2.4 of it, squared.
EMBEDDING, HEAD, MATRIX = -1, -5, -7
GGUF_U32, GGUF_F32, GGUF_STRING = 4, 6, 8
GGML_F32, GGML_BF16, GGUF_ALIGN = 0, 30, 32


def shapes(c):
    """[(name, shape, power)] of all tensors, power None for those of ones."""
    hidden, head = c["hidden_size"], c["head_dim"]
    wide, narrow = c["num_attention_heads"] * head, c["num_key_value_heads"] * head
    yield "model.embed_tokens.weight", (c["vocab_size"], hidden), EMBEDDING
    for layer in range(c["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        yield at + "input_layernorm.weight", (hidden,), None
        for name, rows, columns in (("q", wide, hidden), ("k", narrow, hidden), ("v", narrow, hidden), ("o", hidden, wide)):
            yield f"{at}self_attn.{name}_proj.weight", (rows, columns), MATRIX
        yield at + "self_attn.q_norm.weight", (head,), None
        yield at + "self_attn.k_norm.weight", (head,), None
        yield at + "post_attention_layernorm.weight", (hidden,), None
        yield at + "mlp.gate.weight", (c["num_experts"], hidden), MATRIX
        inner = c["moe_intermediate_size"]
        for expert in range(c["num_experts"]):
            for name, rows, columns in (("gate", inner, hidden), ("up", inner, hidden), ("down", hidden, inner)):
                yield f"{at}mlp.experts.{expert}.{name}_proj.weight", (rows, columns), MATRIX
    yield "model.norm.weight", (hidden,), None
    yield "lm_head.weight", (c["vocab_size"], hidden), HEAD


def elements(shape):
    count = 1
    for size in shape:
        count *= size
    return count


def draw(count, power):
    """`count` elements: random sign and mantissa, and one of the two exponents from `power` (odd) on."""
    biased = 127 + power
    assert biased % 2 == 0  # so that its lowest bit is the low byte's highest, and random with it
    high = bytes((i & 0x80) | biased >> 1 for i in range(256))
    data = bytearray(random.randbytes(2 * count))
    data[1::2] = data[1::2].translate(high)
    return bytes(data)


def token_bytes(c, context):
    """Bytes of weights, keys and values that a token needs, each once."""
    read = 0
    for name, shape, _ in shapes(c):
        if "embed_tokens" in name:
            continue  # one row
        share = c["num_experts_per_tok"] / c["num_experts"] if ".experts." in name else 1
        read += 2 * elements(shape) * share
    return int(read + 2 * 2 * c["num_hidden_layers"] * c["num_key_value_heads"] * c["head_dim"] * context)


def write_safetensors(path, tensors):
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, shape, data in tensors:
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for _, _, data in tensors:
            out.write(data)


def gguf_text(text):
    return struct.pack("<Q", len(text)) + text.encode()


def gguf_facts(c):
    arch = "qwen3moe"
    yield "general.architecture", GGUF_STRING, arch
    yield "general.alignment", GGUF_U32, GGUF_ALIGN
    yield "tokenizer.ggml.model", GGUF_STRING, "no_vocab"
    for key, value in (
        ("vocab_size", c["vocab_size"]),
        ("context_length", c["max_position_embeddings"]),
        ("embedding_length", c["hidden_size"]),
        ("block_count", c["num_hidden_layers"]),
        ("feed_forward_length", c["intermediate_size"]),
        ("expert_feed_forward_length", c["moe_intermediate_size"]),
        ("expert_count", c["num_experts"]),
        ("expert_used_count", c["num_experts_per_tok"]),
        ("attention.head_count", c["num_attention_heads"]),
        ("attention.head_count_kv", c["num_key_value_heads"]),
        ("attention.key_length", c["head_dim"]),
        ("attention.value_length", c["head_dim"]),
    ):
        yield f"{arch}.{key}", GGUF_U32, value
    yield f"{arch}.rope.freq_base", GGUF_F32, c["rope_parameters"]["rope_theta"]
    yield f"{arch}.attention.layer_norm_rms_epsilon", GGUF_F32, c["rms_norm_eps"]


def gguf_tensors(c, tensors):
    """[(name, shape, data)]: experts of a layer one below the other. The form wants norms and routers in float32."""
    data = {name: (shape, values) for name, shape, values in tensors}
    plain = [("token_embd", "model.embed_tokens"), ("output_norm", "model.norm"), ("output", "lm_head")]
    for layer in range(c["num_hidden_layers"]):
        ours, theirs = f"blk.{layer}.", f"model.layers.{layer}."
        plain += [(ours + "attn_norm", theirs + "input_layernorm"), (ours + "ffn_norm", theirs + "post_attention_layernorm")]
        plain += [(ours + "ffn_gate_inp", theirs + "mlp.gate"), (ours + "attn_output", theirs + "self_attn.o_proj")]
        plain += [(f"{ours}attn_{p}", f"{theirs}self_attn.{p}_proj") for p in "qkv"]
        plain += [(f"{ours}attn_{p}_norm", f"{theirs}self_attn.{p}_norm") for p in "qk"]
    for name, source in plain:
        yield (name + ".weight", *data[source + ".weight"])
    for layer in range(c["num_hidden_layers"]):
        for part in ("gate", "up", "down"):
            names = [f"model.layers.{layer}.mlp.experts.{e}.{part}_proj.weight" for e in range(c["num_experts"])]
            shape = (len(names), *data[names[0]][0])
            yield f"blk.{layer}.ffn_{part}_exps.weight", shape, b"".join(data[n][1] for n in names)


def widen(data):
    """float32 of bf16: two zero bytes below each element."""
    wide = bytearray(2 * len(data))
    wide[2::4], wide[3::4] = data[0::2], data[1::2]
    return bytes(wide)


def write_gguf(path, c, tensors):
    facts, infos, blobs, at = list(gguf_facts(c)), [], [], 0
    for name, shape, data in gguf_tensors(c, tensors):
        wide = len(shape) == 1 or "ffn_gate_inp" in name
        data = widen(data) if wide else data
        infos.append(gguf_text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *reversed(shape)) +
                     struct.pack("<IQ", GGML_F32 if wide else GGML_BF16, at))  # fmt: skip
        blobs.append(data + bytes(-len(data) % GGUF_ALIGN))
        at += len(blobs[-1])
    head = b"GGUF" + struct.pack("<IQQ", 3, len(infos), len(facts))
    for key, kind, value in facts:
        coded = gguf_text(value) if kind == GGUF_STRING else struct.pack("<I" if kind == GGUF_U32 else "<f", value)
        head += gguf_text(key) + struct.pack("<I", kind) + coded
    head += b"".join(infos)
    with open(path, "wb") as out:
        out.write(head + bytes(-len(head) % GGUF_ALIGN))
        out.writelines(blobs)


def config_text():
    return json.dumps(CONFIG, indent=1) + "\n"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    directory = sys.argv[1]
    os.makedirs(directory, exist_ok=True)
    random.seed(6)
    tensors = [
        (name, shape, ONE * elements(shape) if power is None else draw(elements(shape), power))
        for name, shape, power in shapes(CONFIG)
    ]
    write_safetensors(os.path.join(directory, "model.safetensors"), tensors)
    write_gguf(os.path.join(directory, "model.gguf"), CONFIG, tensors)
    with open(os.path.join(directory, "config.json"), "w", encoding="utf-8") as out:
        out.write(config_text())  # last: who finds it has all


if __name__ == "__main__":
    main()
