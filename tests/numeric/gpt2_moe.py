#!/usr/bin/env python3
"""Makes tests/data/gpt2_moe-tiny: a small model with random weights in the form of lua/families/gpt2_moe.lua, and what it
computes, in double precision and written down here once more: no public implementation has this form.

usage: gpt2_moe.py FOLDER
"""
import json
import math
import os
import random
import struct
import sys

VOCABULARY, HIDDEN, HEADS, LAYERS, EXPERTS, INNER, TOP_K = 512, 48, 6, 2, 8, 40, 2
POSITIONS, PROMPTS, LENGTH, NEW = 64, 3, 24, 16
SIZE = HIDDEN // HEADS
EPSILON = 1e-5
draw = random.Random(20)
tensors = {}


def single(values):
    return list(struct.unpack("<%df" % len(values), struct.pack("<%df" % len(values), *values)))


def tensor(name, shape, spread, middle=0.0):
    count = math.prod(shape)
    tensors[name] = (shape, single([middle + draw.gauss(0, spread) for _ in range(count)]))


def make():
    tensor("transformer.wte.weight", [VOCABULARY, HIDDEN], 0.1)
    tensor("transformer.wpe.weight", [POSITIONS, HIDDEN], 0.1)
    for layer in range(LAYERS):
        at = "transformer.h.%d." % layer
        for norm in ("ln_1", "ln_2"):
            tensor(at + norm + ".weight", [HIDDEN], 0.1, 1.0)
            tensor(at + norm + ".bias", [HIDDEN], 0.1)
        tensor(at + "attn.c_attn.weight", [HIDDEN, 3 * HIDDEN], 0.2)
        tensor(at + "attn.c_attn.bias", [3 * HIDDEN], 0.1)
        tensor(at + "attn.c_proj.weight", [HIDDEN, HIDDEN], 0.1)
        tensor(at + "attn.c_proj.bias", [HIDDEN], 0.1)
        tensor(at + "mlp.gate.weight", [EXPERTS, HIDDEN], 0.3)
        for expert in range(EXPERTS):
            one = at + "mlp.experts.%d." % expert
            tensor(one + "c_fc.weight", [HIDDEN, INNER], 0.2)
            tensor(one + "c_fc.bias", [INNER], 0.1)
            tensor(one + "c_proj.weight", [INNER, HIDDEN], 0.1)
            tensor(one + "c_proj.bias", [HIDDEN], 0.1)
    tensor("transformer.ln_f.weight", [HIDDEN], 0.1, 1.0)
    tensor("transformer.ln_f.bias", [HIDDEN], 0.1)


def norm(x, name):
    mean = sum(x) / len(x)
    spread = math.sqrt(sum((v - mean) ** 2 for v in x) / len(x) + EPSILON)
    scale, shift = tensors[name + ".weight"][1], tensors[name + ".bias"][1]
    return [(v - mean) / spread * a + b for v, a, b in zip(x, scale, shift)]


def through(x, name):
    """x times a matrix of inputs by outputs, plus a bias."""
    (_, width), matrix = tensors[name + ".weight"]
    out = list(tensors[name + ".bias"][1])
    for i, v in enumerate(x):
        row = matrix[i * width : (i + 1) * width]
        out = [o + v * w for o, w in zip(out, row)]
    return out


def rows(x, name):
    """The products of x with each row of a matrix."""
    (count, width), matrix = tensors[name]
    return [sum(a * b for a, b in zip(x, matrix[r * width : (r + 1) * width])) for r in range(count)]


def softmax(scores):
    largest = max(scores)
    parts = [math.exp(s - largest) for s in scores]
    return [p / sum(parts) for p in parts]


def gelu(v):
    return 0.5 * v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3)))


