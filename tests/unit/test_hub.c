/* Hub configs through families of the user's own: each way in which a key is used, refused or passed over; families
 * that are no such tables; and what sizes of models contradict each other. */
#include "test.h"

#include "input/model.h"

static void folders(Test *test) {
    mkdir(test_path(test, "lua"), 0777);
    mkdir(test_path(test, "lua/families"), 0777);
}

/* The family `mine`: Mixtral's tensors and fixed figures, and what `more` changes in M. */
static void family(Test *test, const char *more) {
    folders(test);
    test_file(test, "lua/families/mine.lua",
              arena_printf(&test->arena,
                           "local base = require('families.mixtral')\n"
                           "local M = {}\n"
                           "for k, v in pairs(base) do M[k] = v end\n"
                           "M.keys = {}\n"
                           "for k, v in pairs(base.keys) do M.keys[k] = v end\n"
                           "%s\nreturn M\n",
                           more));
}

#define CONFIG                                                                                     \
    "{\"model_type\": \"mine\", \"hidden_size\": 64, \"num_hidden_layers\": 2,\n"                  \
    " \"num_attention_heads\": 8, \"vocab_size\": 512,\n"                                          \
    " \"max_position_embeddings\": 256, \"intermediate_size\": 128, \"num_local_experts\": 8,\n"   \
    " \"num_experts_per_tok\": 2, \"rms_norm_eps\": 1e-05, \"hidden_act\": \"silu\""

static Status read_config(Test *test, const char *text, Model *model) {
    return model_read(&test->arena, test_file(test, "config.json", text), test->dir, model,
                      &test->diag);
}

static void refuse(Test *test, const char *text, const char *said) {
    Model model;
    assert_int_equal(read_config(test, text, &model), STATUS_DATA);
    const char *messages = test_messages(test);
    if (!strstr(messages, said))
        fail_msg("expected '%s' of %s\ngot %s", said, text, messages);
}

static Model read_good(Test *test, const char *text) {
    Model model;
    if (read_config(test, text, &model) != STATUS_OK)
        fail_msg("%s", test_messages(test));
    return model;
}

/* Two keys of the hub for one field: equal values agree, however they are written; null gives way. */
static void two_keys_for_one_field(void **state) {
    Test *test = *state;
    family(test, "M.keys.width = 'hidden' M.keys.kind = 'activation' M.values = {}");
    assert_int_equal(read_good(test, CONFIG ", \"width\": 64}").hidden, 64);
    assert_int_equal(read_good(test, CONFIG ", \"width\": 6.4e1}").hidden, 64);
    assert_int_equal(read_good(test, CONFIG ", \"width\": null}").hidden, 64);
    assert_int_equal(read_good(test, CONFIG ", \"kind\": \"silu\"}").activation, ACTIVATION_SILU);
    refuse(test, CONFIG ", \"width\": 65}", "error[E0209]: width contradicts an earlier key");
    assert_int_equal(read_good(test, CONFIG ", \"width\": \"64\"}").hidden, 64);
    refuse(test, CONFIG ", \"width\": [64]}", "error[E0209]: width contradicts an earlier key");
    refuse(test, CONFIG ", \"kind\": \"gelu\"}", "error[E0209]: kind contradicts an earlier key");
    refuse(test, CONFIG ", \"kind\": 1}", "error[E0209]: kind contradicts an earlier key");
}

/* A null that comes first is replaced by the figure that follows. */
static void null_gives_way(void **state) {
    Test *test = *state;
    family(test, "M.keys.kv = 'kv_heads'");
    assert_int_equal(read_good(test, CONFIG ", \"kv\": null, \"num_key_value_heads\": 2}").kv_heads,
                     2);
    assert_int_equal(read_good(test, CONFIG ", \"num_key_value_heads\": 2, \"kv\": null}").kv_heads,
                     2);
    assert_int_equal(
        read_good(test, CONFIG ", \"num_key_value_heads\": null, \"kv\": null}").kv_heads, 8);
    refuse(test, CONFIG ", \"kv\": 4, \"num_key_value_heads\": 2}",
           "error[E0209]: num_key_value_heads contradicts");
}

