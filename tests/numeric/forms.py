#!/usr/bin/env python3
"""A checkpoint in another form, for forms.sh: experts fused or stacked, shards with an index, another element type,
matrices of 8 bits with scales.

usage: forms.py FROM TO [--fuse] [--stack] [--shards N] [--type F32|BF16|F16] [--drop NAME]
                [--scaled F8_E4M3|F8_E5M2 --blocks ROWSxCOLUMNS|tensor|row [--ending TEXT] [--plain FOLDER]]
--plain: what such a checkpoint means, with the scaled matrices in F32.
"""
import argparse
import bisect
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


def stack(tensors):
    """Tensors of all experts of a layer one after the other."""
    stacked, experts = {}, {}
    pattern = re.compile(r"(.*\.experts)\.(\d+)\.(.*)")
    for name, tensor in tensors.items():
        match = pattern.fullmatch(name)
        if match:
            experts.setdefault(match[1] + "." + match[3], {})[int(match[2])] = tensor
        else:
            stacked[name] = tensor
    for name, parts in experts.items():
        data = b"".join(parts[expert][1] for expert in range(len(parts)))
        stacked[name] = ([len(parts)] + parts[0][0], data)
    return stacked


def numbers_of(kind):
    """Finite numbers of 8 bits that are not negative, by their bits, which ascend with them."""
    fraction, bias, last = (3, 7, 0x7E) if kind == "F8_E4M3" else (2, 15, 0x7B)
    numbers = []
    for bits in range(last + 1):
        exponent, part = bits >> fraction, (bits & (1 << fraction) - 1) / (1 << fraction)
        numbers.append((1 + part) * 2.0 ** (exponent - bias) if exponent else part * 2.0 ** (1 - bias))
    return numbers


def scale(rows, columns, data, kind, blocks):
    """One matrix: its elements, its scales with their shape, and what they are together."""
    numbers = numbers_of(kind)
    values = struct.unpack("<%df" % (rows * columns), data)
    height, width = {"tensor": (rows, columns), "row": (1, columns)}.get(blocks) or map(int, blocks.split("x"))
    down, across = -(-rows // height), -(-columns // width)
    largest = [0.0] * (down * across)
    for i, value in enumerate(values):
        block = i // columns // height * across + i % columns // width
        largest[block] = max(largest[block], abs(value))
    scales = struct.unpack("<%df" % len(largest), struct.pack(
        "<%df" % len(largest), *((size or 1.0) / numbers[-1] for size in largest)))
    codes, plain = bytearray(), []
    for i, value in enumerate(values):
        factor = scales[i // columns // height * across + i % columns // width]
        size = abs(value) / factor
        at = min(bisect.bisect_left(numbers, size), len(numbers) - 1)
        if at and size - numbers[at - 1] < numbers[at] - size:
            at -= 1
        codes.append(at | (0x80 if struct.pack("<f", value)[3] & 0x80 else 0))
        plain.append((-numbers[at] if codes[-1] & 0x80 else numbers[at]) * factor)
    shape = {"tensor": [], "row": [rows, 1]}.get(blocks, [down, across])
    return bytes(codes), shape, struct.pack("<%df" % len(scales), *scales), struct.pack("<%df" % len(plain), *plain)


def scale_all(tensors, args):
    """Matrices of projections with scales beside them; and what they mean."""
    coded, plain = {}, dict(tensors)
    for name, entry in tensors.items():
        shape, data = entry
        if len(shape) < 2 or not re.search(r"_proj(\.weight)?$|_proj_with_mqa\.weight$", name):
            coded[name] = entry
            continue
        count = shape[0] if len(shape) == 3 else 1
        rows, columns = shape[-2:]
        size = len(data) // count
        parts = [scale(rows, columns, data[i * size :][:size], args.scaled, args.blocks) for i in range(count)]
        coded[name] = (shape, b"".join(part[0] for part in parts), args.scaled)
        coded[name + args.ending] = (shape[:-2] + parts[0][1], b"".join(part[2] for part in parts), "F32")
        plain[name] = (shape, b"".join(part[3] for part in parts))
    return coded, plain


def write_config(args):
    config = json.load(open(os.path.join(args.source, "config.json")))
    if args.scaled:
        config["quantization_config"] = {
            "quant_method": "fp8",
            "fmt": args.scaled[3:].lower(),
            "activation_scheme": "dynamic",
            "weight_block_size": [int(n) for n in args.blocks.split("x")] if "x" in args.blocks else None,
        }
    with open(os.path.join(args.target, "config.json"), "w") as file:
        json.dump(config, file)


def convert(data, kind):
    values = struct.unpack("<%df" % (len(data) // 4), data)
    if kind == "F16":
        return struct.pack("<%de" % len(values), *values)
    words = struct.unpack("<%dI" % len(values), data)  # finite numbers, rounded to even
    return struct.pack("<%dH" % len(words), *((w + 0x7FFF + (w >> 16 & 1)) >> 16 for w in words))


def write(path, tensors, kind):
    header, data = {}, b""
    for name, (shape, own, *other) in tensors.items():
        header[name] = {"dtype": other[0] if other else kind, "shape": shape, "data_offsets": [len(data), len(data) + len(own)]}
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
    parser.add_argument("--stack", action="store_true")
    parser.add_argument("--scaled")
    parser.add_argument("--blocks", default="tensor")
    parser.add_argument("--ending", default="_scale_inv")
    parser.add_argument("--plain")
    args = parser.parse_args()
    tensors = read(args.source)
    if args.fuse:
        tensors = fuse(tensors)
    if args.stack:
        tensors = stack(tensors)
    if args.drop:
        del tensors[args.drop]
    os.makedirs(args.target, exist_ok=True)
    write_config(args)
    if args.scaled:
        tensors, plain = scale_all(tensors, args)
        os.makedirs(args.plain, exist_ok=True)
        write(os.path.join(args.plain, "model.safetensors"), plain, "F32")
    if args.type != "F32":
        tensors = {name: (shape, convert(data, args.type)) for name, (shape, data) in tensors.items()}
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
