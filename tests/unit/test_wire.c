/* Ranks that share no memory: they meet, wait for each other, count tokens, fail, and bring their results to rank 0, over
 * sockets, whoever else connects there. */
#include "wire_world.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECRET "a secret of the test, long enough"

static void sleep_ms(int ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

static WireWorld world_of(rt_status (*work)(WireRank *rank)) {
    return (WireWorld){.timeout_ms = 2000,
                       .load_timeout_ms = 20000,
                       .secret = {SECRET, SECRET, SECRET},
                       .work = work};
}

static void assert_all(const WireWorld *world, int status) {
    for (int r = 0; r < WORLD; ++r)
        if (world->status[r] != status)
            fail_msg("rank %d: status %d: %s", r, world->status[r], world->text[r]);
}

static void assert_says(const WireWorld *world, int rank, const char *part) {
    if (!strstr(world->text[rank], part))
        fail_msg("rank %d says: %s", rank, world->text[rank]);
}

/* --- a run that goes well --- */

enum { LOGIT_ROWS = SEQUENCES * 2, ENTRIES = 100 };

/* Each rank reports sequences of its own and logits of its own entries; all see when an index is complete. */
static rt_status work_well(WireRank *r) {
    rt_rank *rank = r->rank;
    int id = rank->id;
    assert_int_equal(r->config.blob_bytes, 5);
    assert_memory_equal(r->config.blob, "hello", 5);
    for (int i = 0; i < 20; ++i)
        RT_TRY(rt_wait_barrier(rank, 0));
    for (int index = 0; index < MAX_NEW; ++index) {
        int first = id == 0 ? 0 : id + 1, count = id == 0 ? 2 : 1;
        bool over;
        rank->made = index;
        for (int s = first; s < first + count; ++s)
            rt_segment_tokens(&r->segment)[s * MAX_NEW + index] = 10 * s + index;
        rt_made_report(rank, count, index + 1 < MAX_NEW ? count : 0);
        RT_TRY(rt_made_over(rank, index + 1, &over)); /* waits for all of this index */
        if (over != (index + 1 >= MAX_NEW - 1 && index + 1 != 1))
            return rt_fail(rank, RT_SOFTWARE, "index %d: over %d", index, over);
    }
    float *logits = (float *)(r->segment.base + r->segment.logits);
    for (int row = 0; row < LOGIT_ROWS; ++row)
        for (int e = id; e < ENTRIES; e += WORLD)
            logits[row * ENTRIES + e] = (float)(row * ENTRIES + e + 1);
    rank->operations[0] = 100 + id;
    rank->bytes[(id + 1) % WORLD] = 1000 + id;
    rank->ends[0] = 5.0 + id;
    rank->area->weight_bytes = 77 + id;
    RT_TRY(rt_wait_barrier(rank, 0));
    if (id != 0)
        return RT_OK;
    RT_TRY(rt_wire_finish(r->wire));
    for (int t = 0; t < SEQUENCES * MAX_NEW; ++t)
        if (rt_segment_tokens(&r->segment)[t] != 10 * (t / MAX_NEW) + t % MAX_NEW)
            return rt_fail(rank, RT_SOFTWARE, "token %d", t);
    for (int i = 0; i < LOGIT_ROWS * ENTRIES; ++i)
        if (logits[i] != (float)(i + 1))
            return rt_fail(rank, RT_SOFTWARE, "logit %d is %g", i, logits[i]);
    for (int p = 0; p < WORLD; ++p) {
        const int64_t *operations = rt_segment_array(&r->segment, p, r->segment.area_operations);
        const int64_t *bytes = rt_segment_array(&r->segment, p, r->segment.area_bytes);
        const double *ends = rt_segment_array(&r->segment, p, r->segment.area_ends);
        if (operations[0] != 100 + p || bytes[(p + 1) % WORLD] != 1000 + p || ends[0] != 5.0 + p ||
            rt_segment_area(&r->segment, p)->weight_bytes != 77 + p)
            return rt_fail(rank, RT_SOFTWARE, "results of rank %d", p);
    }
    return RT_OK;
}

static void test_well(void **state) {
    (void)state;
    WireWorld world = world_of(work_well);
    wire_world_run(&world);
    assert_all(&world, RT_OK);
}

static void test_without_secret(void **state) {
    (void)state;
    WireWorld world = world_of(work_well);
    memset(world.secret, 0, sizeof world.secret);
    wire_world_run(&world);
    assert_all(&world, RT_OK);
}

/* --- others at the door --- */

static int connect_to(const WireWorld *world) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)world->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 200; ++i) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
            return fd;
        close(fd);
        sleep_ms(10);
    }
    abort();
}

