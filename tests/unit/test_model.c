/* Models: the shipped ones, a hub's config as it is, and what is refused with which words. */
#include "test.h"

#include "input/model.h"

#include <math.h>

static Model read_good(Test *test, const char *path) {
    Model model;
    if (model_read(&test->arena, path, NULL, &model, &test->diag) != STATUS_OK)
        fail_msg("%s", test_messages(test));
    return model;
}

static Model shipped(Test *test, const char *name) {
    return read_good(test, arena_printf(&test->arena, TEST_SOURCE "/models/%s.yaml", name));
}

/* The source counts the matrices of its layers only: 8.86 G. */
static void test_source_model(void **state) {
    Test *test = *state;
    Model model = shipped(test, "ma-8.9b");
    int64_t embeddings = (2 * model.vocabulary + model.max_positions) * model.hidden;
    int64_t norms = (2 * 2 * model.layers + 2) * model.hidden;
    assert_int_equal(model_parameters(&model) - embeddings - norms, INT64_C(8858632192));
    assert_int_equal(model.kv_heads, 32);
    assert_int_equal(model.norm, NORM_LAYER);
    assert_int_equal(model.position, POSITION_LEARNED);
    assert_int_equal(model.activation, ACTIVATION_GELU);
    assert_false(model.gated || model.renormalize || model.expert_bias || model.tie_embeddings);
    assert_true(model.norm_eps == 1e-12);
    assert_true(model.capacity_factor == 1);
    assert_string_equal(
        test_messages(test),
        TEST_SOURCE "/models/ma-8.9b.yaml:11:13: warning[E0210]: vocabulary is 50265, but the "
                    "tokenizer gpt2 has 50257 entries\n"
                    "   11 | vocabulary: 50265\n"
                    "      |             ^^^^^\n"
                    "  help: it never yields the ids 50257 to 50264: vocabulary: 50257 would do\n");
}

static void test_small_models(void **state) {
    Test *test = *state;
    Model model = shipped(test, "ma-small"), swiglu = shipped(test, "ma-small-swiglu");
    assert_int_equal(test->diag.count, 0);
    assert_true(model.expert_bias);
    assert_true(model_has(&model, TENSOR_EXPERT_UP_BIAS));
    assert_false(model_has(&model, TENSOR_EXPERT_GATE));
    assert_false(model_has(&model, TENSOR_EXPERT_GATE_BIAS));
    assert_false(model_has(&model, TENSOR_QUERY_BIAS));
    assert_true(model_has(&model, TENSOR_POSITIONS));
    assert_true(model_has(&model, TENSOR_HEAD));
    assert_true(swiglu.gated);
    assert_true(model_has(&swiglu, TENSOR_EXPERT_GATE));
    assert_int_equal(swiglu.activation, ACTIVATION_SILU);
    assert_int_equal(shipped(test, "ma-8.9b-swiglu").expert_hidden, 16384);
}

/* Of the source: 61 layers, three of them dense, 528 MB an expert in bf16, a cache four times smaller. */
static void test_large_model(void **state) {
    Test *test = *state;
    Model model = shipped(test, "large-ep-61");
    int64_t rows, columns;
    assert_int_equal(test->diag.count, 0);
    assert_int_equal(model.dense_layers.count, 3);
    assert_true(model_is_dense(&model, 2) && !model_is_dense(&model, 3));
    assert_int_equal(model_same_until(&model, 0, 61), 3);
    assert_int_equal(model_same_until(&model, 3, 61), 61);
    assert_int_equal(model.head_dim, 56);
    assert_int_equal(model.value_dim, 56);
    assert_int_equal(4 * model.hidden * model.expert_hidden, INT64_C(528482304));
    double smaller =
        2.0 * (double)(model.heads * model.head_dim) / (double)model_latent_dim(&model);
    assert_true(smaller > 3.9 && smaller < 4.1);
    int64_t expert = 2 * model.hidden * model.expert_hidden;
    int64_t attention = model.hidden * (128 * 56 + 3584 + 16) + 128 * (40 + 56) * 3584 + 3584 +
                        128 * 56 * model.hidden;
    int64_t rest = 2 * model.vocabulary * model.hidden + (2 * 61 + 1) * model.hidden;
    assert_int_equal(model_parameters(&model),
                     61 * attention + 3 * expert + 58 * (128 * expert + 128 * model.hidden) + rest);
    model_tensor_shape(&model, TENSOR_LATENT_UP, &rows, &columns);
    assert_int_equal(rows, 128 * (40 + 56));
    assert_int_equal(columns, 3584);
    assert_false(model_has(&model, TENSOR_KEY) || model_has(&model, TENSOR_QUERY_DOWN) ||
                 model_has(&model, TENSOR_DENSE_GATE) || model_has(&model, TENSOR_SHARED_UP));
    assert_false(model_has_in_layer(&model, TENSOR_ROUTER, 1));
    assert_true(model_has_in_layer(&model, TENSOR_DENSE_UP, 1));
    Model all = read_good(test, TEST_DATA "/latent-gated.yaml");
    assert_true(model_has(&all, TENSOR_QUERY_LATENT_NORM) &&
                model_has(&all, TENSOR_SHARED_GATE_BIAS));
    assert_false(model_has_in_layer(&all, TENSOR_SHARED_UP, 2));
    assert_true(model_has_in_layer(&all, TENSOR_SHARED_UP, 1));
}