static void values(void **state) {
    Test *test = *state;
    family(test, "M.values = { hidden_act = { silu = 'gelu_tanh' } }");
    assert_int_equal(read_good(test, CONFIG "}").activation, ACTIVATION_GELU_TANH);
    family(test, "M.values = { hidden_act = { relu = 'silu' } }");
    refuse(test, CONFIG "}", "error[E0205]: hidden_act silu is not supported");
    refuse(test, CONFIG "}", "help: supported are relu");
    family(test, "M.values = { vocab_size = { big = 1024 } }");
    refuse(test, "{\"model_type\": \"mine\", \"vocab_size\": {\"big\": 1}}",
           "error[E0205]: vocab_size of this form is not supported");
    refuse(test, "{\"model_type\": \"mine\", \"vocab_size\": [\"big\"]}",
           "error[E0205]: vocab_size of this form is not supported");
}

/* Keys with one supported value; keys that say nothing; keys of mappings; keys that nobody knows. */
static void keys_that_are_not_used(void **state) {
    Test *test = *state;
    family(test, "M.only = { window = {}, scale = { 1.0, 'one' }, ['deep.deeper.x'] = { true } }\n"
                 "M.harmless = { 'model_type', 'shape', 'deep.note' }");
    read_good(test,
              CONFIG ", \"window\": null, \"window2\": [], \"window3\": {}, \"shape\": [1, 2]}");
    assert_int_equal(test->diag.count, 0);
    read_good(test, CONFIG ", \"scale\": 1, \"deep\": {\"note\": 3, \"deeper\": {\"x\": true}}}");
    assert_int_equal(test->diag.count, 0);
    read_good(test, CONFIG ", \"scale\": \"one\"}");
    refuse(test, CONFIG ", \"scale\": 2}", "error[E0205]: scale 2 is not supported");
    refuse(test, CONFIG ", \"scale\": 2}", "help: supported: 1, one");
    refuse(test, CONFIG ", \"scale\": [1]}", "error[E0205]: scale of this form is not supported");
    refuse(test, CONFIG ", \"window\": 1}", "help: only null is supported");
    refuse(test, CONFIG ", \"deep\": {\"deeper\": {\"x\": false}}}",
           "error[E0205]: deep.deeper.x false is not supported");
    read_good(test, CONFIG ", \"dee\": {\"x\": 1}, \"deep\": {\"deepe\": 1, \"deeper\": 2}}");
    assert_non_null(
        strstr(test_messages(test),
               "note[E0207]: keys not known, taken as harmless: dee, deep.deepe, deep.deeper"));
}

/* A family without any of the optional tables, and with empty ones. */
static void families_with_little(void **state) {
    Test *test = *state;
    folders(test);
    static const char *const tails[] = {"",
                                        ", values = {}, only = {}, harmless = {}, defaults = {}"};
    for (int i = 0; i < 2; i++) {
        test_file(test, "lua/families/mine.lua",
                  arena_printf(
                      &test->arena,
                      "local base = require('families.mixtral')\n"
                      "return { keys = base.keys, fixed = base.fixed, tensors = base.tensors%s }",
                      tails[i]));
        assert_int_equal(read_good(test, CONFIG "}").kv_heads, 8);
        assert_non_null(strstr(test_messages(test), "taken as harmless: model_type"));
    }
    test_file(test, "lua/families/mine.lua", "return { keys = {}, tensors = {} }");
    refuse(test, CONFIG "}", "error[E0108]: the key `layers` is missing");
    test_file(test, "lua/families/mine.lua", "return { tensors = {} }");
    refuse(test, CONFIG "}", "error[E0206]: the model family mine has no hub format");
}

/* Names that models without gates have; kinds that the family has no name for. */
static void names_without_gates(void **state) {
    Test *test = *state;
    family(test,
           "M.fixed = { norm = 'rms', position = 'rope', gated = false, renormalize = true }\n"
           "M.ungated = { expert_up = 'plain.{layer}.{expert}' }");
    Model model = read_good(test, CONFIG "}");
    assert_string_equal(model_tensor_name(&test->arena, &model, TENSOR_EXPERT_UP, 1, 2),
                        "plain.1.2");
    assert_string_equal(model_tensor_name(&test->arena, &model, TENSOR_HEAD, 1, 2),
                        "lm_head.weight");
    family(test, "M.ungated = { expert_up = 'plain' }"); /* gated: they do not count */
    model = read_good(test, CONFIG "}");
    assert_string_equal(model_tensor_name(&test->arena, &model, TENSOR_EXPERT_UP, 1, 2),
                        "model.layers.1.block_sparse_moe.experts.2.w3.weight");
    family(test, "M.tensors = { head = 'head' }");
    refuse(test, CONFIG "}", "error[E0212]: the family mine has no tensor router");
}

