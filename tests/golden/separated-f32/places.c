/* Ranks of program separated-f32: where they are and what they hold. Made by gen: do not edit. */
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
};

static const rt_weight weights_1[] = {
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
};

static const rt_weight weights_2[] = {
    {TENSOR_EXPERT_GATE, 0, 2, 0, 128, 64, 0, 128, 0, 64, INT64_C(0), INT64_C(131072), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_GATE, 0, 2, 1, 128, 64, 0, 128, 0, 64, INT64_C(32768), INT64_C(131072), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_GATE, 0, 2, 2, 128, 64, 0, 128, 0, 64, INT64_C(65536), INT64_C(131072), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_GATE, 0, 2, 3, 128, 64, 0, 128, 0, 64, INT64_C(98304), INT64_C(131072), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_UP, 0, 2, 0, 128, 64, 0, 128, 0, 64, INT64_C(262144), INT64_C(131072), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_UP, 0, 2, 1, 128, 64, 0, 128, 0, 64, INT64_C(294912), INT64_C(131072), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_UP, 0, 2, 2, 128, 64, 0, 128, 0, 64, INT64_C(327680), INT64_C(131072), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_UP, 0, 2, 3, 128, 64, 0, 128, 0, 64, INT64_C(360448), INT64_C(131072), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_DOWN, 0, 2, 0, 64, 128, 0, 64, 0, 128, INT64_C(524288), INT64_C(131072), 128, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_DOWN, 0, 2, 1, 64, 128, 0, 64, 0, 128, INT64_C(557056), INT64_C(131072), 128, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_DOWN, 0, 2, 2, 64, 128, 0, 64, 0, 128, INT64_C(589824), INT64_C(131072), 128, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_DOWN, 0, 2, 3, 64, 128, 0, 64, 0, 128, INT64_C(622592), INT64_C(131072), 128, RT_F32, RT_FILL_UNIFORM},
};

static const rt_weight weights_3[] = {
    {TENSOR_EXPERT_GATE, 0, 2, 4, 128, 64, 0, 128, 0, 64, INT64_C(0), INT64_C(131072), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_GATE, 0, 2, 5, 128, 64, 0, 128, 0, 64, INT64_C(32768), INT64_C(131072), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_GATE, 0, 2, 6, 128, 64, 0, 128, 0, 64, INT64_C(65536), INT64_C(131072), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_GATE, 0, 2, 7, 128, 64, 0, 128, 0, 64, INT64_C(98304), INT64_C(131072), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_UP, 0, 2, 4, 128, 64, 0, 128, 0, 64, INT64_C(262144), INT64_C(131072), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_UP, 0, 2, 5, 128, 64, 0, 128, 0, 64, INT64_C(294912), INT64_C(131072), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_UP, 0, 2, 6, 128, 64, 0, 128, 0, 64, INT64_C(327680), INT64_C(131072), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_UP, 0, 2, 7, 128, 64, 0, 128, 0, 64, INT64_C(360448), INT64_C(131072), 64, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_DOWN, 0, 2, 4, 64, 128, 0, 64, 0, 128, INT64_C(524288), INT64_C(131072), 128, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_DOWN, 0, 2, 5, 64, 128, 0, 64, 0, 128, INT64_C(557056), INT64_C(131072), 128, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_DOWN, 0, 2, 6, 64, 128, 0, 64, 0, 128, INT64_C(589824), INT64_C(131072), 128, RT_F32, RT_FILL_UNIFORM},
    {TENSOR_EXPERT_DOWN, 0, 2, 7, 64, 128, 0, 64, 0, 128, INT64_C(622592), INT64_C(131072), 128, RT_F32, RT_FILL_UNIFORM},
};

const rt_place places[] = {
    {.role = 0, .index = 0, .node = 0, .gpu = 0, .weights = weights_0, .weight_count = 10}, /* 0 */
    {.role = 0, .index = 1, .node = 0, .gpu = 1, .weights = weights_1, .weight_count = 10}, /* 1 */
    {.role = 1, .index = 0, .node = 0, .gpu = 2, .weights = weights_2, .weight_count = 12}, /* 2 */
    {.role = 1, .index = 1, .node = 0, .gpu = 3, .weights = weights_3, .weight_count = 12}, /* 3 */
};

/* GPUs, NICs, bytes per second and seconds from GPU to GPU, bytes per second of a NIC */
const rt_node nodes[] = {
    {16, 0, 1000000000.0, 0.00002, 0.0}, /* 0 */
};

/* clang-format on */