static void test_tensors(void **state) {
    Test *test = *state;
    Model small = shipped(test, "ma-small"), swiglu = shipped(test, "ma-small-swiglu");
    Arena *arena = &test->arena;
    int64_t rows, columns;
    assert_string_equal(model_tensor_name(arena, &small, TENSOR_EXPERT_UP, 3, 15),
                        "model.layers.3.block_sparse_moe.experts.15.w1.weight");
    assert_string_equal(model_tensor_name(arena, &swiglu, TENSOR_EXPERT_UP, 3, 15),
                        "model.layers.3.block_sparse_moe.experts.15.w3.weight");
    assert_string_equal(model_tensor_name(arena, &small, TENSOR_HEAD, 3, 15), "lm_head.weight");
    assert_null(model_tensor_name(arena, &small, TENSOR_EXPERT_GATE, 0, 0));
    model_tensor_shape(&small, TENSOR_EXPERT_DOWN, &rows, &columns);
    assert_int_equal(rows, 256);
    assert_int_equal(columns, 1024);
    model_tensor_shape(&small, TENSOR_EXPERT_UP_BIAS, &rows, &columns);
    assert_int_equal(rows, 1024);
    assert_int_equal(columns, 1);
    for (int kind = 0; tensor_kind_names[kind]; kind++)
        assert_false(tensor_kind_per_expert((TensorKind)kind) &&
                     !tensor_kind_per_layer((TensorKind)kind));
    assert_null(tensor_kind_names[TENSOR_KINDS]);
    assert_string_equal(tensor_kind_names[TENSOR_HEAD], "head");
    assert_string_equal(tensor_kind_names[TENSOR_ROUTER], "router");
    assert_string_equal(tensor_kind_names[TENSOR_EXPERT_DOWN_BIAS], "expert_down_bias");
}

/* What the plan carries reads back equal, with nothing left to fill in. */
static void test_round_trip(void **state) {
    Test *test = *state;
    Model model = shipped(test, "ma-small"), again;
    Buf text = {0}, differences = {0};
    Jsonw json;
    jsonw_begin(&json, &text);
    schema_write(&model_schema, &model, &json);
    jsonw_finish(&json);
    assert_int_equal(
        schema_read(&model_schema, test_yaml(test, text.data), &again, &test->arena, &test->diag),
        STATUS_OK);
    assert_int_equal(schema_diff(&model_schema, &model, &again, &differences), 0);
    Model third = read_good(test, test_file(test, "m.yaml", text.data));
    assert_int_equal(schema_diff(&model_schema, &model, &third, &differences), 0);
    buf_free(&text);
    buf_free(&differences);
}

