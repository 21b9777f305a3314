---@meta
--- Types of plans and inputs, made by the target lua-meta from the schemas. Do not edit.
--- Where a plan holds a Range, a strategy may also return {begin, end}.

---Rotary positions beyond those of training.
---@class RopeScaling
---@field kind "none"|"linear"|"yarn" linear: all angles are divided by factor; yarn: those of slow pairs are
---@field factor number how many times further than trained
---@field original_positions integer yarn: the longest sequence of training
---@field beta_fast number yarn: pairs that turn more often within original_positions are left as they are
---@field beta_slow number yarn: pairs that turn less often are stretched in full
---@field amplitude number of sines and cosines; 0: 1, and 0.1 ln(factor) + 1 for yarn
---@field score_scale number attention scores are multiplied by it

---The name of one kind of tensor in checkpoints.
---@class ModelTensor
---@field kind "embedding"|"positions"|"attention_norm"|"attention_norm_bias"|"query_down"|"query_latent_norm"|"query"|"query_bias"|"key"|"key_bias"|"value"|"value_bias"|"query_norm"|"key_norm"|"latent"|"latent_norm"|"latent_up"|"output"|"output_bias"|"ffn_norm"|"ffn_norm_bias"|"router"|"router_correction"|"expert_gate"|"expert_gate_bias"|"expert_up"|"expert_up_bias"|"expert_down"|"expert_down_bias"|"dense_gate"|"dense_gate_bias"|"dense_up"|"dense_up_bias"|"dense_down"|"dense_down_bias"|"shared_gate"|"shared_gate_bias"|"shared_up"|"shared_up_bias"|"shared_down"|"shared_down_bias"|"shared_score"|"final_norm"|"final_norm_bias"|"head" what the tensor is for
---@field name string in checkpoints; {layer} and {expert} stand for numbers
---@field first_row integer where it is a part of a larger tensor: its first row in each block
---@field block_rows integer rows of a block, one block an expert; 0: it is a tensor of its own
---@field periods integer equal runs that a block's rows are in, a share of the tensor in each; 0: one
---@field transposed boolean matrices are [inputs][outputs] there

---A tensor of checkpoints that is not used.
---@class IgnoredTensor
---@field name string in checkpoints; {layer}, {extra} stand for numbers, * for anything
---@field same_as string the kind of tensor that it must be equal to

---The architecture of a mixture-of-experts transformer.
---@class Model
---@field name string of the model
---@field family string the file of lua/families/ that names its tensors
---@field layers integer number of layers
---@field hidden integer width of the residual stream
---@field heads integer query heads
---@field kv_heads integer key-value heads; as many as heads when absent
---@field head_dim integer width of a head; hidden / heads when absent
---@field vocabulary integer number of token ids
---@field max_positions integer longest sequence, prompt and new tokens
---@field norm "rms"|"layer" rms: by the root mean square; layer: LayerNorm with bias
---@field norm_eps number added to the variance
---@field position "rope"|"learned" rope: rotary; learned: one vector a position, added to the embedding
---@field rope_theta number base of the rotary frequencies
---@field rope_interleave boolean rotary pairs are neighbours (2i, 2i + 1); else (i, i + half)
---@field rope_scaling RopeScaling rotary positions beyond those of training
---@field q_latent integer latent attention: width that queries pass through; 0: none
---@field kv_latent integer width of the latent that keys and values are made of, and that is cached; 0: no latent attention
---@field rope_dim integer elements of a head that rotate: the first ones, all where absent; in latent attention the last ones
---@field value_dim integer width of a value head; head_dim when absent
---@field latent_norm_eps number of the RMS norms of latents
---@field attention_bias boolean query, key and value projections have a bias
---@field output_bias boolean the output projection has a bias
---@field qk_norm "none"|"head"|"full" RMS norm of queries and of keys before they rotate; head: each head by itself; full: all heads as one vector
---@field qkv_clip number queries, keys and values are limited to +-this, after their norm; 0: not
---@field sliding_window integer positions that a query sees in window_layers, its own among them; 0: all
---@field window_layers integer[] layers, from 0, with that window
---@field activation "silu"|"gelu"|"gelu_tanh" of the experts; gelu is the exact form, gelu_tanh the approximation
---@field gated boolean true: three matrices an expert, activation(gate) x up; false: two
---@field expert_bias boolean matrices of experts and of dense feed-forwards have biases
---@field experts integer experts a layer
---@field expert_hidden integer width inside an expert
---@field top_k integer experts a token
---@field dense_layers integer[] layers, from 0, with one feed-forward for all tokens instead of experts
---@field dense_hidden integer width inside the feed-forward of a dense layer
---@field shared_hidden integer width of the feed-forward that all tokens pass beside their experts; 0: none
---@field shared_score boolean what that feed-forward gives is scaled by the sigmoid of a score of the token
---@field scoring "softmax"|"sigmoid" how the router's logits become scores: softmax over experts, or sigmoid of each
---@field router_correction boolean a figure an expert is added to its score for choosing, not for weighing
---@field expert_groups integer equal groups that experts are in
---@field top_groups integer groups that a token's experts are chosen from: those whose two best scores sum to most
---@field renormalize boolean the scores of the chosen experts are divided by their sum
---@field routed_scale number and then multiplied by this
---@field capacity_factor number 0: none; else an expert takes ceil(factor x length x top_k / experts) per sequence
---@field tie_embeddings boolean the head is the embedding
---@field initializer_range number standard deviation of random weights
---@field load_balance_coefficient number of the load-balance loss; training
---@field router_z_coefficient number of the router's z-loss; training
---@field attention_dropout number training
---@field residual_dropout number training
---@field expert_dropout number training
---@field tokenizer string name or path; may be absent
---@field tensors ModelTensor[] names in checkpoints; those absent are the family's
---@field alternatives ModelTensor[] other forms in which checkpoints have tensors; the family's where absent
---@field ignored IgnoredTensor[] tensors of checkpoints that are not used; the family's where absent
---@field extra_layers integer layers after the model's own in checkpoints, not used
---@field scales string[] names of the scales of 8-bit tensors, {tensor} standing for theirs; the family's where absent
---@field scale_block integer[] rows and columns of an 8-bit tensor that share a scale; absent: one scale a tensor or a row

