/* The cache of compiled kernels: what was written is read, damage of any byte is seen, writers do not disturb each other or
 * whoever reads, and what cannot be kept is told. */
#include "test.h"

#include "cuda/cache.h"

#include <dirent.h>
#include <sys/wait.h>

enum { BYTES = 40000, WRITERS = 4, ROUNDS = 60 };

static const unsigned char key[RT_SHA256_BYTES] = {1, 2, 3, 0xab}, other[RT_SHA256_BYTES] = {4};

static char data[BYTES];

static const char *folder(Test *test) {
    for (int i = 0; i < BYTES; ++i)
        data[i] = (char)(i * 7 + i / 256);
    return test_path(test, "a/b");
}

static void assert_entry(const char *in, const unsigned char *of, rt_cache_state state) {
    char *read;
    size_t bytes;
    assert_int_equal(rt_cache_read(in, of, &read, &bytes), state);
    if (state == RT_CACHE_FOUND) {
        assert_int_equal(bytes, BYTES);
        assert_memory_equal(read, data, BYTES);
        assert_int_equal(read[BYTES], 0);
    } else {
        assert_null(read);
    }
    free(read);
}

static int files(const char *in) {
    int count = 0;
    DIR *stream = opendir(in);
    assert_non_null(stream);
    for (struct dirent *entry; (entry = readdir(stream));)
        count += entry->d_name[0] != '.';
    closedir(stream);
    return count;
}

static void test_kept(void **state) {
    const char *in = folder(*state);
    rt_error error = {0};
    assert_entry(in, key, RT_CACHE_ABSENT);
    assert_int_equal(rt_cache_write(in, key, data, BYTES, &error), RT_OK);
    assert_int_equal(rt_cache_write(in, key, data, BYTES, &error), RT_OK);
    assert_entry(in, key, RT_CACHE_FOUND);
    assert_entry(in, other, RT_CACHE_ABSENT);
    assert_int_equal(files(in), 1);
}

/* Every byte of the header, some of the data, a cut at every length up to there, and bytes behind the end. */
static void test_damaged(void **state) {
    const char *in = folder(*state);
    char path[RT_CACHE_PATH], *entry;
    size_t size;
    rt_error error = {0};
    Diag *diag = &((Test *)*state)->diag;
    assert_int_equal(rt_cache_write(in, key, data, BYTES, &error), RT_OK);
    assert_true(rt_cache_path(in, key, path));
    assert_int_equal(fs_read(diag->arena, path, 1 << 20, &entry, &size, diag), STATUS_OK);
    for (size_t i = 0; i < size; i += i < 100 ? 1 : 997) {
        entry[i] ^= 0x10;
        assert_int_equal(fs_write(path, entry, size, diag), STATUS_OK);
        assert_entry(in, key, RT_CACHE_DAMAGED);
        entry[i] ^= 0x10;
        assert_int_equal(fs_write(path, entry, i, diag), STATUS_OK);
        assert_entry(in, key, RT_CACHE_DAMAGED);
    }
    char *longer = arena_printf(&((Test *)*state)->arena, "%*s", (int)size + 1, "");
    memcpy(longer, entry, size);
    assert_int_equal(fs_write(path, longer, size + 1, diag), STATUS_OK);
    assert_entry(in, key, RT_CACHE_DAMAGED);
    assert_int_equal(rt_cache_write(in, key, data, BYTES, &error), RT_OK); /* built again */
    assert_entry(in, key, RT_CACHE_FOUND);
}

/* An entry under the name of another key is none of that key. */
static void test_renamed(void **state) {
    const char *in = folder(*state);
    char from[RT_CACHE_PATH], to[RT_CACHE_PATH];
    rt_error error = {0};
    assert_int_equal(rt_cache_write(in, key, data, BYTES, &error), RT_OK);
    assert_true(rt_cache_path(in, key, from) && rt_cache_path(in, other, to));
    assert_int_equal(rename(from, to), 0);
    assert_entry(in, other, RT_CACHE_DAMAGED);
}

static void test_writers(void **state) {
    const char *in = folder(*state);
    rt_error error = {0};
    pid_t writers[WRITERS];
    int running = WRITERS;
    assert_int_equal(rt_cache_write(in, key, data, BYTES, &error), RT_OK);
    for (int w = 0; w < WRITERS; ++w) {
        writers[w] = fork();
        assert_true(writers[w] >= 0);
        if (writers[w] == 0) {
            int failed = 0;
            for (int i = 0; i < ROUNDS; ++i)
                failed |= rt_cache_write(in, key, data, BYTES, &error) != RT_OK;
            _exit(failed);
        }
    }
    while (running > 0) {
        int status = 0;
        assert_entry(in, key, RT_CACHE_FOUND);
        if (waitpid(-1, &status, WNOHANG) > 0) {
            assert_int_equal(status, 0);
            --running;
        }
    }
    assert_int_equal(files(in), 1);
}

static void test_unwritable(void **state) {
    rt_error error = {0};
    (void)state;
    assert_int_equal(rt_cache_write("/dev/null/cache", key, data, 1, &error), RT_CANTCREAT);
    assert_string_equal(error.text, "/dev/null/cache: Not a directory");
    assert_entry("/dev/null/cache", key, RT_CACHE_ABSENT);
}

static void test_folder(void **state) {
    char found[RT_CACHE_PATH];
    (void)state;
    setenv("HOME", "/h", 1);
    unsetenv("XDG_CACHE_HOME");
    unsetenv("RT_CUDA_CACHE");
    assert_true(rt_cache_folder(found));
    assert_string_equal(found, "/h/.cache/toposmith");
    setenv("XDG_CACHE_HOME", "/x", 1);
    assert_true(rt_cache_folder(found));
    assert_string_equal(found, "/x/toposmith");
    setenv("RT_CUDA_CACHE", "/own", 1);
    assert_true(rt_cache_folder(found));
    assert_string_equal(found, "/own");
    setenv("RT_CUDA_CACHE", "", 1);
    assert_false(rt_cache_folder(found));
    unsetenv("RT_CUDA_CACHE");
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    assert_false(rt_cache_folder(found));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_kept),
        TEST(test_damaged),
        TEST(test_renamed),
        TEST(test_writers),
        cmocka_unit_test(test_unwritable),
        cmocka_unit_test(test_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