/* A folder of the user's may hold anything: a table of another form is named, and nothing is read of it. */
static void families_of_another_form(void **state) {
    static const struct {
        const char *more, *said;
    } cases[] = {
        {"M.tensors = nil", "has no table `tensors`"},
        {"M.tensors = 'x'", "`tensors` must be a name for each kind of tensor"},
        {"M.tensors = { 'x' }", "`tensors` must be a name for each kind of tensor"},
        {"M.tensors = { head = {} }", "`tensors` must be a name for each kind of tensor"},
        {"M.ungated = { head = { {} } }", "`ungated` must be a name for each kind of tensor"},
        {"M.keys = { hidden_size = {} }", "`keys` must be a field of ours for each key of the hub"},
        {"M.keys = { 'hidden' }", "`keys` must be a field of ours"},
        {"M.keys = 3", "`keys` must be a field of ours"},
        {"M.values = { hidden_act = 'silu' }", "`values` must be a table of values for each key"},
        {"M.values = { hidden_act = { silu = {} } }",
         "`values` must be a table of values for each key"},
        {"M.values = { { silu = 'x' } }", "`values` must be a table of values for each key"},
        {"M.only = { scale = 1 }", "`only` must be a list of values for each key"},
        {"M.only = { scale = { { 1 } } }", "`only` must be a list of values for each key"},
        {"M.only = { scale = { x = 1 } }", "`only` must be a list of values for each key"},
        {"M.harmless = { x = 1 }", "`harmless` must be a list of keys"},
        {"M.harmless = { {} }", "`harmless` must be a list of keys"},
        {"M.fixed = true", "`fixed` must be values of our fields"},
        {"M.defaults = { 1 }", "`defaults` must be values of our fields"},
    };
    Test *test = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        family(test, cases[i].more);
        refuse(test, CONFIG "}", "error[E0211]: the family file lua/families/mine.lua");
        refuse(test, CONFIG "}", cases[i].said);
    }
    family(test, "M.fixed = { layers = { 1 } }");
    refuse(test, CONFIG "}", "error");
    test_file(test, "lua/families/mine.lua", "return 3");
    refuse(test, CONFIG "}", "has no table `tensors`");
    test_file(test, "lua/families/mine.lua", "return function() end");
    refuse(test, CONFIG "}", "error[E0451]");
    test_file(test, "lua/families/mine.lua", "error('oh')");
    refuse(test, CONFIG "}", "error[E0450]: oh");
}

static void types_of_families(void **state) {
    Test *test = *state;
    refuse(test, "{\"model_type\": [\"mixtral\"]}", "error[E0206]: the model family  is not known");
    refuse(test, "{\"model_type\": \"../mixtral\"}",
           "error[E0206]: the model family ../mixtral is not known");
    refuse(test, "{\"model_type\": \"mixtrol\"}", "help: did you mean mixtral?");
    refuse(test, "{\"model_type\": \"\"}", "error[E0206]");
    refuse(test, "{\"family\": [\"mixtral\"]}", "error[E0109]: family must be a single value");
    refuse(test, "[]", "error[E0109]");
    refuse(test, "3", "error[E0109]");
}

/* The folder gives the model its name; where there is none, the family does. */
static void names_of_models(void **state) {
    static const struct {
        const char *folder, *name;
    } cases[] = {{"tiny", "tiny"}, {"tiny/.", "mine"}, {"tiny/..", "mine"}, {"tiny//", "mine"}};
    Test *test = *state;
    family(test, "");
    mkdir(test_path(test, "tiny"), 0777);
    test_file(test, "tiny/config.json", CONFIG "}");
    test_file(test, "config.json", CONFIG "}");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Model model;
        const char *path =
            arena_printf(&test->arena, "%s/config.json", test_path(test, cases[i].folder));
        assert_int_equal(model_read(&test->arena, path, test->dir, &model, &test->diag), STATUS_OK);
        assert_string_equal(model.name, cases[i].name);
    }
    mkdir(test_path(test, "a\x1b[2Jb"), 0777);
    const char *path = test_file(test, "a\x1b[2Jb/config.json", CONFIG "}");
    Model model;
    assert_int_equal(model_read(&test->arena, path, test->dir, &model, &test->diag), STATUS_DATA);
    const char *said = test_messages(test);
    assert_non_null(strstr(said, "error[E0111]: name holds U+001B"));
    assert_null(strchr(said, '\x1b'));
}