static void test_mixtral(void **state) {
    Test *test = *state;
    Model model = read_good(test, TEST_SOURCE "/tests/data/mixtral-tiny");
    assert_int_equal(test->diag.count, 0);
    assert_string_equal(model.name, "mixtral-tiny");
    assert_string_equal(model.family, "mixtral");
    int64_t sizes[] = {model.layers,        model.hidden,       model.heads,   model.kv_heads,
                       model.head_dim,      model.vocabulary,   model.experts, model.top_k,
                       model.max_positions, model.expert_hidden};
    const int64_t wanted[] = {2, 64, 8, 4, 8, 512, 8, 2, 256, 128};
    assert_memory_equal(sizes, wanted, sizeof(wanted));
    assert_int_equal(model.norm, NORM_RMS);
    assert_int_equal(model.position, POSITION_ROPE);
    assert_int_equal(model.activation, ACTIVATION_SILU);
    assert_true(model.gated && model.renormalize);
    assert_false(model.tie_embeddings || model.attention_bias);
    assert_true(model.rope_theta == 1e6 && model.norm_eps == 1e-5 && model.capacity_factor == 0);
    assert_int_equal(model.tensors.count, 13);
    assert_string_equal(model_tensor_name(&test->arena, &model, TENSOR_EXPERT_UP, 1, 7),
                        "model.layers.1.block_sparse_moe.experts.7.w3.weight");
    assert_int_equal(model_parameters(&model), 484672);
}

/* Of 8 elements that rotate, pairs turn by powers of theta; slower where positions are scaled. YaRN leaves the pairs that
 * turn more than beta_fast times within 256 positions (pair 0), stretches those that turn less than beta_slow times (from
 * pair 2 on), and the one between by half. */
static void test_rope_frequencies(void **state) {
    (void)state;
    Model model = {.rope_dim = 8, .rope_theta = 10000};
    assert_true(model_rope_frequency(&model, 0) == 1);
    assert_true(fabs(model_rope_frequency(&model, 1) - 0.1) < 1e-15);
    assert_true(fabs(model_rope_frequency(&model, 3) - 0.001) < 1e-17);
    model.rope_scaling = (RopeScaling){.kind = ROPE_LINEAR, .factor = 4};
    assert_true(fabs(model_rope_frequency(&model, 1) - 0.025) < 1e-15);
    model.rope_scaling = (RopeScaling){
        .kind = ROPE_YARN, .factor = 4, .original_positions = 256, .beta_fast = 32, .beta_slow = 1};
    assert_true(model_rope_frequency(&model, 0) == 1);
    assert_true(fabs(model_rope_frequency(&model, 1) - 0.1 * (0.5 + 0.5 / 4)) < 1e-15);
    assert_true(fabs(model_rope_frequency(&model, 2) - 0.01 / 4) < 1e-15);
    assert_true(fabs(model_rope_frequency(&model, 3) - 0.001 / 4) < 1e-15);
}

/* A config of transformers 4: no head_dim, rope_theta at the top, tied embeddings. */
#define V4                                                                                         \
    "{\"model_type\": \"mixtral\", \"hidden_size\": 64, \"num_hidden_layers\": 2,\n"               \
    " \"num_attention_heads\": 8, \"num_key_value_heads\": 4, \"vocab_size\": 512,\n"              \
    " \"max_position_embeddings\": 256, \"intermediate_size\": 128, \"num_local_experts\": 8,\n"   \
    " \"num_experts_per_tok\": 2, \"rms_norm_eps\": 1e-05, \"hidden_act\": \"silu\""

static void test_hub_version_4(void **state) {
    Test *test = *state;
    const char *path = test_file(test, "config.json",
                                 V4 ",\n \"rope_theta\": 5000.0, \"tie_word_embeddings\": true,\n"
                                    " \"sliding_window\": null, \"rope_scaling\": null,\n"
                                    " \"pruned_heads\": {}, \"torch_dtype\": \"bfloat16\"}\n");
    Model model = read_good(test, path);
    assert_int_equal(test->diag.count, 0);
    assert_int_equal(model.head_dim, 8);
    assert_true(model.rope_theta == 5000);
    assert_true(model.tie_embeddings);
    assert_false(model_has(&model, TENSOR_HEAD));
    path = test_file(test, "config.json", V4 "}\n");
    assert_true(read_good(test, path).rope_theta == 1e6); /* the family's own default */
}