static void put(int fd, const void *data, size_t size) {
    if (send(fd, data, size, MSG_NOSIGNAL) < 0)
        return; /* it was closed: right */
}

/* Noise, a request of another protocol, half a proof, silence, in more connections than there is room for; some of them
 * stay until all is over: this process's child holds them. */
static void junk(const WireWorld *world) {
    char noise[4096];
    for (size_t i = 0; i < sizeof noise; ++i)
        noise[i] = (char)rt_random_bits(9, i);
    for (int i = 0; i < 3 * 64; ++i) {
        int fd = connect_to(world);
        if (i % 4 == 0)
            put(fd, noise, sizeof noise);
        else if (i % 4 == 1)
            put(fd, "GET / HTTP/1.1\r\n\r\n", 18);
        else if (i % 4 == 2)
            put(fd, RT_WIRE_MAGIC "\0\0\0\0", 12);
        if (i % 3 == 0)
            close(fd);
    }
    if (fork() == 0) {
        sleep_ms(3000);
        _exit(0);
    }
}

static void test_junk(void **state) {
    (void)state;
    WireWorld world = world_of(work_well);
    world.before = junk;
    wire_world_run(&world);
    assert_all(&world, RT_OK);
    assert_true(world.seconds < 3); /* nobody waited for the silent ones */
}

/* A process that has the secret but is no rank of ours: too large a message, then a rank that is taken. */
static void stranger(const WireWorld *world, int32_t rank, const void *message, size_t size,
                     char *reply, size_t reply_size) {
    int fd = connect_to(world);
    rt_wire_hello hello;
    rt_wire_answer answer;
    rt_secret secret = {.size = strlen(SECRET)};
    rt_wire_proof proof = {.magic = RT_WIRE_MAGIC, .rank = rank, .world = WORLD, .key = 77};
    memcpy(secret.data, SECRET, secret.size);
    if (recv(fd, &hello, sizeof hello, MSG_WAITALL) != sizeof hello)
        abort();
    rt_wire_proof_mac(&secret, &hello, &proof, proof.mac);
    put(fd, &proof, sizeof proof);
    if (recv(fd, &answer, sizeof answer, MSG_WAITALL) != sizeof answer)
        abort();
    put(fd, message, size);
    ssize_t got = recv(fd, reply, reply_size - 1, MSG_WAITALL);
    reply[got > 0 ? got : 0] = 0;
    close(fd);
}

static void too_large(const WireWorld *world) {
    const rt_wire_head head = {RT_WIRE_DATA, UINT32_MAX}, unknown = {99, 0};
    char reply[16];
    stranger(world, 1, &head, sizeof head, reply, sizeof reply);
    assert_string_equal(reply, ""); /* closed, nothing kept */
    stranger(world, 2, &unknown, sizeof unknown, reply, sizeof reply);
    assert_string_equal(reply, "");
}

static void test_too_large(void **state) {
    (void)state;
    WireWorld world = world_of(work_well);
    world.before = too_large;
    wire_world_run(&world);
    assert_all(&world, RT_OK);
}

static void other_world(const WireWorld *world) {
    char reply[sizeof(rt_wire_head) + sizeof(rt_wire_failed) + 1];
    stranger(world, 7, "", 0, reply, sizeof reply);
    const char *text = reply + sizeof(rt_wire_head) + offsetof(rt_wire_failed, text);
    if (!strstr(text, "rank 7 of 3 ranks came to a run of 3"))
        abort();
}

