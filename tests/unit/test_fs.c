/* Files and trees: all or nothing, never through links, never over files of others. */
#include "test.h"

#include <time.h>

static const char *read_text(Test *test, const char *path) {
    char *text = NULL;
    size_t length;
    if (fs_read(&test->arena, path, 1000, &text, &length, &test->diag) != STATUS_OK)
        fail_msg("%s", test_messages(test));
    return text;
}

static void test_files(void **state) {
    Test *test = *state;
    const char *path = test_path(test, "a.txt");
    assert_int_equal(fs_write(path, "one", 3, &test->diag), STATUS_OK);
    assert_int_equal(fs_write(path, "three", 5, &test->diag), STATUS_OK);
    assert_string_equal(read_text(test, path), "three");
    assert_int_equal(fs_write("/no/such/dir/x", "", 0, &test->diag), STATUS_CANTCREAT);
    assert_string_equal(
        test_messages(test),
        "/no/such/dir/x: error[E0904]: the file cannot be written: No such file or directory\n"
        "  help: the folder that it is to lie in is not there: make it, or correct the path\n");
    assert_true(fs_exists(path));
    assert_false(fs_is_directory(path));
    assert_true(fs_is_directory(test->dir));
    assert_string_equal(fs_join(&test->arena, "a/", "b"), "a/b");
    assert_non_null(fs_program_dir(&test->arena));
}

static FsTree *begin(Test *test, const char *path, Status wanted) {
    FsTree *tree;
    assert_int_equal(fs_tree_begin(&tree, &test->arena, path, "plan.json", &test->diag), wanted);
    return tree;
}

static void add(Test *test, FsTree *tree, const char *name, const char *text) {
    assert_int_equal(fs_tree_add(tree, name, text, strlen(text), &test->diag), STATUS_OK);
}

/* Written over itself: equal files keep their time, kept entries stay, all others go. */
static void test_replace(void **state) {
    Test *test = *state;
    const char *path = test_path(test, "deep/out");
    FsTree *tree = begin(test, path, STATUS_OK);
    add(test, tree, "plan.json", "{}");
    add(test, tree, "kernels/a.c", "int a;");
    add(test, tree, "gone.c", "int b;");
    assert_false(fs_exists(path));
    assert_int_equal(fs_tree_commit(tree, NULL, &test->diag), STATUS_OK);
    const char *kernel = fs_join(&test->arena, path, "kernels/a.c");
    struct timespec old[2] = {{1000, 0}, {1000, 0}};
    struct stat info;
    utimensat(0, kernel, old, 0);
    mkdir(fs_join(&test->arena, path, "build"), 0777);
    fs_write(fs_join(&test->arena, path, "build/x.o"), "o", 1, &test->diag);

    tree = begin(test, fs_join(&test->arena, path, ""), STATUS_OK);
    add(test, tree, "plan.json", "{1}");
    add(test, tree, "kernels/a.c", "int a;");
    const char *const keep[] = {"build", "weights.map", NULL};
    assert_int_equal(fs_tree_commit(tree, keep, &test->diag), STATUS_OK);
    assert_string_equal(read_text(test, fs_join(&test->arena, path, "plan.json")), "{1}");
    assert_string_equal(read_text(test, fs_join(&test->arena, path, "build/x.o")), "o");
    assert_false(fs_exists(fs_join(&test->arena, path, "gone.c")));
    assert_int_equal(stat(kernel, &info), 0);
    assert_int_equal(info.st_mtime, 1000);
    fs_tree_abort(tree);
    assert_true(fs_exists(path));
}

static void test_abort(void **state) {
    Test *test = *state;
    const char *path = test_path(test, "out");
    FsTree *tree = begin(test, path, STATUS_OK);
    add(test, tree, "a/b/c.txt", "x");
    fs_tree_abort(tree);
    fs_tree_abort(tree);
    fs_tree_abort(NULL);
    assert_int_equal(rmdir(test->dir), 0); /* nothing is left in it */
    mkdir(test->dir, 0777);
}

static void test_foreign(void **state) {
    Test *test = *state;
    const char *path = test_path(test, "mine");
    mkdir(path, 0777);
    const char *file = test_file(test, "mine/thesis.txt", "years of work");
    begin(test, path, STATUS_CANTCREAT);
    assert_string_equal(
        test_messages(test),
        arena_printf(&test->arena,
                     "%s: error[E0905]: the directory holds files that are not "
                     "ours (no plan.json)\n"
                     "  help: name another directory, or remove this one yourself\n",
                     path));
    assert_true(fs_exists(file));
    begin(test, file, STATUS_CANTCREAT);
    assert_non_null(strstr(test_messages(test), "error[E0905]: this is not a directory"));
    const char *link = test_path(test, "link");
    assert_int_equal(symlink("mine", link), 0);
    begin(test, link, STATUS_CANTCREAT);
    assert_non_null(strstr(test_messages(test), "error[E0905]: this is not a directory"));
    begin(test, fs_join(&test->arena, file, "out"), STATUS_CANTCREAT);
    assert_non_null(strstr(test_messages(test), "error[E0904]"));
}

/* A link in the old tree is removed as a link: what it points to stays. */
static void test_links_inside(void **state) {
    Test *test = *state;
    const char *path = test_path(test, "out");
    mkdir(test_path(test, "else"), 0777);
    const char *file = test_file(test, "else/file", "x");
    FsTree *tree = begin(test, path, STATUS_OK);
    add(test, tree, "plan.json", "{}");
    assert_int_equal(fs_tree_commit(tree, NULL, &test->diag), STATUS_OK);
    assert_int_equal(symlink("../else", fs_join(&test->arena, path, "link")), 0);
    tree = begin(test, path, STATUS_OK);
    add(test, tree, "plan.json", "{}");
    assert_int_equal(fs_tree_commit(tree, NULL, &test->diag), STATUS_OK);
    assert_true(fs_exists(file));
    assert_false(fs_exists(fs_join(&test->arena, path, "link")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_files),   TEST(test_replace),      TEST(test_abort),
        TEST(test_foreign), TEST(test_links_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
