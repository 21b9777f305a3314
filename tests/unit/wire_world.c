/* wire_world: see wire_world.h. */
#include "wire_world.h"
#include "free_port.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const rt_op op = {"none", "none", 0, 0, 0, false, {-1, -1, -1, -1, -1, -1}, ""};
static const rt_role roles[] = {{"worker", 64, 0, 0, &op, 1}};
static const rt_place places[WORLD] = {
    {0, 0, 0, 0, NULL, 0}, {0, 1, 0, 1, NULL, 0}, {0, 2, 0, 2, NULL, 0}};
static const char *const kinds[] = {"none"};
static rt_program program = {.abi = RT_ABI_VERSION,
                             .name = "wired",
                             .version = "test",
                             .digest = "00112233445566aa",
                             .schedule = "123456789abcdef0",
                             .certificate = "23456789abcdef01",
                             .world = WORLD,
                             .roles = 1,
                             .kinds = 1,
                             .places = places,
                             .role = roles,
                             .kind = kinds,
                             .batch = SEQUENCES,
                             .prompt = 2,
                             .context = 8,
                             .vocabulary = 100,
                             .candidates = 1,
                             .copies = 1};
static rt_options options;
static rt_job job = {.program = &program,
                     .options = &options,
                     .sequences = SEQUENCES,
                     .longest = 2,
                     .max_new = MAX_NEW,
                     .round = 1,
                     .waves = 1,
                     .tracks = true,
                     .logits = true};

void wire_rank_open(WireRank *rank, const WireWorld *world, int id) {
    *rank = (WireRank){.world = world};
    options =
        (rt_options){.timeout_ms = world->timeout_ms, .load_timeout_ms = world->load_timeout_ms};
    if (world->digest[id])
        program.digest = world->digest[id];
    rank->config = (rt_wire_config){.rank = id, .key = 77, .stuck_ms = 2000};
    rank->config.place = (rt_wire_place){.file = world->file, .port = world->port, .local = true};
    snprintf(rank->config.place.host, sizeof rank->config.place.host, "127.0.0.1");
    if (world->device[id])
        snprintf(rank->config.device, sizeof rank->config.device, "%s", world->device[id]);
    if (world->secret[id]) {
        rank->config.secret.size = strlen(world->secret[id]);
        memcpy(rank->config.secret.data, world->secret[id], rank->config.secret.size);
    }
    if (id == 0) {
        rank->config.blob_bytes = 5;
        memcpy(rank->config.blob, "hello", 5);
    }
    if (rt_segment_plan(&rank->segment, &job, &rank->error) != RT_OK ||
        rt_segment_map(&rank->segment, -1, true, &rank->error) != RT_OK)
        abort();
}

void wire_rank_close(WireRank *rank) {
    rt_rank_free(rank->rank);
    rt_wire_close(rank->wire);
    rt_segment_close(&rank->segment);
}

static int rank_run(WireWorld *world, int id, char *text) {
    WireRank rank;
    wire_rank_open(&rank, world, id);
    rt_status status = rt_wire_open(&rank.wire, &rank.segment, &rank.config, &rank.error);
    if (status == RT_OK) {
        rank.rank = rt_rank_create(&rank.segment, id);
        rank.rank->limit_ms = world->timeout_ms;
        status = world->work(&rank);
        if (status == RT_OK)
            status = rt_wire_finish(rank.wire);
        if (status != RT_OK)
            rt_launch_failure(&rank.segment, &rank.error);
    }
    snprintf(text, RT_MESSAGE, "%s", rank.error.text);
    wire_rank_close(&rank);
    return (int)status;
}

void wire_world_run(WireWorld *world) {
    char(*texts)[RT_MESSAGE] =
        mmap(NULL, sizeof world->text, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid[WORLD + 1] = {0};
    struct timespec begin, end;
    assert_true(texts != MAP_FAILED);
    if (!world->port)
        world->port = free_port();
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i <= WORLD; ++i) { /* the hub, who comes before, the peers */
        int id = i == 0 ? 0 : i - 1;
        bool guest = i == 1;
        if (guest ? !world->before : world->late[id])
            continue;
        pid[i] = fork();
        assert_true(pid[i] >= 0);
        if (pid[i] == 0) {
            if (guest)
                world->before(world);
            _exit(guest ? 0 : rank_run(world, id, texts[id]));
        }
        if (guest)
            waitpid(pid[i], NULL, 0);
    }
    for (int id = 0; id < WORLD; ++id) {
        int status, i = id == 0 ? 0 : id + 1;
        world->status[id] = -1;
        if (pid[i] > 0 && waitpid(pid[i], &status, 0) == pid[i])
            world->status[id] = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    world->seconds =
        (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) * 1e-9;
    memcpy(world->text, texts, sizeof world->text);
    munmap(texts, sizeof world->text);
}