/* --- what is made of several keys ----------------------------------------------------------------------- */

static void derived(void **state) {
    static const struct {
        const char *more, *config, *said;
    } refused[] = {
        {"make = function(a) return a end", ", \"a\": 1.5}",
         "error[E0205]: a 1.5 is not supported"},
        {"make = function(a) return a end", ", \"a\": -1}",
         "help: supported: a value of type integer"},
        {"make = function(a) return a end", ", \"a\": {\"x\": 1}}",
         "a of this form is not supported"},
        {"make = function(a) return nil, 'never' end", ", \"a\": 3}",
         ":5:8: error[E0205]: a 3 is not supported"},
        {"make = function(a) return nil, 'never' end", ", \"a\": 3}", "help: never"},
        {"make = function(a) return nil, 'never' end", "}", "error[E0205]: top_k of this form"},
        {"make = function(a) error('broken') end", ", \"a\": 3}", "error[E0450]: broken"},
        {"make = function(a) return pairs end", ", \"a\": 3}", "error[E0451]"},
        {"make = 3", ", \"a\": 3}", "error[E0450]"},
        {"make = function(a) return 'x' end", ", \"a\": 3}", ":5:8: error[E0109]"},
        {"make = function(a) local t = {} for i = 1, 1e9 do t[i] = i end end", "}", "error[E0462]"},
    };
    Test *test = *state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        family(test, arena_printf(
                         &test->arena,
                         "M.keys.num_experts_per_tok = nil "
                         "M.derived = { { field = 'top_k', from = { { 'a', 'integer' } }, %s } }",
                         refused[i].more));
        refuse(test, arena_printf(&test->arena, CONFIG "\n%s", refused[i].config), refused[i].said);
    }
}

/* A key gives its field whatever is derived; what a rule reads is known, and what lies below it but for that is not. */
static void derived_and_given(void **state) {
    Test *test = *state;
    family(test,
           "M.derived = { { field = 'top_k', from = { { 'a.b', 'integer' }, { 'c', 'table' } },\n"
           "  make = function(b, c) return (b or 0) + #(c or {}) end },\n"
           "  { field = 'qk_norm', from = { { 'd', 'boolean' } },\n"
           "  make = function(d) return d and 'head' end } }\n"
           "M.tensors.query_norm = 'q' M.tensors.key_norm = 'k'");
    assert_int_equal(read_good(test, CONFIG ", \"a\": {\"b\": 1}, \"c\": [3, 4]}").top_k, 2);
    assert_int_equal(test->diag.count, 0);
    assert_int_equal(read_good(test, CONFIG ", \"d\": true}").qk_norm, QK_NORM_HEAD);
    assert_int_equal(read_good(test, CONFIG ", \"d\": null}").qk_norm, QK_NORM_NONE);
    assert_int_equal(test->diag.count, 0);
    read_good(test, CONFIG ", \"a\": {\"b\": 1, \"x\": 2}}");
    assert_non_null(strstr(test_messages(test), "taken as harmless: a.x"));
    family(test, "M.keys.num_experts_per_tok = nil M.derived = { { field = 'top_k', from = {\n"
                 "{ 'a.b', 'integer' }, { 'c', 'table' } },\n"
                 "make = function(b, c) return (b or 0) + #(c or {}) end } }");
    assert_int_equal(read_good(test, CONFIG ", \"a\": {\"b\": 1}, \"c\": [3, 4]}").top_k, 3);
}