---One GPU of a node.
---@class TopologyGpu
---@field type string e.g. a100-80gb
---@field memory integer that programs may use [bytes]
---@field flops number dense peak at 16 bits with 32-bit accumulation [1/s]
---@field flops_f32 number dense peak at 32 bits [1/s]
---@field bandwidth number of the GPU's memory [bytes/s]

---The link among the GPUs of a node.
---@class TopologyLink
---@field type string what joins the GPUs of a node, e.g. nvlink3, pcie4, shared-memory
---@field bandwidth number per direction and per GPU [bytes/s]
---@field latency number of one transfer between two GPUs of a node [s]

---A kind of node.
---@class TopologyNode
---@field name string of this kind of node
---@field count integer nodes of this kind
---@field gpus integer GPUs per node
---@field nics integer network ports per node; 0 if there is no network
---@field nic_bandwidth number per NIC and direction [bytes/s]
---@field gpu TopologyGpu its GPUs, all alike
---@field link TopologyLink the link among its GPUs

---The network between nodes.
---@class TopologyNetwork
---@field type string e.g. infiniband-hdr
---@field latency number NIC to NIC [s]
---@field oversubscription number 1: full bisection; 2: half of it when all nodes send

---What a byte costs at an intensity.
---@class MeasuredPoint
---@field intensity number [FLOP/byte]
---@field per_byte number what a byte costs there [s]

---What a kind of kernel costs.
---@class MeasuredKernel
---@field kind string of the operation
---@field ranks integer that ran at once on the machine
---@field seconds number of each operation [s]
---@field per_element number of each value that passes a softmax or an activation [s]
---@field points MeasuredPoint[] what a byte costs, by FLOPs a byte, ascending
---@field low number times what is expected: the interval begins
---@field high number times what is expected: it ends

---What a kind of move costs.
---@class MeasuredMove
---@field kind string of the operation
---@field ranks integer that ran at once on the machine
---@field seconds number of each move, once all are there [s]
---@field per_byte number of what the busiest rank sends or gets [s]
---@field low number times what is expected: the interval begins
---@field high number times what is expected: it ends

---What operations cost on a machine, written by gen calibrate.
---@class Measured
---@field processor string of the machine, as its system names it
---@field cores integer that programs could use
---@field dtype string of the elements
---@field kernels MeasuredKernel[] by kind and ranks
---@field moves MeasuredMove[] by kind and ranks

---A cluster: nodes of one or several kinds, and the network between them.
---@class Topology
---@field name string of the cluster
---@field nodes TopologyNode[] the kinds of node, in the order in which GPUs are numbered
---@field network TopologyNetwork between nodes; needed where there are several
---@field measured Measured what operations cost, as gen calibrate measured it on one machine

---What the program is asked to do. All numbers are bounds: less is always possible.
---@class Workload
---@field batch integer sequences at a time, over all data-parallel copies
---@field prefill integer prompt tokens a sequence; when absent half of the context, at most 512
---@field context integer positions a sequence: prompt and new tokens; when absent those of the model, at most 1024
---@field dtype "f32"|"bf16"|"f16" of weights and activations
---@field candidates integer likeliest tokens that top-k and top-p look at; 1: neither is offered

---where a rank runs
---@class PlanRank
---@field rank integer its number
---@field node integer node of the topology, from 0
---@field gpu integer GPU of that node, from 0

---a GPU that is not used
---@class PlanIdle
---@field node integer node of the topology, from 0
---@field gpu integer GPU of that node, from 0
---@field why string why it has no rank

---a rank of a request group
---@class PlanMember
---@field rank integer rank of the first copy
---@field heads Range query heads [begin, end)