static void test_no_such_rank(void **state) {
    (void)state;
    WireWorld world = world_of(work_well);
    world.before = other_world;
    wire_world_run(&world);
    assert_all(&world, RT_OK);
}

static void test_wrong_secret(void **state) {
    (void)state;
    WireWorld world = world_of(work_well);
    world.secret[2] = "another secret, just as long as that";
    world.load_timeout_ms = 3000;
    wire_world_run(&world);
    assert_int_equal(world.status[0], RT_TIMEOUT);
    assert_says(&world, 0, "of 3 ranks, 2 did not come within 3000 ms (");
    assert_says(&world, 0, "connections had another secret or launch");
    assert_int_equal(world.status[2], RT_DATA);
    assert_says(&world, 2, "do both have the same secret");
}

/* --- ranks that do not come, or not as they should --- */

static void test_missing(void **state) {
    (void)state;
    WireWorld world = world_of(work_well);
    world.late[1] = true;
    world.load_timeout_ms = 500;
    wire_world_run(&world);
    assert_int_equal(world.status[0], RT_TIMEOUT);
    assert_says(&world, 0, "of 3 ranks, 1 did not come within 500 ms");
    assert_int_equal(world.status[2], RT_ABORTED);
}

static void test_no_hub(void **state) {
    (void)state;
    WireWorld world = world_of(work_well);
    world.late[0] = world.late[1] = true;
    world.load_timeout_ms = 300;
    wire_world_run(&world);
    assert_int_equal(world.status[2], RT_TIMEOUT);
    assert_says(&world, 2, "rank 2 did not reach rank 0 within 3");
    assert_says(&world, 2, "127.0.0.1 port ");
}

static void test_one_device(void **state) {
    (void)state;
    WireWorld world = world_of(work_well);
    world.device[1] = world.device[2] = "0000:3b:00.0";
    world.device[0] = "0000:3c:00.0";
    wire_world_run(&world);
    assert_int_equal(world.status[0], RT_DATA);
    assert_says(&world, 0, "ranks 1 and 2 were given one GPU (0000:3b:00.0 on host ");
    assert_says(&world, 0, "--transport loopback");
}

static void test_other_program(void **state) {
    (void)state;
    WireWorld world = world_of(work_well);
    world.digest[1] = "00112233445566bb";
    wire_world_run(&world);
    assert_int_equal(world.status[0], RT_DATA);
    assert_says(&world, 0, "rank 1 runs another program than rank 0");
    assert_says(&world, 0, "plan 00112233445566bb, where rank 0 has");
}

/* --- failures under way --- */

static rt_status work_fail(WireRank *r) {
    RT_TRY(rt_wait_barrier(r->rank, 0));
    if (r->rank->id == 1)
        return rt_fail(r->rank, RT_DATA, "this and that");
    return rt_wait_barrier(r->rank, 0);
}

static void test_fails(void **state) {
    (void)state;
    WireWorld world = world_of(work_fail);
    wire_world_run(&world);
    assert_int_equal(world.status[1], RT_DATA);
    assert_int_equal(world.status[2], RT_ABORTED);
    assert_true(world.seconds < 1.9); /* before any limit */
    for (int r = 0; r < WORLD; ++r)
        assert_says(&world, r, "rank 1 (worker): loading: this and that");
}

static rt_status work_die(WireRank *r) {
    RT_TRY(rt_wait_barrier(r->rank, 0));
    if (r->rank->id == 2)
        raise(SIGKILL);
    return rt_wait_barrier(r->rank, 0);
}

static void test_dies(void **state) {
    (void)state;
    WireWorld world = world_of(work_die);
    wire_world_run(&world);
    assert_int_equal(world.status[2], -SIGKILL);
    assert_true(world.seconds < 1.9);
    for (int r = 0; r < 2; ++r) {
        assert_int_equal(world.status[r], RT_ABORTED);
        assert_says(&world, r,
                    "rank 2 (worker) ended before its work was done, last seen in loading: its "
                    "connection from host ");
    }
}