/* Other forms of tensors: parts of larger ones, by the rows of those that lie before. */
static void forms(void **state) {
    static const char *const refused[] = {
        "{ name = 'x' }",
        "{ stack = { 'query' } }",
        "{}",
        "{ name = 'x', stack = { 'key' } }",
        "{ name = 'x', stack = { 'query', 'nothing' } }",
        "{ name = 'x', stack = 'query' }",
        "{ name = 'x', stack = { 'query' }, periods = 'x' }",
        "{ name = 'x', stack = { 'query' }, periods = 'name' }",
        "{ name = 'x', stack = { 'query' }, periods = 'top_k', "
        "transposed = 1 }",
        "{ name = 'x', stack = { 'query' }, periods = 'expert_hidden' "
        ", transposed = 'yes' }",
        "{ name = 'x', periods = 'heads', transposed = true }",
        "{ name = 'x', stack = { 'query' }, periods = 'vocabulary' }"};
    Test *test = *state;
    family(test, "local all = { name = 'all', stack = { 'query', 'query_bias', 'key', 'value' } }\n"
                 "M.tensors.query = { 'q', all } M.tensors.key = { 'k', 'kk', all }");
    Model model = read_good(test, CONFIG ", \"num_key_value_heads\": 2}");
    assert_true(model.alternatives.count > 3); /* those of the base among them */
    const ModelTensor *query = &model.alternatives.items[0], *key = &model.alternatives.items[2];
    assert_int_equal(query->kind, TENSOR_QUERY);
    assert_true(query->first_row == 0 && query->block_rows == 64 + 16 + 16); /* no bias */
    assert_string_equal(model.alternatives.items[1].name, "kk");
    assert_int_equal(model.alternatives.items[1].block_rows, 0);
    assert_true(key->first_row == 64 && key->block_rows == 96);
    family(test, "M.tensors.query = { { name = 'q', transposed = true }, { name = 'qk',\n"
                 "  stack = { 'query', 'key' }, periods = 'kv_heads', transposed = true } }");
    model = read_good(test, CONFIG ", \"num_key_value_heads\": 2}");
    query = &model.alternatives.items[0];
    assert_true(query->periods == 2 && query->transposed && query->block_rows == 80);
    assert_int_equal(query->first_row, 0);
    assert_true(model.tensors.items[2].kind == TENSOR_QUERY && model.tensors.items[2].transposed);
    family(test, "M.tensors.query = { { name = 'q', stack = { 'query' } } }");
    refuse(test, CONFIG "}", "help: the first form is a tensor of its own");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        family(test, arena_printf(&test->arena, "M.tensors.query = { 'q', %s }", refused[i]));
        refuse(test, CONFIG "}", "error[E0212]: the family mine has a form of the tensor query");
    }
}

/* What checkpoints may have besides, and the names of scales. */
static void ignored_and_scales(void **state) {
    static const struct {
        const char *ignored, *said;
    } cases[] = {
        {"{ 1, { 2 } }", "`ignored` must be a list of names of tensors"},
        {"{ {} }", "`ignored` must be a list of names of tensors"},
        {"{ { same_as = 'embedding' } }", "the family mine has an ignored tensor that cannot"},
        {"{ { name = 'x', same_as = {} } }", "has an ignored tensor that cannot be read"},
        {"{ { name = 'x', same_as = 'query' } }", "the same as query, which is no such tensor"},
        {"{ { name = 'x', same_as = 'y' } }", "the same as y, which is no such tensor"}};
    Test *test = *state;
    family(test,
           "M.ignored = { 'a', { name = 'b', same_as = 'embedding' } } M.scales = { '{tensor}s' }");
    Model model = read_good(test, CONFIG ", \"quantization_config\": {\"quant_method\": \"fp8\",\n"
                                         "\"fmt\": \"e4m3\", \"activation_scheme\": \"dynamic\",\n"
                                         "\"weight_block_size\": [128, 64]}}");
    assert_int_equal(test->diag.count, 0);
    assert_true(model.ignored.count == 2 && strcmp(model.ignored.items[0].name, "a") == 0);
    assert_string_equal(model.ignored.items[1].same_as, "embedding");
    assert_true(model.scales.count == 1 && model.scale_block.count == 2);
    assert_true(model.scale_block.items[0] == 128 && model.scale_block.items[1] == 64);
    model = read_good(test, CONFIG ", \"quantization_config\": {\"quant_method\": \"fp8\",\n"
                                   "\"weight_block_size\": null}}");
    assert_int_equal(model.scale_block.count, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        family(test, arena_printf(&test->arena, "M.ignored = %s", cases[i].ignored));
        refuse(test, CONFIG "}", cases[i].said);
    }
    family(test, "M.scales = { { 'x' } }");
    refuse(test, CONFIG "}", "`scales` must be a list of names of tensors");
}