/* Key-value heads: silence is the family's default, null means as many as query heads. */
static void test_hub_null(void **state) {
    Test *test = *state;
    const char *rest = " \"vocab_size\": 512, \"num_attention_heads\": 16,"
                       " \"max_position_embeddings\": 256, \"intermediate_size\": 128,\n"
                       " \"num_experts_per_tok\": 2, \"rms_norm_eps\": 1e-05,"
                       " \"hidden_act\": \"silu\", \"num_local_experts\": 8}";
    const char *head = "{\"model_type\": \"mixtral\", \"hidden_size\": 64,"
                       " \"num_hidden_layers\": 2,";
    const char *silent = arena_printf(&test->arena, "%s%s", head, rest);
    const char *null =
        arena_printf(&test->arena, "%s \"num_key_value_heads\": null,%s", head, rest);
    assert_int_equal(read_good(test, test_file(test, "a.json", silent)).kv_heads, 8);
    assert_int_equal(read_good(test, test_file(test, "b.json", null)).kv_heads, 16);
}

/* Messages for a text in a file; the path is cut off at the front of each line. */
static void refuse(Test *test, const char *name, const char *text, Status wanted,
                   const char *messages) {
    Model model;
    const char *path = test_file(test, name, text);
    assert_int_equal(model_read(&test->arena, path, NULL, &model, &test->diag), wanted);
    const char *got = test_messages(test);
    const char *plain = "";
    for (const char *at; (at = strstr(got, path)); got = at + strlen(path))
        plain = arena_printf(&test->arena, "%s%.*s", plain, (int)(at - got), got);
    assert_string_equal(arena_printf(&test->arena, "%s%s", plain, got), messages);
}

static void test_hub_refused(void **state) {
    Test *test = *state;
    refuse(test, "config.json", V4 ",\n \"attention_bias\": true}\n", STATUS_DATA,
           ":5:20: error[E0205]: attention_bias true is not supported\n"
           "    5 |  \"attention_bias\": true}\n"
           "      |                    ^^^^\n"
           "  help: supported: false\n");
    refuse(test, "config.json", V4 ",\n \"rope_parameters\": {\"rope_type\": \"yarn\"}}\n",
           STATUS_DATA,
           ":5:35: error[E0205]: rope_parameters.rope_type yarn is not supported\n"
           "    5 |  \"rope_parameters\": {\"rope_type\": \"yarn\"}}\n"
           "      |                                   ^^^^^^\n"
           "  help: yarn needs a factor\n");
    refuse(test, "config.json", V4 ",\n \"rope_scaling\": {\"type\": \"dynamic\"}}\n", STATUS_DATA,
           ":5:27: error[E0205]: rope_scaling.type dynamic is not supported\n"
           "    5 |  \"rope_scaling\": {\"type\": \"dynamic\"}}\n"
           "      |                           ^^^^^^^^^\n"
           "  help: supported are default, linear with a factor, and yarn\n");
    refuse(test, "config.json",
           V4 ",\n \"rope_theta\": 1.0, \"rope_parameters\": {\"rope_theta\": 2.0}}\n", STATUS_DATA,
           ":5:55: error[E0209]: rope_parameters.rope_theta contradicts an earlier key for the "
           "same figure\n"
           "    5 |  \"rope_theta\": 1.0, \"rope_parameters\": {\"rope_theta\": 2.0}}\n"
           "      |                                                       ^^^\n"
           "  help: keep one of the two\n");
    refuse(test, "config.json", "{\"model_type\": \"mixtral\", \"hidden_act\": \"relu\"}",
           STATUS_DATA,
           ":1:41: error[E0205]: hidden_act relu is not supported\n"
           "    1 | {\"model_type\": \"mixtral\", \"hidden_act\": \"relu\"}\n"
           "      |                                         ^^^^^^\n"
           "  help: supported are gelu, gelu_new, gelu_pytorch_tanh, silu, swish\n");
}

