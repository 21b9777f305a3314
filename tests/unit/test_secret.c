/* SHA-256, HMAC, the secret's file, and where ranks meet, as options and variables say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/wire.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void assert_digest(const unsigned char digest[RT_SHA256_BYTES], const char *expected) {
    char text[2 * RT_SHA256_BYTES + 1];
    for (int i = 0; i < RT_SHA256_BYTES; ++i)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(text, expected);
}

static void assert_sha256(const char *data, size_t size, const char *expected) {
    unsigned char digest[RT_SHA256_BYTES];
    for (size_t part = 1; part <= size + 1; part += size / 3 + 1) { /* whole and in parts */
        rt_sha256 sha;
        rt_sha256_begin(&sha);
        for (size_t at = 0; at < size; at += part)
            rt_sha256_add(&sha, data + at, size - at < part ? size - at : part);
        rt_sha256_end(&sha, digest);
        assert_digest(digest, expected);
    }
}

/* Examples of FIPS 180-2, appendix B, and lengths around a block's padding as `sha256sum` has them. */
static void test_sha256(void **state) {
    (void)state;
    assert_sha256("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_sha256("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    char *many = malloc(1000000);
    memset(many, 'a', 1000000);
    assert_sha256(many, 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
    assert_sha256(many, 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
    assert_sha256(many, 1000000,
                  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(many);
}

static void assert_hmac(const void *key, size_t key_size, const void *data, size_t size,
                        const char *expected) {
    unsigned char digest[RT_SHA256_BYTES];
    rt_hmac hmac;
    rt_hmac_begin(&hmac, key, key_size);
    rt_hmac_add(&hmac, data, size);
    rt_hmac_end(&hmac, digest);
    assert_digest(digest, expected);
}

/* Test cases 1, 2, 3, 6 and 7 of RFC 4231. */
static void test_hmac(void **state) {
    (void)state;
    char key[131], data[50];
    static const char longer[] = "This is a test using a larger than block-size key and a larger "
                                 "than block-size data. The key needs to be hashed before being "
                                 "used by the HMAC algorithm.";
    memset(key, 0x0b, 20);
    assert_hmac(key, 20, "Hi There", 8,
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_hmac("Jefe", 4, "what do ya want for nothing?", 28,
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    memset(data, 0xdd, sizeof data);
    assert_hmac(key, 20, data, 50,
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    assert_hmac(key, 131, "Test Using Larger Than Block-Size Key - Hash Key First", 54,
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    assert_hmac(key, 131, longer, strlen(longer),
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

static void test_same(void **state) {
    (void)state;
    assert_true(rt_same_bytes("abcd", "abcd", 4));
    assert_false(rt_same_bytes("abcd", "abce", 4));
    assert_false(rt_same_bytes("\0bcd", "abcd", 4));
    assert_true(rt_same_bytes("", "", 0));
}

/* --- the file --- */

static char path[64];

static void write_secret(const char *text, mode_t mode) {
    unlink(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void assert_refused(rt_status status, const char *part) {
    rt_secret secret;
    rt_error error = {0};
    assert_int_equal(rt_secret_read(&secret, path, &error), status);
    if (!strstr(error.text, part))
        fail_msg("%s", error.text);
    assert_int_equal(secret.size, 0);
}

static void test_file(void **state) {
    (void)state;
    rt_secret secret;
    rt_error error = {0};
    snprintf(path, sizeof path, "/tmp/test-secret-%d", (int)getpid());
    write_secret("0123456789abcdef0123\n", 0600);
    assert_int_equal(rt_secret_read(&secret, path, &error), RT_OK);
    assert_int_equal(secret.size, 20);
    assert_memory_equal(secret.data, "0123456789abcdef0123", 20);
    setenv("RT_SECRET_FILE", path, 1);
    assert_int_equal(rt_secret_read(&secret, NULL, &error), RT_OK);
    assert_int_equal(secret.size, 20);
    unsetenv("RT_SECRET_FILE");
    assert_int_equal(rt_secret_read(&secret, NULL, &error), RT_OK);
    assert_int_equal(secret.size, 0);
    write_secret("0123456789abcdef0123\n", 0640);
    assert_refused(RT_DATA, "may be read or written by others (mode 0640): chmod 600");
    write_secret("0123456789abcdef0123\n", 0602);
    assert_refused(RT_DATA, "(mode 0602)");
    write_secret("too short\n\n", 0600);
    assert_refused(RT_DATA, "has 9 bytes, at least 16 are needed");
    char *many = calloc(1, RT_SECRET_MOST + 2);
    memset(many, 'x', RT_SECRET_MOST + 1);
    write_secret(many, 0600);
    assert_refused(RT_DATA, "has 4097 bytes, at most 4096 are read");
    free(many);
    unlink(path);
    assert_refused(RT_NOINPUT, "No such file or directory");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_refused(RT_DATA, "is no regular file");
    rmdir(path);
}

/* --- where ranks meet --- */

static const char *const variables[] = {"RANK",
                                        "WORLD_SIZE",
                                        "LOCAL_RANK",
                                        "LOCAL_WORLD_SIZE",
                                        "MASTER_ADDR",
                                        "MASTER_PORT",
                                        "TORCHELASTIC_USE_AGENT_STORE",
                                        "TORCHELASTIC_RUN_ID",
                                        "SLURM_PROCID",
                                        "SLURM_NTASKS",
                                        "SLURM_LOCALID",
                                        "SLURM_JOB_ID",
                                        "SLURM_STEP_ID",
                                        "SLURM_STEP_NODELIST",
                                        "SLURM_STEP_NUM_NODES",
                                        "OMPI_COMM_WORLD_RANK",
                                        "OMPI_COMM_WORLD_SIZE",
                                        "OMPI_COMM_WORLD_LOCAL_RANK",
                                        "OMPI_COMM_WORLD_LOCAL_SIZE"};

/* Names and values in turns. */
static rt_status configure(const char *const *set, const rt_options *options, rt_seat *seat,
                           rt_wire_config *config, rt_error *error) {
    for (size_t i = 0; i < sizeof variables / sizeof *variables; ++i)
        unsetenv(variables[i]);
    for (; *set; set += 2)
        setenv(set[0], set[1], 1);
    *error = (rt_error){0};
    RT_TRY(rt_seat_find(seat, 16, "loopback", error));
    assert_true(seat->rank >= 0);
    return rt_wire_configure(config, options, seat, error);
}

static void test_places(void **state) {
    (void)state;
    rt_seat seat;
    rt_wire_config *config = malloc(sizeof *config);
    rt_error error;
    rt_options none = {0}, secret = {.secret_file = path};
    write_secret("0123456789abcdef0123", 0600);
    const char *const one_host[] = {
        "RANK", "3",           "WORLD_SIZE",  "16",          "LOCAL_RANK", "3", "LOCAL_WORLD_SIZE",
        "16",   "MASTER_ADDR", "box.example", "MASTER_PORT", "29500",      NULL};
    assert_int_equal(configure(one_host, &none, &seat, config, &error), RT_OK);
    assert_string_equal(config->place.host, "127.0.0.1");
    assert_int_equal(config->place.port, 29500);
    assert_int_equal(seat.local, 3);
    const char *const agent[] = {"RANK",
                                 "3",
                                 "WORLD_SIZE",
                                 "16",
                                 "LOCAL_WORLD_SIZE",
                                 "8",
                                 "MASTER_ADDR",
                                 "box.example",
                                 "MASTER_PORT",
                                 "29500",
                                 "TORCHELASTIC_USE_AGENT_STORE",
                                 "True",
                                 NULL};
    assert_int_equal(configure(agent, &none, &seat, config, &error), RT_USAGE);
    assert_non_null(strstr(error.text, "ranks on several hosts need a secret"));
    assert_int_equal(configure(agent, &secret, &seat, config, &error), RT_OK);
    assert_string_equal(config->place.host, "box.example");
    assert_int_equal(config->place.port, 29501); /* 29500 is the agent's */
    const char *const slurm[] = {"SLURM_PROCID",
                                 "9",
                                 "SLURM_NTASKS",
                                 "16",
                                 "SLURM_LOCALID",
                                 "1",
                                 "SLURM_JOB_ID",
                                 "5",
                                 "SLURM_STEP_ID",
                                 "0",
                                 "SLURM_STEP_NODELIST",
                                 "gpu[07-09,12],big1",
                                 NULL};
    assert_int_equal(configure(slurm, &secret, &seat, config, &error), RT_OK);
    assert_string_equal(config->place.host, "gpu07");
    int port = config->place.port;
    assert_in_range(port, 15000, 29999);
    assert_int_equal(seat.local, 1);
    setenv("SLURM_PROCID", "2", 1);
    assert_int_equal(rt_seat_find(&seat, 16, "loopback", &error), RT_OK);
    assert_int_equal(rt_wire_configure(config, &secret, &seat, &error), RT_OK);
    assert_int_equal(config->place.port, port); /* all ranks of a launch agree */
    const char *const mpirun[] = {"OMPI_COMM_WORLD_RANK",
                                  "1",
                                  "OMPI_COMM_WORLD_SIZE",
                                  "16",
                                  "OMPI_COMM_WORLD_LOCAL_SIZE",
                                  "8",
                                  NULL};
    assert_int_equal(configure(mpirun, &secret, &seat, config, &error), RT_USAGE);
    assert_non_null(strstr(error.text, "mpirun does not say where rank 0 is: pass --master"));
    rt_options master = {.master = "[fd00::7]:4000", .secret_file = path};
    assert_int_equal(configure(mpirun, &master, &seat, config, &error), RT_OK);
    assert_string_equal(config->place.host, "fd00::7");
    assert_int_equal(config->place.port, 4000);
    master.master = "nowhere";
    assert_int_equal(configure(mpirun, &master, &seat, config, &error), RT_USAGE);
    const char *const other[] = {"RANK", "0", "WORLD_SIZE", "8", NULL};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; ++i)
        unsetenv(variables[i]);
    setenv(other[0], other[1], 1);
    setenv(other[2], other[3], 1);
    error = (rt_error){0};
    assert_int_equal(rt_seat_find(&seat, 16, "loopback", &error), RT_DATA);
    assert_non_null(strstr(error.text,
                           "torchrun started 8 ranks, this program is for 16; start 16, "
                           "or pass --transport loopback to run them all here"));
    free(config);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sha256), cmocka_unit_test(test_hmac),
                                       cmocka_unit_test(test_same), cmocka_unit_test(test_file),
                                       cmocka_unit_test(test_places)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