def attend(x, at, cache):
    joined = through(x, at + "attn.c_attn")
    query, key, value = joined[:HIDDEN], joined[HIDDEN : 2 * HIDDEN], joined[2 * HIDDEN :]
    cache.append((key, value))
    out = []
    for head in range(HEADS):
        part = slice(head * SIZE, (head + 1) * SIZE)
        scores = [sum(a * b for a, b in zip(query[part], k[part])) / math.sqrt(SIZE) for k, _ in cache]
        shares = softmax(scores)
        for i in range(part.start, part.stop):
            out.append(sum(share * v[i] for share, (_, v) in zip(shares, cache)))
    return through(out, at + "attn.c_proj")


def feed(x, at):
    scores = softmax(rows(x, at + "mlp.gate.weight"))
    chosen = sorted(range(EXPERTS), key=lambda e: -scores[e])[:TOP_K]
    whole = sum(scores[e] for e in chosen)
    out = [0.0] * HIDDEN
    for e in chosen:
        one = at + "mlp.experts.%d." % e
        result = through([gelu(v) for v in through(x, one + "c_fc")], one + "c_proj")
        out = [o + scores[e] / whole * r for o, r in zip(out, result)]
    return out


def step(token, position, caches):
    def row(name, i):
        return tensors[name][1][i * HIDDEN : (i + 1) * HIDDEN]

    x = [a + b for a, b in zip(row("transformer.wte.weight", token), row("transformer.wpe.weight", position))]
    for layer in range(LAYERS):
        at = "transformer.h.%d." % layer
        x = [a + b for a, b in zip(x, attend(norm(x, at + "ln_1"), at, caches[layer]))]
        x = [a + b for a, b in zip(x, feed(norm(x, at + "ln_2"), at))]
    return rows(norm(x, "transformer.ln_f"), "transformer.wte.weight")


def write(folder, prompts, greedy, logits):
    os.makedirs(folder, exist_ok=True)
    config = {
        "activation_function": "gelu_new",
        "architectures": ["GPT2MoELMHeadModel"],
        "attn_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "initializer_range": 0.1,
        "layer_norm_epsilon": EPSILON,
        "model_type": "gpt2_moe",
        "n_ctx": POSITIONS,
        "n_embd": HIDDEN,
        "n_head": HEADS,
        "n_inner": INNER,
        "n_layer": LAYERS,
        "n_positions": POSITIONS,
        "norm_topk_prob": True,
        "num_experts": EXPERTS,
        "num_experts_per_tok": TOP_K,
        "resid_pdrop": 0.0,
        "scale_attn_weights": True,
        "torch_dtype": "float32",
        "vocab_size": VOCABULARY,
    }
    with open(os.path.join(folder, "config.json"), "w") as file:
        file.write(json.dumps(config, indent=2) + "\n")
    with open(os.path.join(folder, "expected.json"), "w") as file:
        file.write(json.dumps({"input_ids": prompts, "greedy": greedy}) + "\n")
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        own = struct.pack("<%df" % len(values), *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(own)]}
        data += own
    text = json.dumps(header).encode()
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
    about = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d, %d), }" % (PROMPTS, LENGTH, VOCABULARY)
    about += " " * (-(len(about) + 11) % 64) + "\n"
    with open(os.path.join(folder, "logits.npy"), "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(about)) + about.encode())
        file.write(struct.pack("<%df" % len(logits), *logits))


def main():
    make()
    prompts = [[draw.randrange(VOCABULARY) for _ in range(LENGTH)] for _ in range(PROMPTS)]
    greedy, logits = [], []
    for prompt in prompts:
        caches, new = [[] for _ in range(LAYERS)], []
        for position in range(LENGTH + NEW - 1):
            token = prompt[position] if position < LENGTH else new[-1]
            scores = step(token, position, caches)
            if position < LENGTH:
                logits += scores
            if position >= LENGTH - 1:
                new.append(max(range(VOCABULARY), key=scores.__getitem__))
        greedy.append(new)
    write(sys.argv[1], prompts, greedy, logits)


main()
