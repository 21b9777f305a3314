"""transformers on the CPU, for peers.py: prints as JSON what its loops took. `STARTED` is the monotonic clock when this
process was begun, so that starting Python and importing packages count, as they do for who runs it.

usage: with_transformers.py CHECKPOINT PROMPTS.json NEW-TOKENS THREADS STARTED [EXPERTS]
"""
import json
import os
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import torch  # noqa: E402  (after the settings)
import transformers  # noqa: E402

transformers.utils.logging.disable_progress_bar()


def main():
    path, prompts, new, threads, started = sys.argv[1:6]
    with open(prompts, encoding="utf-8") as file:
        short, long = json.load(file)
    torch.set_num_threads(int(threads))
    more = {"experts_implementation": sys.argv[6]} if len(sys.argv) > 6 else {}
    model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype="auto", **more).eval()
    tokens, times = [], []
    with torch.inference_mode():
        begin = time.monotonic()
        state = model(input_ids=torch.tensor([short]), use_cache=True)
        tokens.append(int(state.logits[0, -1].argmax()))
        first = time.monotonic()
        while len(tokens) < int(new):
            before = time.monotonic()
            state = model(input_ids=torch.tensor([[tokens[-1]]]), past_key_values=state.past_key_values, use_cache=True)
            tokens.append(int(state.logits[0, -1].argmax()))
            times.append(time.monotonic() - before)
        prefills = []
        for _ in range(2):
            before = time.monotonic()
            state = model(input_ids=torch.tensor([long]), use_cache=True, logits_to_keep=1)
            int(state.logits[0, -1].argmax())
            prefills.append(time.monotonic() - before)
    print(json.dumps({
        "version": f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}",
        "first_token_s": first - float(started), "load_s": begin - float(started), "tokens": tokens,
        "token_s": times, "prefill_s": min(prefills),
    }))  # fmt: skip


main()
