/* Ranks of program single-f32: where they are and what they hold. Made by gen: do not edit. */
#include "program.h"

/* clang-format off */

/* Names in checkpoints. */
#define TENSOR_ATTENTION_NORM "model.layers.{layer}.input_layernorm.weight"
#define TENSOR_EMBEDDING "model.embed_tokens.weight"
#define TENSOR_EXPERT_DOWN "model.layers.{layer}.block_sparse_moe.experts.{expert}.w2.weight"
#define TENSOR_EXPERT_GATE "model.layers.{layer}.block_sparse_moe.experts.{expert}.w1.weight"
#define TENSOR_EXPERT_UP "model.layers.{layer}.block_sparse_moe.experts.{expert}.w3.weight"
#define TENSOR_FFN_NORM "model.layers.{layer}.post_attention_layernorm.weight"
#define TENSOR_FINAL_NORM "model.norm.weight"
#define TENSOR_HEAD "lm_head.weight"
#define TENSOR_KEY "model.layers.{layer}.self_attn.k_proj.weight"
#define TENSOR_OUTPUT "model.layers.{layer}.self_attn.o_proj.weight"
#define TENSOR_QUERY "model.layers.{layer}.self_attn.q_proj.weight"
#define TENSOR_ROUTER "model.layers.{layer}.block_sparse_moe.gate.weight"
#define TENSOR_VALUE "model.layers.{layer}.self_attn.v_proj.weight"

/* name, layers [begin, end), expert, rows and columns of the tensor, rows [begin, end), columns [begin, end),
 * offset [bytes], bytes between layers, elements between rows, type, fill without a checkpoint */
static const rt_weight weights_0[] = {
    {TENSOR_EMBEDDING, -1, -1, -1, 512, 64, 0, 512, 0, 64, INT64_C(0), INT64_C(0), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_ATTENTION_NORM, 0, 2, -1, 64, 1, 0, 64, 0, 1, INT64_C(131072), INT64_C(256), 1, RT_F32, RT_FILL_ONE},
    {TENSOR_QUERY, 0, 2, -1, 64, 64, 0, 64, 0, 64, INT64_C(131584), INT64_C(32768), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_KEY, 0, 2, -1, 32, 64, 0, 32, 0, 64, INT64_C(147968), INT64_C(32768), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_VALUE, 0, 2, -1, 32, 64, 0, 32, 0, 64, INT64_C(156160), INT64_C(32768), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_OUTPUT, 0, 2, -1, 64, 64, 0, 64, 0, 64, INT64_C(197120), INT64_C(16384), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_FFN_NORM, 0, 2, -1, 64, 1, 0, 64, 0, 1, INT64_C(229888), INT64_C(256), 1, RT_F32, RT_FILL_ONE},
    {TENSOR_ROUTER, 0, 2, -1, 8, 64, 0, 8, 0, 64, INT64_C(230400), INT64_C(2048), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_FINAL_NORM, -1, -1, -1, 64, 1, 0, 64, 0, 1, INT64_C(234496), INT64_C(0), 1, RT_F32, RT_FILL_ONE},
    {TENSOR_HEAD, -1, -1, -1, 512, 64, 0, 512, 0, 64, INT64_C(234752), INT64_C(0), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_GATE, 0, 2, 0, 128, 64, 0, 128, 0, 64, INT64_C(365824), INT64_C(262144), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_GATE, 0, 2, 1, 128, 64, 0, 128, 0, 64, INT64_C(398592), INT64_C(262144), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_GATE, 0, 2, 2, 128, 64, 0, 128, 0, 64, INT64_C(431360), INT64_C(262144), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_GATE, 0, 2, 3, 128, 64, 0, 128, 0, 64, INT64_C(464128), INT64_C(262144), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_GATE, 0, 2, 4, 128, 64, 0, 128, 0, 64, INT64_C(496896), INT64_C(262144), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_GATE, 0, 2, 5, 128, 64, 0, 128, 0, 64, INT64_C(529664), INT64_C(262144), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_GATE, 0, 2, 6, 128, 64, 0, 128, 0, 64, INT64_C(562432), INT64_C(262144), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_GATE, 0, 2, 7, 128, 64, 0, 128, 0, 64, INT64_C(595200), INT64_C(262144), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_UP, 0, 2, 0, 128, 64, 0, 128, 0, 64, INT64_C(890112), INT64_C(262144), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_UP, 0, 2, 1, 128, 64, 0, 128, 0, 64, INT64_C(922880), INT64_C(262144), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_UP, 0, 2, 2, 128, 64, 0, 128, 0, 64, INT64_C(955648), INT64_C(262144), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_UP, 0, 2, 3, 128, 64, 0, 128, 0, 64, INT64_C(988416), INT64_C(262144), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_UP, 0, 2, 4, 128, 64, 0, 128, 0, 64, INT64_C(1021184), INT64_C(262144), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_UP, 0, 2, 5, 128, 64, 0, 128, 0, 64, INT64_C(1053952), INT64_C(262144), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_UP, 0, 2, 6, 128, 64, 0, 128, 0, 64, INT64_C(1086720), INT64_C(262144), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_UP, 0, 2, 7, 128, 64, 0, 128, 0, 64, INT64_C(1119488), INT64_C(262144), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_DOWN, 0, 2, 0, 64, 128, 0, 64, 0, 128, INT64_C(1414400), INT64_C(262144), 128, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_DOWN, 0, 2, 1, 64, 128, 0, 64, 0, 128, INT64_C(1447168), INT64_C(262144), 128, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_DOWN, 0, 2, 2, 64, 128, 0, 64, 0, 128, INT64_C(1479936), INT64_C(262144), 128, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_DOWN, 0, 2, 3, 64, 128, 0, 64, 0, 128, INT64_C(1512704), INT64_C(262144), 128, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_DOWN, 0, 2, 4, 64, 128, 0, 64, 0, 128, INT64_C(1545472), INT64_C(262144), 128, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_DOWN, 0, 2, 5, 64, 128, 0, 64, 0, 128, INT64_C(1578240), INT64_C(262144), 128, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_DOWN, 0, 2, 6, 64, 128, 0, 64, 0, 128, INT64_C(1611008), INT64_C(262144), 128, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_DOWN, 0, 2, 7, 64, 128, 0, 64, 0, 128, INT64_C(1643776), INT64_C(262144), 128, RT_F32, RT_FILL_UNIFORM},
};

const rt_place places[] = {
    {.role = 0, .index = 0, .node = 0, .gpu = 0, .weights = weights_0, .weight_count = 34}, /* 0 */
};

/* GPUs, NICs, bytes per second and seconds from GPU to GPU, bytes per second of a NIC */
const rt_node nodes[] = {
    {16, 0, 1000000000.0, 0.00002, 0.0}, /* 0 */
};

/* clang-format on */
