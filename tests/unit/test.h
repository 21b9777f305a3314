/* test: what unit tests share: a run's arena and messages, the messages as text, small files. */
#pragma once

#include "base/diag.h"
#include "base/fs.h"
#include "base/yaml.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

typedef struct Test {
    Arena arena;
    Diag diag;
    char dir[32]; /* a scratch folder, made when first asked for */
} Test;

static inline int test_setup(void **state) {
    Test *test = calloc(1, sizeof(*test));
    test->diag.arena = &test->arena;
    *state = test;
    return 0;
}

static inline int test_teardown(void **state) {
    Test *test = *state;
    char command[64];
    snprintf(command, sizeof(command), "rm -rf '%s'", test->dir);
    int left = *test->dir ? system(command) : 0;
    arena_free(&test->arena);
    free(test);
    return left;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, test_setup, test_teardown)

/* All messages so far as the user would see them; they are forgotten then. */
static inline const char *test_messages(Test *test) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    diag_render(&test->diag, out);
    fclose(out);
    char *copy = arena_strdup(&test->arena, text);
    free(text);
    test->diag = (Diag){.arena = &test->arena};
    return copy;
}

/* A path in the scratch folder. */
static inline const char *test_path(Test *test, const char *name) {
    if (!*test->dir) {
        strcpy(test->dir, "/tmp/gen-test-XXXXXX");
        assert_non_null(mkdtemp(test->dir));
    }
    return fs_join(&test->arena, test->dir, name);
}

/* A file with this text in the scratch folder; its path. */
static inline const char *test_file(Test *test, const char *name, const char *text) {
    const char *path = test_path(test, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

/* The tree of a text that must be good; its file is called "t.yaml" in messages. */
static inline const YamlNode *test_yaml(Test *test, const char *text) {
    YamlNode *root = NULL;
    Status status = yaml_parse(&test->arena, "t.yaml", text, strlen(text), yaml_config_limits,
                               &root, &test->diag);
    if (status != STATUS_OK)
        fail_msg("%s", test_messages(test));
    return root;
}
