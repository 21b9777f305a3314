/* identity: see identity.h. The header is mapped alone, because a segment of another program has another size. */
#include "core/identity.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static rt_identity identity_of(const rt_program *program) {
    rt_identity identity = {.abi = program->abi, .world = program->world};
    memcpy(identity.plan, program->digest, sizeof identity.plan);
    memcpy(identity.schedule, program->schedule, sizeof identity.schedule);
    memcpy(identity.certificate, program->certificate, sizeof identity.certificate);
    return identity;
}

void rt_identity_write(rt_header *header, const rt_program *program) {
    header->identity = identity_of(program);
}

static void describe(char *text, size_t size, int rank, const rt_identity *its,
                     const rt_identity *ours) {
    snprintf(text, size,
             "rank %d runs another program than rank 0: certificate %.16s of schedule %.16s, plan "
             "%.16s, where rank 0 has certificate %.16s of schedule %.16s, plan %.16s; build one "
             "program and start it on all ranks",
             rank, its->certificate, its->schedule, its->plan, ours->certificate, ours->schedule,
             ours->plan);
}

rt_status rt_identity_check(const rt_program *program, int fd, int rank, bool *ready,
                            rt_error *error) {
    struct stat info;
    rt_header *header = MAP_FAILED;
    char text[RT_MESSAGE];
    *ready = false;
    if (fstat(fd, &info) == 0 && info.st_size >= (off_t)sizeof *header)
        header = mmap(NULL, sizeof *header, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (header == MAP_FAILED)
        return RT_OK; /* not yet made: its maker is about to */
    const rt_identity ours = identity_of(program);
    bool other = false;
    *ready = atomic_load(&header->ready) != 0;
    if (*ready) {
        other = memcmp(&header->identity, &ours, sizeof ours) != 0;
        describe(text, sizeof text, rank, &ours, &header->identity);
    }
    int32_t none = 0;
    /* It has come, and goes. Another version has the word elsewhere. */
    if (other && header->identity.abi == ours.abi)
        rt_word_add(&header->attached);
    if (other && atomic_compare_exchange_strong(&header->refused, &none, -1)) {
        header->other = ours;
        atomic_store(&header->refused, rank + 1);
    }
    munmap(header, sizeof *header);
    return other ? rt_error_set(error, RT_DATA, "%s", text) : RT_OK;
}

bool rt_identity_refused(const rt_segment *segment, char *text, size_t size) {
    rt_header *header = rt_segment_header(segment);
    int32_t refused = atomic_load(&header->refused);
    if (refused <= 0)
        return false;
    describe(text, size, refused - 1, &header->other, &header->identity);
    return true;
}
