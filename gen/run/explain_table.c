/* explain_table: see explain_table.h. A code keeps its meaning for good. */
#include "run/explain_table.h"

#include <stddef.h>

const Explanation explain_table[] = {
    {"E0101", "The file is not well-formed YAML or JSON, or not UTF-8. The message is the YAML\n"
              "library's, at the place where it gave up; the mistake may be a line earlier:\n"
              "look for a tab, a missing colon or quote, or a wrong indentation."},
    {"E0102", "A key stands twice in one mapping, or under its own name and an alias. Which\n"
              "one was meant cannot be known, so neither is taken."},
    {"E0103",
     "Anchors, aliases, merge keys and tags are refused: a small file could grow without bound."},
    {"E0104", "The file is over a limit: 1 MiB, 100,000 values, 32 levels, 64 KiB a value (plans:\n"
              "64 MiB, 4,000,000 values)."},
    {"E0105", "The file has no content."},
    {"E0106", "A note: a key was read under the name that gen uses for it."},
    {"E0107", "Our own files refuse keys that they do not know, because a misspelt key would\n"
              "silently change the result. Only topologies carry descriptive keys."},
    {"E0108", "A key that has no default is absent."},
    {"E0109", "The value has another type than the key: 8 is not \"8\", 1e3 is no whole number."},
    {"E0110", "The number or length is outside what makes sense for the key."},
    {"E0111",
     "A name, reason or other text holds a control character, a line break, or a mark that turns\n"
     "the direction of writing: it would steer the terminals, pages and sources that show it."},
    {"E0201", "With grouped-query attention, each key-value head serves heads / kv_heads query\n"
              "heads, which must be a whole number."},
    {"E0202", "A token cannot choose more experts than a layer has."},
    {"E0203", "Without head_dim it is hidden / heads, which must be a whole number."},
    {"E0204", "Rotary positions turn pairs of elements, so a head has an even number of them."},
    {"E0205", "A key of the hub's config changes the result in a way that is not supported. It is\n"
              "an error because ignoring it would compute another model."},
    {"E0206", "There is no family file lua/families/NAME.lua with a table `hub` for this\n"
              "model_type."},
    {"E0207", "A note: keys of the hub's config that gen does not know and took as harmless."},
    {"E0208", "A key that the family needs is absent from the hub's config."},
    {"E0209", "Two keys of the hub's config state the same figure differently."},
    {"E0210", "A warning: the tokenizer has another number of entries than the vocabulary. Ids\n"
              "past its end are never produced from text; ids past the vocabulary are refused."},
    {"E0211", "A family file must name the tensors of its checkpoints in the table `tensors`."},
    {"E0212", "The family file names a tensor that a model with these keys does not have."},
    {"E0213", "The sizes together are beyond any model; one of them is probably mistyped."},
    {"E0214",
     "Keys contradict each other; the message says which. Together go: kv_latent with rope_dim,\n"
     "q_latent, value_dim (and without qk_norm, qkv_clip, sliding_window, attention_bias);\n"
     "dense_layers with dense_hidden; window_layers with sliding_window; shared_score with\n"
     "shared_hidden; expert_groups with experts, which it divides, and top_groups with top_k."},
    {"E0301", "A sweep varies GPUs by whole nodes of the topology's one kind, or by one smaller\n"
              "node; this number is neither."},
    {"E0311", "Nodes reach each other through NICs only. Their number is required because\n"
              "results depend on it strongly."},
    {"E0312", "Quantities carry their unit: 200 Gb/s are bits, 25 GB/s bytes; 80 GB are 10^9,\n"
              "80 GiB 2^30 bytes. Bandwidth is per direction and per GPU or NIC."},
    {"E0313", "A node with NICs states their bandwidth, per NIC and direction."},
    {"E0314", "Several nodes need a network with its latency."},
    {"E0315", "The cluster has more GPUs than gen plans for; count or gpus is probably mistyped."},
    {"E0316", "The rows under `measured` are written by gen calibrate, and were edited since."},
    {"E0320",
     "gen init --from-nvidia-smi reads what `nvidia-smi topo -m` prints: a matrix whose first\n"
     "line names GPU0, GPU1 and so on."},
    {"E0321", "The matrix has as many rows as columns, and as many connections a row. Here some\n"
              "are absent: the text was cut when it was copied or saved."},
    {"E0322", "Connections are X (itself), NV and a number of links, PIX, PXB, PHB, NODE, SYS."},
    {"E0323",
     "Two places of the text cannot both be right: a connection is the same from both ends,\n"
     "only the diagonal is X, and the GPUs of a node are alike."},
    {"E0324",
     "The matrix does not say which GPUs these are, or gen has no figures for their type.\n"
     "--gpu names one that it has; lines of `nvidia-smi -L` in the same file do as well."},
    {"E0325", "A pair has more NVLinks than such a GPU: the type is another one."},
    {"E0326",
     "A warning: a topology has one link a kind of node, and here pairs of GPUs differ. The\n"
     "slowest is taken, so that no prediction is better than what can be."},
    {"E0330",
     "gen init --from-nccl-xml reads what NCCL writes to the file that NCCL_TOPO_DUMP_FILE\n"
     "names: XML with a <system> of processors, PCI devices, GPUs and network ports."},
    {"E0331", "The XML ends before its elements are closed: it was cut off when it was copied,\n"
              "or the program was ended while NCCL wrote it."},
    {"E0332", "An attribute that is needed is absent, or its value is not one that NCCL writes."},
    {"E0333", "Two places of NCCL's file cannot both be right: a PCI device or GPU is there once,\n"
              "NVLinks are the same from both ends and no more than the GPU's generation has,\n"
              "and the GPUs of a node are alike."},
    {"E0334", "XML of a topology needs no document type and no entities, so these are refused\n"
              "before they can expand; size, depth and number of elements have limits."},
    {"E0335", "An element that gen does not know is passed over, as NCCL does."},
    {"E0341",
     "Results of measured programs name the plan that they are of. These are of another: the\n"
     "topology, the programs or gen have changed since they were emitted."},
    {"E0342", "A calibration needs a result of each program and round."},
    {"E0343",
     "A topology holds what was measured on one machine. Rows of two machines in one would be\n"
     "true of neither, so that results of another machine are refused."},
    {"E0344",
     "Measured times are of the machine that they were measured on. They are used as asked, but\n"
     "say little about another machine."},
    {"E0402", "prefill bounds the prompt, context the prompt and the new tokens; a model has\n"
              "positions for max_positions tokens."},
    {"E0440", "A file of claims is off: claims/NAME.yaml, built into gen or under --share."},
    {"E0441",
     "A study names claims, deployments or figures that there are not: lua/studies/NAME.lua,\n"
     "built into gen or under --share."},
    {"E0450", "A Lua file raised an error; file, line and traceback are Lua's."},
    {"E0451", "A Lua value cannot be written as JSON: it holds a function, a NaN, or a table with\n"
              "both numbered and named entries."},
    {"E0460",
     "The strategy does not apply to these inputs and says why. Exit status 1: this is an\n"
     "answer, not a failure."},
    {"E0461",
     "A strategy has 10 seconds of processor time, and a minute if it waits for something."},
    {"E0462", "A strategy has 512 MiB."},
    {"E0463", "What the strategy returned is no plan; the field and the reason are named."},
    {"E0464", "Strategies are the files of lua/strategies, or a path to a Lua file."},
    {"E0465", "Options are written -s NAME:key=value,key=value; each strategy declares its own.\n"
              "--tensor-parallel-size N and its kin stand for tp=N, pp=N, dp=N, ep=N."},
    {"E0466", "The value of a strategy's option is not what the strategy declares for it."},
    {"E0501", "The file is no plan, or one of another version of gen."},
    {"E0502", "A plan carries its inputs and their digests; the two no longer agree. Plan again,\n"
              "or write the digest that the message gives."},
    {"E0503",
     "The inputs within the plan cannot be: sizes that are not positive, heads that\n"
     "key-value heads do not divide, several nodes without a NIC, a name that cannot name\n"
     "a program."},
    {"E0504", "A rank names a node or GPU that the topology does not have."},
    {"E0505",
     "A request group is impossible: its requests do not lie within the batch of a copy or\n"
     "are none, a member's heads do not lie within the model's, or a rank is in two groups."},
    {"E0506", "The holding of an expert lies outside the model or the ranks, or a rank holds two "
              "parts of it."},
    {"E0507", "A vocabulary range lies on a rank that is no member of a request group, or twice."},
    {"E0508", "Steps have different names, of a-z, 0-9 and '-'. A decode step takes 1 token a\n"
              "sequence, a prefill step at most `prefill` of the workload."},
    {"E0509", "Each rank of the first copy has exactly one order in each step."},
    {"E0510",
     "The stages of the pipeline do not fit together: they follow each other, cover all layers, "
     "have ranks\n"
     "of their own, and the same request groups, whose rows are handed from stage to stage."},
    {"E0511", "An order names a micro-batch, part or layer that the step does not have."},
    {"E0512", "A move names a request group that is not there, or none where it needs one."},
    {"E0513", "The stages of a collective are inconsistent: ranks, pieces and sets must agree."},
    {"E0514", "A step lacks a move that its placement needs."},
    {"E0515",
     "The feed-forward of dense layers, or the one beside experts, is cut over the members of\n"
     "each request group: every member has one range of its columns."},
    {"E0521", "A rank is in none of the orders of a step."},
    {"E0522", "A request group of several members needs a move that the step does not have."},
    {"E0523",
     "Dispatch and combine of a step share their windows: both have the same mode, chunk and\n"
     "transfers in flight."},
    {"E0524",
     "The plan is legal, but its schedule would be larger than gen can hold and prove: too many\n"
     "layers, experts, ranks or micro-batches at once, or a buffer past any memory."},
    {"E0525", "A stage of dispatch or combine moves rows that no owner has for that rank."},
    {"E0526", "An exact dispatch or combine goes by ranks that would have to know its counts."},
    {"E0580", "Cost models are the files of lua/cost, or a JSON file with the same keys."},
    {"E0581",
     "A cost model must hold together: each constant once, efficiencies within 0 and 1 from\n"
     "the largest amount down to 0, a protocol for sends of any size, and a network whose\n"
     "layers fit its features. The message names what does not."},
    {"E0582",
     "The model's form needs numbers that it has not: a network (mlp) is fitted to one machine\n"
     "and comes in a file of its own."},
    {"E0590",
     "The file is no schedule.json, or one of another version of gen. Emit the plan again."},
    {"E0591",
     "A schedule follows from its plan and is not written by hand: an id, a layer, a size or a\n"
     "table of this one is not what the others need. Emit the plan again."},
    {"E0592",
     "The file is no certificate, or one of another version of gen, or not even one in form."},
    {"E0593",
     "A certificate belongs to one schedule and one plan, a program to one certificate; these do\n"
     "not belong together. Nothing is emitted without a certificate that holds."},
    {"E0594",
     "The order of the certificate is not one in which all ranks can go through their program:\n"
     "the rank that is told comes to another meeting, or is left over."},
    {"E0595",
     "Ranks that meet bring different moves, layers, micro-batches or sizes, or the certificate\n"
     "tells of other meetings than there are."},
    {"E0596", "An operation waits for an event that nothing has recorded before."},
    {"E0597",
     "By the certificate a buffer holds no value where it is used, none was written where the\n"
     "value begins, or two buffers hold values in the same bytes at once."},
    {"E0598",
     "Two operations on different streams use the same bytes, one of them writes, and neither\n"
     "waits for the other."},
    {"E0599", "An operation uses bytes or layers that lie outside its buffer."},
    {"E0601", "There is no checkpoint in the safetensors format at this path."},
    {"E0602", "The header of a safetensors file cannot be right: too long, no JSON, or beyond the\n"
              "end of the file. The download was probably cut off."},
    {"E0603", "Tensors of a safetensors file overlap or leave gaps."},
    {"E0604", "The index of a checkpoint and its files disagree."},
    {"E0610", "The model needs a tensor that the checkpoint does not have."},
    {"E0611", "A tensor of the checkpoint has another shape than the model says."},
    {"E0612", "Weights are F32, BF16 or F16, or F8_E4M3 or F8_E5M2 with scales beside them."},
    {"E0613",
     "The checkpoint has tensors that the model has no use for: it is another model's, or the\n"
     "model is described wrongly. Those that checkpoints of a family may have besides stand in\n"
     "`ignored` of its file, or of our own YAML; some have to be equal to one that is used."},
    {"E0614", "The file is no weight map, or one of another version."},
    {"E0615",
     "Tensors of 8 bits need scales: one for a tensor, one for a row, or one for a block of rows\n"
     "and columns whose size quantization_config.weight_block_size tells (scale_block in our own\n"
     "YAML). Their names are the tensor's with an ending: `scales` of the family's file."},
    {"E0620", "A tokenizer is a folder with tokenizer.json, or with vocab.json and merges.txt, as "
              "the public\n"
              "hub has them; or the file tokenizer.json itself."},
    {"E0621", "A file of the tokenizer is no JSON, or has a key twice."},
    {"E0622",
     "A file of the tokenizer has a key that gen does not know, lacks one, or has a value of\n"
     "another type."},
    {"E0623",
     "The tokenizer wants something that gen does not do. The message names it and what gen does:\n"
     "byte pair encoding by bytes, or by characters with bytes for those that have no entry."},
    {"E0624", "Entries, merges and added tokens of a tokenizer do not fit together."},
    {"E0625", "A regular expression of the tokenizer is refused: it does not mean the same in all "
              "dialects, or\n"
              "is none, or takes too long on a text."},
    {"E0626",
     "The tokenizer gives ids that the model has no entry for: it is that of another model."},
    {"E0627",
     "A warning: the tokenizer knows far fewer ids than the model's vocabulary has. Some entries\n"
     "that only pad a model are usual."},
    {"E0701", "A template is malformed: $( without its end, or no template of this name."},
    {"E0710", "Building needs cmake, and ninja or make."},
    {"E0711", "Building needs a C compiler: cc, gcc or clang in PATH, or CC in the environment."},
    {"E0712", "The emitted program did not compile. DIR/build/build.log has all that the tools\n"
              "said. If you changed nothing in DIR or the runtime, this is a bug of gen."},
    {"E0713", "Emitted programs link the runtime: a folder with rt.h. It lies beside gen, in\n"
              "../share/toposmith/runtime seen from there, or is named with --runtime."},
    {"E0714", "The directory was not written by gen make or gen emit."},
    {"E0715",
     "The target has no kernel for an operation of this plan. What lua/emit/TARGET.lua lists it\n"
     "has; a kernel is a template of its folder (docs/writing-a-kernel.md)."},
    {"E0716",
     "Models and topologies that come with gen lie beside it, in ../share/toposmith seen from\n"
     "there."},
    {"E0717",
     "Programs for GPUs are built with the CUDA toolkit, 12.8 or newer, and NCCL. The toolkit is\n"
     "that of CUDA_ROOT, CUDA_HOME or CUDA_PATH in the environment, of nvcc in PATH, or\n"
     "/usr/local/cuda; NCCL that of NCCL_ROOT, or lies in the toolkit or beside it."},
    {"E0730",
     "gen show --format html puts a trace of the plan's program beside the prediction. The file\n"
     "is no trace, or its operations are not those of this plan: it was written by a program\n"
     "of another plan."},
    {"E0801",
     "A file that gen and a program exchange is damaged or of another kind. Program and gen\n"
     "may be of different versions: emit and build again."},
    {"E0802", "A file that gen and a program exchange lacks an array, or has it in another shape."},
    {"E0803",
     "The file is no NumPy array that gen reads: little-endian float32, float64, int32 or\n"
     "int64 in C order."},
    {"E0810", "The tokens file is no JSON."},
    {"E0811", "The tokens file is an array of arrays of token ids: [[1, 2, 3], [4, 5]]."},
    {"E0812", "Token ids run from 0 to the vocabulary of the model less one."},
    {"E0813",
     "A prompt has at least one token, and at most `prefill` of the workload; all of them, each\n"
     "as long as the longest, have at most 2^26."},
    {"E0814", "Prompt and new tokens together have at most `context` of the workload positions."},
    {"E0820",
     "The reference in double precision would take too long on this machine. Verify a smaller\n"
     "workload or model of the same plan; --tokens with fewer and shorter prompts does."},
    {"E0821",
     "The reference holds the whole model in double precision, and there is not enough memory\n"
     "for that. Verify a smaller model of the same shape."},
    {"E0830", "The operating system refused to start a program."},
    {"E0831",
     "The program failed. What it said stands above: the rank, step and layer that failed\n"
     "first. gen returns the program's own exit status: 65 data, 66 a missing file, 69 memory,\n"
     "70 a bug or a crash, 73 an output, 75 a rank that was killed or made no progress."},
    {"E0832",
     "A program was ended by a signal: by you, or by the kernel when memory ran out (exit\n"
     "status 75: it may go well again), or it crashed (SIGSEGV and its kin, exit status 70:\n"
     "a bug)."},
    {"E0833", "Text needs a tokenizer: --tokenizer names it, else it lies in the program's folder, "
              "beside the\n"
              "checkpoint of the program's weights, or where the model says."},
    {"E0840", "A record of calls is damaged, cut off, or of another version of gen. A run that "
              "fails, or is\n"
              "ended, leaves a record that can be read as far as it came."},
    {"E0841",
     "A record of calls belongs to another plan, another rank, or another run than the others.\n"
     "PREFIX.RANK are overwritten by each run with --record PREFIX."},
    {"E0842",
     "A rank did not make the calls of its schedule: another operation, layer, channel, exchange,\n"
     "size or address, or not as many. Told is the first difference of each rank. The sources\n"
     "were edited, or this is a bug of gen: emitted sources are never to be edited by hand."},
    {"E0843", "A table of the program is not what the schedule says: its operations with streams "
              "and waits,\n"
              "its channels, exchanges or routes. See E0842."},
    {"E0850", "Texts are UTF-8. gen tokens takes any bytes."},
    {"E0851",
     "A file *.jsonl holds a prompt on each line, as JSON: a text, or an object with \"prompt\"."},
    {"E0852", "A file of prompts holds none."},
    {"E0853", "A text has too few tokens to be rated, or makes too many windows."},
    {"E0854", "Drawing from the likeliest tokens alone needs a program that tells that many apart: "
              "--candidates\n"
              "of gen make. --temperature alone works with every program. How many top-p needs "
              "depends on the text:\n"
              "a run ends where those told apart have less than its share."},
    {"E0901", "The file is not there."},
    {"E0902", "The file is there and cannot be read: it is a folder, or you have no permission."},
    {"E0903", "The file is larger than any good one of its kind."},
    {"E0904", "A file, a directory or standard output cannot be written. What cannot be written\n"
              "whole is left as it was."},
    {"E0905", "gen replaces a directory only if it is empty or was written by gen, so that no\n"
              "foreign file is lost."},
    {"E0910", "gen has no such verb: gen --help lists them."},
    {"E0911",
     "The verb has no such option: gen VERB --help lists them. Options are written whole;\n"
     "abbreviations would change their meaning when an option is added."},
    {"E0912", "The option takes a value: --option VALUE or --option=VALUE."},
    {"E0913", "The verb takes one operand at most; options are written with dashes."},
    {"E0914", "An option or operand that the verb cannot do without is absent."},
    {"E0915", "The same thing is said twice, and which was meant cannot be known."},
    {"E0916", "The option belongs to other verbs."},
    {"E0917", "The value of the option is no whole number within its range."},
    {"E0918", "The value of the option is none of those that it takes."},
    {"E0919",
     "The option goes with others, or does not: an emulation computes nothing, so that it\n"
     "takes no tokens and weights; --scale and --steps are of emulations only; --preflight runs "
     "no\n"
     "step that could be traced."},
    {"E0920",
     "--set names a key of model, topology or workload as their files have it; topologies may\n"
     "carry further keys in files, but setting one would change nothing."},
    {"E0921",
     "--set gives one value to one key: KEY=VALUE, with a dot before a key within another and\n"
     "[INDEX] after a list, e.g. topology.nodes[0].nics=4."},
    {"E0922", "--set names an item of a list that the file does not have; the first one is [0]."},
    {"E0923",
     "--vary names a key and its values, KEY=V1,V2,...; all combinations of the keys are planned,\n"
     "so that their number is limited."},
    {"E0924",
     "--vary takes a key of model, topology or workload as --set does, an option of one of the\n"
     "strategies (strategy.KEY where an input has that key too), gpus (of the whole cluster) or\n"
     "nics (of every node)."},
    {NULL, NULL},
};
