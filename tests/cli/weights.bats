#!/usr/bin/env bats
# gen weights: which tensors of a checkpoint it uses, which it leaves out, and what it says of them. Mistakes stand in
# bad-input/.

load common

# program CONFIG [ARGUMENT...]: prog/, not built: mapping a checkpoint needs no binary
program() {
    "$GEN" make -q -m "$1" -t "$root/topologies/one-host.yaml" -s single -o prog --batch 2 --prefill 8 --context 12 \
        --dtype bf16 "${@:2}" >/dev/null
}

# checkpoint MODEL PYTHON: its model.safetensors with `header` and `data` changed
checkpoint() {
    mkdir -p checkpoint
    /usr/bin/python3 - "$root/tests/data/$1/model.safetensors" "$2" <<'PY'
import json
import struct
import sys

raw = open(sys.argv[1], "rb").read()
size = struct.unpack("<Q", raw[:8])[0]
scope = {"header": json.loads(raw[8 : 8 + size]), "data": raw[8 + size :]}
scope["header"].pop("__metadata__", None)
exec("def add(name, kind, shape, own):\n"
     "    global data\n"
     "    header[name] = {'dtype': kind, 'shape': shape, 'data_offsets': [len(data), len(data) + len(own)]}\n"
     "    data += own\n" + sys.argv[2], scope)
text = json.dumps(scope["header"]).encode()
open("checkpoint/model.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + scope["data"])
PY
}

@test "layers for further tokens, angles and scales of inputs are left out, as many as the config tells" {
    jq '.num_nextn_predict_layers = 1' "$root/tests/data/deepseek_v3-tiny/config.json" >config.json
    program config.json
    more='for name in ("3.embed_tokens.weight", "3.self_attn.x", "0.self_attn.rotary_emb.inv_freq", "0.mlp.x.input_scale"):
    add("model.layers." + name, "F32", [1], bytes(4))'
    checkpoint deepseek_v3-tiny "$more"
    run_split "$GEN" weights prog --from checkpoint
    expect 0
    [ "$output" = "wrote prog/weights.map: 139 tensors of 1 file; 4 more not used" ]
    run_split "$GEN" weights prog --from checkpoint --json
    expect 0
    [ "$(jq -c '[.files, .tensors, .scaled, .ignored]' stdout.txt)" = "[1,139,0,4]" ]
    checkpoint deepseek_v3-tiny "$more"'
add("model.layers.4.x", "F32", [1], bytes(4))'
    run_split "$GEN" weights prog --from checkpoint
    expect 65
    [[ "$errors" == *'no use for the tensor "model.layers.4.x"'* ]]
}

@test "an output matrix beside a tied embedding must be the same" {
    program "$root/tests/data/mixtral-tiny" --set tie_embeddings=true
    checkpoint mixtral-tiny 'a, b = header["model.embed_tokens.weight"]["data_offsets"]
own = data[a:b]
del header["lm_head.weight"]
left = sorted(header.items(), key=lambda item: item[1]["data_offsets"][0])
old, data = data, b""
for name, entry in left:
    begin, end = entry["data_offsets"]
    entry["data_offsets"] = [len(data), len(data) + end - begin]
    data += old[begin:end]
add("lm_head.weight", "F32", [512, 64], own)'
    run_split "$GEN" weights prog --from checkpoint
    expect 0
    [[ "$output" == *"; 1 more not used" ]]
}

@test "gen show tells what weights of 8 bits are held as" {
    jq '.quantization_config = {quant_method: "fp8", fmt: "e4m3", activation_scheme: "dynamic",
        weight_block_size: [128, 64], modules_to_not_convert: ["lm_head"]}' \
        "$root/tests/data/qwen3_moe-tiny/config.json" >config.json
    run_split "$GEN" plan -m config.json -t "$root/topologies/one-host.yaml" -s single --batch 2 --prefill 8 --context 12 \
        --dtype bf16 -o plan.json
    expect 0
    [[ "$errors" != *E0207* ]] # every key is known
    run_split "$GEN" show plan.json
    expect 0
    [[ "$output" == *"checkpoints of 8 bits, a scale for 128 x 64 elements; held as bf16"* ]]
}