/* --- models that contradict themselves ---------------------------------------------------------------- */

#define OWN                                                                                        \
    "name: m\nlayers: 4\nhidden: 64\nheads: 4\nvocabulary: 512\nmax_positions: 64\nnorm: rms\n"    \
    "norm_eps: 1e-5\nposition: rope\nexperts: 4\ntop_k: 2\nexpert_hidden: 32\nactivation: silu\n"  \
    "gated: false\nrenormalize: true\n"

static void sizes_that_contradict(void **state) {
    static const struct {
        const char *more, *said;
    } cases[] = {
        {"head_dim: 15\n", "error[E0204]: head_dim 15 is odd, but position is rope"},
        {"kv_heads: 3\n", "error[E0201]: 4 heads cannot share 3 key-value heads evenly"},
        {"q_latent: 8\n", "error[E0214]: q_latent: only latent attention has it"},
        {"value_dim: 8\n", "error[E0214]: value_dim: only latent attention has it"},
        {"rope_dim: 7\n", "error[E0214]: rope_dim: an even number of a head's elements"},
        {"rope_dim: 18\n", "error[E0214]: rope_dim: a head has not so many elements"},
        {"rope_scaling: {kind: none, factor: 2}\n", "rope_scaling: a factor needs a kind"},
        {"rope_scaling: {kind: yarn, factor: 2}\n", "rope_scaling: yarn needs original_positions"},
        {"rope_scaling: {kind: yarn, original_positions: 8, beta_fast: 1, beta_slow: 2}\n",
         "rope_scaling: beta_fast is at least beta_slow"},
        {"kv_latent: 8\nrope_dim: 4\nqk_norm: full\n", "qk_norm: latent attention norms its"},
        {"kv_latent: 8\nrope_dim: 4\nqkv_clip: 1\n", "qkv_clip: latent attention is not clipped"},
        {"kv_latent: 8\nrope_dim: 4\nsliding_window: 1\nwindow_layers: [0]\n",
         "sliding_window: latent attention has no window"},
        {"sliding_window: 4\n", "sliding_window: sliding_window and window_layers are given"},
        {"window_layers: [1]\n", "sliding_window: sliding_window and window_layers are given"},
        {"sliding_window: 4\nwindow_layers: [1, 1]\n", "window_layers: layers stand there once"},
        {"shared_score: true\n", "shared_score: there is no shared_hidden"},
        {"expert_groups: 3\n", "expert_groups: experts are in groups of equal size"},
        {"top_groups: 2\n", "top_groups: a token's experts are chosen from 1 to"},
        {"expert_groups: 4\n", "top_groups: so few groups have fewer than top_k"},
        {"kv_latent: 8\n", "error[E0214]: rope_dim: latent attention rotates"},
        {"kv_latent: 8\nrope_dim: 3\n", "error[E0214]: rope_dim: latent attention rotates"},
        {"kv_latent: 8\nrope_dim: 16\n", "error[E0214]: rope_dim: latent attention rotates"},
        {"kv_latent: 8\nrope_dim: 4\nkv_heads: 2\n", "error[E0214]: kv_heads: latent attention"},
        {"kv_latent: 8\nrope_dim: 4\nattention_bias: true\n",
         "error[E0214]: attention_bias: latent attention has no biases"},
        {"dense_hidden: 8\n", "error[E0214]: dense_hidden: dense_layers and dense_hidden"},
        {"dense_layers: [0]\n", "error[E0214]: dense_hidden: dense_layers and dense_hidden"},
        {"dense_layers: [0, 0]\ndense_hidden: 8\n",
         "error[E0214]: dense_layers: layers stand there"},
        {"dense_layers: [1, 0]\ndense_hidden: 8\n",
         "error[E0214]: dense_layers: layers stand there"},
        {"dense_layers: [4]\ndense_hidden: 8\n", "error[E0214]: dense_layers: layers stand there"},
        {"dense_layers: [-1]\ndense_hidden: 8\n", "error[E0214]: dense_layers: layers stand there"},
        {"dense_layers: [0, 1, 2, 3]\ndense_hidden: 8\n",
         "error[E0214]: dense_layers: at least one layer has experts"},
    };
    Test *test = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Model model;
        const char *text = arena_printf(&test->arena, OWN "%s", cases[i].more);
        assert_int_equal(
            model_read(&test->arena, test_file(test, "m.yaml", text), NULL, &model, &test->diag),
            STATUS_DATA);
        const char *said = test_messages(test);
        if (!strstr(said, cases[i].said))
            fail_msg("%s: %s", cases[i].more, said);
    }
}

