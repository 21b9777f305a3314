"""llama.cpp by its Python package's bindings, for peers.py: prints as JSON what its loops took. `STARTED` is the monotonic
clock when this process was begun.

usage: with_llama.py MODEL.gguf PROMPTS.json NEW-TOKENS THREADS STARTED
"""
import ctypes
import json
import sys
import time

import llama_cpp
import numpy


def decode(context, ids):
    """Run `ids` after what the context holds; the likeliest next token."""
    array = (llama_cpp.llama_token * len(ids))(*ids)
    if llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(array, len(ids))) != 0:
        sys.exit("llama_decode failed")
    vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(llama_cpp.llama_get_model(context)))
    logits = llama_cpp.llama_get_logits_ith(context, -1)
    return int(numpy.ctypeslib.as_array(logits, (vocabulary,)).argmax())


def main():
    path, prompts, new, threads, started = sys.argv[1:6]
    with open(prompts, encoding="utf-8") as file:
        short, long = json.load(file)
    silent = llama_cpp.llama_log_callback(lambda level, text, data: None)
    llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    model = llama_cpp.llama_model_load_from_file(path.encode(), llama_cpp.llama_model_default_params())
    settings = llama_cpp.llama_context_default_params()
    settings.n_ctx, settings.n_batch, settings.n_ubatch = 640, 512, 512
    settings.n_threads = settings.n_threads_batch = int(threads)
    context = model and llama_cpp.llama_init_from_model(model, settings)
    if not context:
        sys.exit(f"llama.cpp cannot load {path}")
    begin = time.monotonic()
    tokens, times = [decode(context, short)], []
    first = time.monotonic()
    while len(tokens) < int(new):
        before = time.monotonic()
        tokens.append(decode(context, tokens[-1:]))
        times.append(time.monotonic() - before)
    prefills = []
    for _ in range(2):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(context), True)
        before = time.monotonic()
        decode(context, long)
        prefills.append(time.monotonic() - before)
    print(json.dumps({
        "version": f"llama.cpp of llama-cpp-python {llama_cpp.__version__}",
        "first_token_s": first - float(started), "load_s": begin - float(started), "tokens": tokens,
        "token_s": times, "prefill_s": min(prefills),
    }))  # fmt: skip


main()
