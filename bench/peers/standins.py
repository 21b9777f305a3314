#!/usr/bin/env python3
"""Stand-ins for libraries that PyPI's torch for Linux is linked with and never calls on a machine without a GPU: 2.5 GB of
downloads are saved. Each defines the names that torch's libraries want of it, as a function that returns 0; what is
installed gets none. The loader is to find them by LD_LIBRARY_PATH, and only where nothing but the CPU is used.

usage: standins.py TORCH-LIB-DIRECTORY OUT-DIRECTORY        needs gcc and readelf
"""
import glob
import os
import re
import subprocess
import sys

FAMILIES = "libcu(?!da\\.)|libnccl|libnv"  # by name; the driver, libcuda, is loaded late or never


def readelf(*arguments):
    return subprocess.run(["readelf", "-W", *arguments], capture_output=True, text=True, check=True).stdout


def wanted(directory):
    """{library that is missing: {version of its names, or "": names}}."""
    there = {os.path.basename(p) for part in ("", "../../nvidia/*/lib/") for p in glob.glob(f"{directory}/{part}*.so*")}
    missing, loose = {}, set()
    for path in glob.glob(directory + "/*.so*"):
        needed = [n for n in re.findall(r"NEEDED.*\[(.*)\]", readelf("-d", path)) if n not in there and re.match(FAMILIES, n)]
        if not needed:
            continue
        for name in needed:
            missing.setdefault(name, {})
        owner = {}  # of a version
        for block in readelf("-V", path).split("Version: 1  File: ")[1:]:
            owner |= {version: block.split()[0] for version in re.findall(r"Name: (\S+) ", block)}
        for symbol, version in re.findall(r" UND ([^\s@]+)(?:@(\S+))?", readelf("--dyn-syms", path)):
            if owner.get(version) in missing:
                missing[owner[version]].setdefault(version, set()).add(symbol)
            elif not version and re.match("nccl|nvshmem|nvrtc|cu", symbol):
                loose.add(symbol)
    if loose and missing:  # any library may define names without a version
        missing[min(missing)].setdefault("", set()).update(loose)
    return missing


def write(directory, name, versions):
    source, script, flags = f"{directory}/{name}.s", f"{directory}/{name}.map", []
    with open(source, "w", encoding="ascii") as out:
        out.write(".text\n")
        for symbol in sorted(set().union(*versions.values())):
            out.write(f".globl {symbol}\n.type {symbol}, @function\n{symbol}:\n")
        out.write('xorl %eax, %eax\nret\n.section .note.GNU-stack,"",@progbits\n')
    if any(versions):
        with open(script, "w", encoding="ascii") as out:
            out.writelines(f"{v} {{ global: {'; '.join(sorted(s))}; }};\n" for v, s in versions.items() if v)
        flags = [f"-Wl,--version-script={script}"]
    subprocess.run(["gcc", "-shared", "-nostdlib", f"-Wl,-soname,{name}", *flags, "-o", f"{directory}/{name}", source], check=True)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    os.makedirs(sys.argv[2], exist_ok=True)
    for name, versions in wanted(sys.argv[1]).items():
        write(sys.argv[2], name, versions)


if __name__ == "__main__":
    main()