static rt_status work_lose_hub(WireRank *r) {
    RT_TRY(rt_wait_barrier(r->rank, 0));
    if (r->rank->id == 0)
        raise(SIGKILL);
    return rt_wait_barrier(r->rank, 0);
}

static void test_hub_dies(void **state) {
    (void)state;
    WireWorld world = world_of(work_lose_hub);
    wire_world_run(&world);
    assert_true(world.seconds < 1.9);
    for (int r = 1; r < WORLD; ++r)
        assert_says(&world, r, "rank 0 (worker) ended before the work was done");
}

/* Rank 1 is idle where others wait: who is to blame is seen across processes, through rank 2, which waits for it too. */
static rt_status work_idle(WireRank *r) {
    r->rank->limit_ms = 600;
    if (r->rank->id == 1)
        for (int i = 0; i < 100 && !rt_segment_failed(&r->segment); ++i)
            sleep_ms(50);
    return rt_wait_barrier(r->rank, 0);
}

static void test_idle(void **state) {
    (void)state;
    WireWorld world = world_of(work_idle);
    wire_world_run(&world);
    assert_true(world.seconds < 4);
    for (int r = 0; r < WORLD; ++r)
        assert_says(&world, r, "rank 1 (worker) made no progress for 600 ms (loading)");
}

/* The rank's thread does not come back after a failure elsewhere, as in a call that cannot be given up. */
static rt_status work_stuck(WireRank *r) {
    RT_TRY(rt_wait_barrier(r->rank, 0));
    if (r->rank->id == 1) {
        sleep_ms(200); /* the others are past the barrier */
        return rt_fail(r->rank, RT_DATA, "the cause");
    }
    sleep_ms(20000);
    return RT_OK;
}

static void test_stuck(void **state) {
    (void)state;
    WireWorld world = world_of(work_stuck);
    wire_world_run(&world);
    assert_int_equal(world.status[0], RT_DATA); /* of who tells */
    assert_int_equal(world.status[2], RT_ABORTED);
    assert_true(world.seconds < 8);
}

/* --- meeting by a file --- */

static void test_file(void **state) {
    (void)state;
    char path[64];
    struct stat info;
    snprintf(path, sizeof path, "/tmp/test-wire-%d", (int)getpid());
    FILE *stale = fopen(path, "w"); /* of a run that was killed: nobody listens there */
    fprintf(stale, "ranks meet at 4d\n127.0.0.1 9\n");
    fclose(stale);
    WireWorld world = world_of(work_well);
    world.file = path;
    memset(world.secret, 0, sizeof world.secret); /* then it names this host's own addresses */
    wire_world_run(&world);
    assert_all(&world, RT_OK);
    assert_int_not_equal(stat(path, &info), 0); /* its writer took it away */
}

static void test_file_missing(void **state) {
    (void)state;
    WireWorld world = world_of(work_well);
    world.file = "/tmp/no-such-folder/file";
    world.late[0] = world.late[1] = true;
    world.load_timeout_ms = 300;
    wire_world_run(&world);
    assert_says(&world, 2, "/tmp/no-such-folder/file: rank 0 has not written it");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_well),         cmocka_unit_test(test_without_secret),
        cmocka_unit_test(test_junk),         cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_no_such_rank), cmocka_unit_test(test_wrong_secret),
        cmocka_unit_test(test_missing),      cmocka_unit_test(test_no_hub),
        cmocka_unit_test(test_one_device),   cmocka_unit_test(test_other_program),
        cmocka_unit_test(test_fails),        cmocka_unit_test(test_dies),
        cmocka_unit_test(test_hub_dies),     cmocka_unit_test(test_idle),
        cmocka_unit_test(test_stuck),        cmocka_unit_test(test_file),
        cmocka_unit_test(test_file_missing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