static void latent_positions(void **state) {
    Test *test = *state;
    Model model;
    const char *text =
        "name: m\nlayers: 4\nhidden: 64\nheads: 4\nvocabulary: 50000\nmax_positions: 64\n"
        "norm: rms\nnorm_eps: 1e-5\nposition: learned\nexperts: 4\ntop_k: 2\n"
        "expert_hidden: 32\nactivation: silu\ngated: false\n"
        "renormalize: true\nkv_latent: 8\nrope_dim: 4\ntokenizer: gpt2\n";
    assert_int_equal(
        model_read(&test->arena, test_file(test, "m.yaml", text), NULL, &model, &test->diag),
        STATUS_DATA);
    assert_non_null(
        strstr(test_messages(test), "error[E0214]: position: latent attention has rotary"));
    text = OWN "tokenizer: gpt2\n";
    assert_int_equal(
        model_read(&test->arena, test_file(test, "m.yaml", text), NULL, &model, &test->diag),
        STATUS_OK);
    assert_non_null(
        strstr(test_messages(test),
               "help: a vocabulary smaller than the tokenizer's cannot embed all of its ids"));
}

/* Names of tensors in the model's own file: of kinds that it has. */
static void tensors_of_ones_own(void **state) {
    Test *test = *state;
    Model model;
    const char *text = OWN "tensors: [{kind: head, name: h}, {kind: expert_gate, name: g}]\n";
    assert_int_equal(
        model_read(&test->arena, test_file(test, "m.yaml", text), NULL, &model, &test->diag),
        STATUS_DATA);
    assert_non_null(
        strstr(test_messages(test), "error[E0212]: such a model has no tensor expert_gate"));
    text = OWN "tensors: [{kind: head, name: h}]\n";
    assert_int_equal(
        model_read(&test->arena, test_file(test, "m.yaml", text), NULL, &model, &test->diag),
        STATUS_OK);
    assert_string_equal(model_tensor_name(&test->arena, &model, TENSOR_HEAD, 0, 0), "h");
    /* What a plan carries is complete, in order, and nothing else. */
    const YamlNode *nowhere = test_yaml(test, "{}");
    ModelTensor *items = model.tensors.items;
    int64_t count = model.tensors.count;
    assert_int_equal(model_check(&model, nowhere, &test->diag), STATUS_OK);
    model.tensors.count--;
    assert_int_equal(model_check(&model, nowhere, &test->diag), STATUS_DATA);
    assert_non_null(strstr(test_messages(test), "the tensor head is missing, or not in its place"));
    model.tensors.count = count;
    ModelTensor more[TENSOR_KINDS + 1];
    memcpy(more, items, (size_t)count * sizeof *more);
    more[count] = more[count - 1];
    model.tensors.items = more;
    model.tensors.count = count + 1;
    assert_int_equal(model_check(&model, nowhere, &test->diag), STATUS_DATA);
    assert_non_null(strstr(test_messages(test), "there are tensors after the last"));
    model.tensors.count = count;
    more[0].kind = TENSOR_EMBEDDING + 1;
    assert_int_equal(model_check(&model, nowhere, &test->diag), STATUS_DATA);
    assert_non_null(strstr(test_messages(test), "error[E0212]: "));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(two_keys_for_one_field),
        TEST(null_gives_way),
        TEST(values),
        TEST(keys_that_are_not_used),
        TEST(families_with_little),
        TEST(names_without_gates),
        TEST(families_of_another_form),
        TEST(types_of_families),
        TEST(names_of_models),
        TEST(derived),
        TEST(derived_and_given),
        TEST(forms),
        TEST(ignored_and_scales),
        TEST(sizes_that_contradict),
        TEST(latent_positions),
        TEST(tensors_of_ones_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