static void test_hub_keys(void **state) {
    Test *test = *state;
    refuse(test, "config.json", V4 ",\n \"zeta\": 1, \"rope_parameters\": {\"beta\": 2}}\n",
           STATUS_OK,
           ":5:2: note[E0207]: keys not known, taken as harmless: zeta, rope_parameters.beta\n"
           "    5 |  \"zeta\": 1, \"rope_parameters\": {\"beta\": 2}}\n"
           "      |  ^^^^^^\n");
    Model model;
    const char *path = test_file(test, "config.json", "{\"model_type\": \"mixtral\"}");
    assert_int_equal(model_read(&test->arena, path, NULL, &model, &test->diag), STATUS_DATA);
    assert_int_equal(test->diag.errors, 10);
    assert_non_null(
        strstr(test_messages(test), "error[E0208]: the key `num_local_experts` is missing\n"));
    /* A wrong size is told by our name for it, at the place in the hub's file. */
    refuse(
        test, "config.json",
        "{\"model_type\": \"mixtral\", \"hidden_size\": 64, \"num_hidden_layers\": 2,\n"
        " \"num_attention_heads\": 8, \"num_key_value_heads\": 3, \"vocab_size\": 512,\n"
        " \"max_position_embeddings\": 256, \"intermediate_size\": 128, \"num_local_experts\": 8,\n"
        " \"num_experts_per_tok\": 9, \"rms_norm_eps\": 1e-05, \"hidden_act\": \"silu\"}",
        STATUS_DATA,
        ":2:51: error[E0201]: 8 heads cannot share 3 key-value heads evenly\n"
        "    2 |  \"num_attention_heads\": 8, \"num_key_value_heads\": 3, \"vocab_size\": 512,\n"
        "      |                                                   ^\n"
        "  help: each key-value head serves the same number of query heads\n"
        ":4:25: error[E0202]: top_k 9 is over the 8 experts of a layer\n"
        "    4 |  \"num_experts_per_tok\": 9, \"rms_norm_eps\": 1e-05, \"hidden_act\": \"silu\"}\n"
        "      |                         ^\n"
        "  help: a token goes to different experts: write at most their number\n");
}

/* What is told of families, but for the list of those that are known, which grows. */
static void test_families(void **state) {
    Test *test = *state;
    static const struct {
        const char *text, *said;
    } unknown[] = {
        {"{\"model_type\": \"mixtrall\"}",
         ":1:16: error[E0206]: the model family mixtrall is not known\n"
         "    1 | {\"model_type\": \"mixtrall\"}\n"
         "      |                ^^^^^^^^^^\n"
         "  help: did you mean mixtral? Known are deepseek_v3, "},
        {"{\"model_type\": \"../../etc/passwd\"}",
         ":1:16: error[E0206]: the model family ../../etc/passwd is not known\n"
         "    1 | {\"model_type\": \"../../etc/passwd\"}\n"
         "      |                ^^^^^^^^^^^^^^^^^^\n"
         "  help: known are deepseek_v3, "},
    };
    for (int i = 0; i < 2; i++) {
        Model model;
        const char *path = test_file(test, "config.json", unknown[i].text);
        assert_int_equal(model_read(&test->arena, path, NULL, &model, &test->diag), STATUS_DATA);
        const char *said = test_messages(test);
        assert_non_null(strstr(said, unknown[i].said));
        assert_non_null(strstr(said, "mixtral, moe_transformer, "));
    }
    refuse(test, "config.json", "{\"model_type\": \"moe_transformer\"}", STATUS_DATA,
           ":1:16: error[E0206]: the model family moe_transformer has no hub format\n"
           "    1 | {\"model_type\": \"moe_transformer\"}\n"
           "      |                ^^^^^^^^^^^^^^^^^\n"
           "  help: write our own YAML, without model_type\n");
}

#define OWN                                                                                        \
    "name: t\nlayers: 1\nhidden: 10\nvocabulary: 9\nmax_positions: 8\nnorm: rms\n"                 \
    "norm_eps: 1e-5\nposition: rope\nactivation: silu\ngated: true\nexperts: 2\n"                  \
    "expert_hidden: 4\ntop_k: 1\nrenormalize: true\n"