---a request group: ranks that serve the same requests, splitting query heads
---@class PlanGroup
---@field requests Range sequences of the copy's batch [begin, end)
---@field members PlanMember[] its ranks

---who holds columns of a feed-forward that all tokens pass
---@class PlanFfn
---@field kind "dense"|"shared" of dense layers, or beside the experts
---@field rank integer a member of a request group
---@field columns Range of dense_hidden or shared_hidden [begin, end)

---who holds an expert, or columns of it
---@class PlanExpert
---@field layers Range layers [begin, end)
---@field expert integer its number; after the last: what all tokens pass beside their experts
---@field columns Range of expert_hidden or shared_hidden [begin, end)
---@field rank integer rank of the first copy
---@field replica integer 0: the primary

---a pipeline stage
---@class PlanStage
---@field layers Range layers [begin, end)
---@field attention PlanGroup[] request groups
---@field ffn PlanFfn[] feed-forwards of all tokens
---@field experts PlanExpert[] holders of experts

---entries of embedding or head on a rank
---@class PlanVocabulary
---@field rank integer a member of a request group
---@field entries Range vocabulary entries [begin, end)

---one part of a layer for one micro-batch
---@class PlanItem
---@field part "embed"|"receive"|"attention"|"dispatch"|"experts"|"combine"|"send"|"head"|"tokens" what is done
---@field microbatch integer for which micro-batch
---@field lag integer it works on layer (loop layer - lag)

---items repeated over layers
---@class PlanLoop
---@field layers Range once for each of these [begin, end)
---@field items PlanItem[] in this order

---what a set of ranks does, in program order
---@class PlanOrder
---@field ranks integer[] of the first copy
---@field loops PlanLoop[] one after the other

---A half-open range of integers.
---@class Range
---@field begin integer the first
---@field finish integer past the last

---pieces from one rank to another
---@class PlanTransfer
---@field from integer rank of the set
---@field to integer another one
---@field pieces Range of the move, the same place on both sides
---@field reduce "copy"|"sum" what becomes of them in the receiver

---ranks that run one primitive together
---@class PlanSet
---@field ranks integer[] its members
---@field pieces Range[] pieces of each member; none where there are transfers
---@field transfers PlanTransfer[] of primitive transfers, all at once

---a stage of a collective algorithm
---@class PlanMoveStage
---@field primitive "all_reduce"|"reduce_scatter"|"all_gather"|"transfers" what the sets do
---@field sets PlanSet[] disjoint

---a transfer between ranks
---@class PlanMove
---@field kind "attention_output"|"gather"|"embedding"|"ffn_output"|"norm"|"dispatch"|"combine"|"handover" what is moved
---@field group integer request group, counted over the stages; -1 for moves between groups
---@field algorithm string the Lua file that expanded it; for people
---@field pieces integer the payload is cut in so many pieces
---@field unit "element"|"row" what pieces are counted in
---@field stages PlanMoveStage[] of a collective
---@field mode "padded"|"exact" of dispatch and combine
---@field chunk integer tokens a transfer; 0: all at once
---@field in_flight integer transfers at most per pair
---@field stream "compute"|"dispatch"|"combine"|"collectives" where it runs

---what a program can be asked to do once
---@class PlanStep
---@field name string [a-z0-9-]
---@field phase "prefill"|"decode" what the step does
---@field tokens integer rows a sequence
---@field microbatches integer parts of each group's requests
---@field orders PlanOrder[] of all ranks
---@field moves PlanMove[] of this phase

---the reason of a choice
---@class PlanWhy
---@field choice string what was chosen
---@field reason string why
---@field runner_up string the next best
---@field where string file and line of the planner

---what a planner returns
---@class PlanDecisions
---@field name string of the program; empty: gen names it
---@field copies integer data-parallel copies
---@field ranks_per_copy integer ranks of one copy
---@field ranks PlanRank[] ascending
---@field idle PlanIdle[] GPUs that are not used
---@field stages PlanStage[] pipeline stages
---@field embedding PlanVocabulary[] who holds the embedding
---@field head PlanVocabulary[] who holds the head
---@field steps PlanStep[] of the program
---@field residual "replicated"|"sharded" over a request group
---@field replica_choice "nearest"|"round_robin" which replica of an expert a token takes
---@field why PlanWhy[] reasons

---Seconds of a prefill of the whole batch and of a decode step.
---@class PlanTimes
---@field prefill number [s]
---@field tpot number [s]

---What a plan costs, or why it cannot be priced: its own times are the expected ones.
---@class PlanPrice: PlanTimes
---@field ok boolean
---@field reason string? where ok is false; all other fields are absent then
---@field low PlanTimes if nothing were ever inefficient
---@field high PlanTimes a pessimistic case
---@field memory number? share of the fullest GPU's memory that is used; where over 1, ok is false

---The third argument of a strategy's plan function. It takes what plan functions return: a plan, or nil
---and a reason. Plans that do not fit memory or whose ranks wait for each other are refused.
---@alias PriceFunction fun(plan: table?, reason: string?): PlanPrice
