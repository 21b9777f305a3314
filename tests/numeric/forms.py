#!/usr/bin/env python3
"""A checkpoint in another form, for forms.sh: experts fused, shards with an index, another element type.

usage: forms.py FROM TO [--fuse] [--shards N] [--type F32|BF16|F16] [--drop NAME]
"""
import argparse
import json
import os
import re
import struct


def read(folder):
    raw = open(os.path.join(folder, "model.safetensors"), "rb").read()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + size])
    header.pop("__metadata__", None)
    return {
        name: (entry["shape"], raw[8 + size :][entry["data_offsets"][0] : entry["data_offsets"][1]])
        for name, entry in header.items()
    }


def fuse(tensors):
    """Gate and up of all experts of a layer one below the other, expert by expert; down likewise."""
    fused = {}
    pattern = re.compile(r"(.*\.mlp\.experts)\.(\d+)\.(gate|up|down)_proj\.weight")
    experts = {}
    for name, tensor in tensors.items():
        match = pattern.fullmatch(name)
        if match:
            experts.setdefault(match[1], {})[int(match[2]), match[3]] = tensor
        else:
            fused[name] = tensor
    for block, parts in experts.items():
        count = 1 + max(expert for expert, _ in parts)
        (rows, columns), _ = parts[0, "up"]
        both = b"".join(parts[e, kind][1] for e in range(count) for kind in ("gate", "up"))
        fused[block + ".gate_up_proj"] = ([count, 2 * rows, columns], both)
        down = b"".join(parts[e, "down"][1] for e in range(count))
        fused[block + ".down_proj"] = ([count, columns, rows], down)
    return fused


def convert(data, kind):
    values = struct.unpack("<%df" % (len(data) // 4), data)
    if kind == "F16":
        return struct.pack("<%de" % len(values), *values)
    words = struct.unpack("<%dI" % len(values), data)  # finite numbers, rounded to even
    return struct.pack("<%dH" % len(words), *((w + 0x7FFF + (w >> 16 & 1)) >> 16 for w in words))


def write(path, tensors, kind):
    header, data = {}, b""
    for name, (shape, own) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(own)]}
        data += own
    text = json.dumps(header).encode()
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + data)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--fuse", action="store_true")
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--type", default="F32")
    parser.add_argument("--drop")
    args = parser.parse_args()
    tensors = read(args.source)
    if args.fuse:
        tensors = fuse(tensors)
    if args.drop:
        del tensors[args.drop]
    if args.type != "F32":
        tensors = {name: (shape, convert(data, args.type)) for name, (shape, data) in tensors.items()}
    os.makedirs(args.target, exist_ok=True)
    names = sorted(tensors)
    if args.shards == 1:
        write(os.path.join(args.target, "model.safetensors"), tensors, args.type)
        return
    weight_map = {}
    for shard in range(args.shards):
        file = "model-%05d-of-%05d.safetensors" % (shard + 1, args.shards)
        own = names[shard :: args.shards]
        write(os.path.join(args.target, file), {name: tensors[name] for name in own}, args.type)
        weight_map.update({name: file for name in own})
    with open(os.path.join(args.target, "model.safetensors.index.json"), "w") as index:
        json.dump({"metadata": {}, "weight_map": weight_map}, index)


main()