static void test_own(void **state) {
    Test *test = *state;
    Model model = read_good(test, test_file(test, "m.yaml", OWN "heads: 5\nkv_heads: 1\n"));
    assert_int_equal(model.head_dim, 2);
    assert_int_equal(model.tensors.count, 13);
    refuse(test, "m.yaml", OWN "heads: 3\n", STATUS_DATA,
           ":15:8: error[E0203]: hidden 10 cannot be divided among 3 heads\n"
           "   15 | heads: 3\n"
           "      |        ^\n"
           "  help: write head_dim\n");
    refuse(test, "m.yaml", OWN "heads: 5\nhead_dim: 3\n", STATUS_DATA,
           ":16:11: error[E0204]: head_dim 3 is odd, but position is rope\n"
           "   16 | head_dim: 3\n"
           "      |           ^\n"
           "  help: rotary positions turn pairs of elements\n");
    refuse(test, "m.yaml", OWN "heads: 5\nhaed_dim: 4\n", STATUS_DATA,
           ":16:1: error[E0107]: unknown key `haed_dim`\n"
           "   16 | haed_dim: 4\n"
           "      | ^^^^^^^^\n"
           "  help: did you mean `head_dim`?\n");
    refuse(test, "m.yaml", OWN "num_attention_heads: 5\n", STATUS_OK,
           ":15:1: note[E0106]: `num_attention_heads` is read as `heads`\n"
           "   15 | num_attention_heads: 5\n"
           "      | ^^^^^^^^^^^^^^^^^^^\n");
    refuse(test, "m.yaml", OWN "heads: 2147483648\n", STATUS_DATA,
           ":15:8: error[E0110]: heads must be at most 2147483647, not 2147483648\n"
           "   15 | heads: 2147483648\n"
           "      |        ^^^^^^^^^^\n"
           "  help: query heads\n");
    refuse(test, "m.yaml", OWN "heads: 2147483647\nhead_dim: 2147483646\n", STATUS_DATA,
           ":1:1: error[E0213]: the model has over 10^15 parameters\n"
           "    1 | name: t\n"
           "      | ^\n"
           "  help: check the sizes\n");
}

/* A family that lacks a tensor of the model says so; a user's own folder of families is taken. */
static void test_share(void **state) {
    Test *test = *state;
    refuse(test, "m.yaml", OWN "heads: 5\nfamily: mixtral\nexpert_bias: true\nnorm_eps: 1e-6\n",
           STATUS_DATA,
           ":18:1: error[E0102]: the key `norm_eps` was given before, in line 7\n"
           "   18 | norm_eps: 1e-6\n"
           "      | ^^^^^^^^\n"
           "  help: keep one of the two\n");
    Model model;
    const char *path =
        test_file(test, "m.yaml", OWN "heads: 5\nfamily: mixtral\nexpert_bias: true\n");
    assert_int_equal(model_read(&test->arena, path, NULL, &model, &test->diag), STATUS_DATA);
    assert_int_equal(test->diag.errors, 3);
    assert_non_null(strstr(test_messages(test),
                           "error[E0212]: the family mixtral has no tensor expert_gate_bias\n"));
    mkdir(test_path(test, "lua"), 0777);
    mkdir(test_path(test, "lua/families"), 0777);
    path = test_file(test, "m.yaml", OWN "heads: 5\nfamily: mine\n");
    test_file(test, "lua/families/mine.lua", "return { name = 'mine' }\n");
    assert_int_equal(model_read(&test->arena, path, test->dir, &model, &test->diag), STATUS_DATA);
    assert_non_null(strstr(test_messages(test), "error[E0211]: the family file "
                                                "lua/families/mine.lua has no table `tensors`\n"));
    test_file(test, "lua/families/mine.lua",
              "local base = require('families.moe_transformer')\n"
              "local tensors = {}\n"
              "for k, v in pairs(base.tensors) do tensors[k] = 'my.' .. v end\n"
              "return { name = 'mine', tensors = tensors }\n");
    assert_int_equal(model_read(&test->arena, path, test->dir, &model, &test->diag), STATUS_OK);
    assert_string_equal(model_tensor_name(&test->arena, &model, TENSOR_HEAD, 0, 0),
                        "my.lm_head.weight");
}

static void test_missing(void **state) {
    Test *test = *state;
    Model model;
    assert_int_equal(model_read(&test->arena, test->dir, NULL, &model, &test->diag),
                     STATUS_NOINPUT);
    test_messages(test);
    test_path(test, "");
    assert_int_equal(model_read(&test->arena, test->dir, NULL, &model, &test->diag),
                     STATUS_NOINPUT);
    assert_string_equal(
        test_messages(test),
        arena_printf(&test->arena,
                     "%s/config.json: error[E0901]: there is no such file\n"
                     "  help: check the path; it is taken from the current folder\n",
                     test->dir));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_source_model),  TEST(test_small_models), TEST(test_large_model),
        TEST(test_tensors),       TEST(test_round_trip),   TEST(test_mixtral),
        TEST(test_hub_version_4), TEST(test_hub_refused),  TEST(test_hub_keys),
        TEST(test_families),      TEST(test_hub_null),     TEST(test_own),
        TEST(test_share),         TEST(test_missing),      TEST(test_rope_frequencies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
