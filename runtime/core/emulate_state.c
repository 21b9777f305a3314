/* emulate_state: see emulate_state.h. The layout, and who is a member of what. */
#include "core/emulate_state.h"

enum { STATE_ALIGN = 64 };

int32_t rt_emulation_streams(const rt_program *program) {
    int32_t streams = 1;
    for (int32_t r = 0; r < program->roles; ++r)
        for (int32_t i = 0; i < program->role[r].op_count; ++i)
            if (program->role[r].ops[i].stream >= streams)
                streams = program->role[r].ops[i].stream + 1;
    return streams;
}

static int32_t place_count(const rt_program *program) {
    return program->channels + 2 * program->exchanges;
}

/* Each place has one flow under way; those that are settled stay for a moment. */
static int32_t flow_limit(const rt_program *program) {
    return 2 * place_count(program) + 64;
}

int64_t rt_emulation_runs(const rt_job *job) {
    return job->emulated * job->program->steps;
}

const rt_step *rt_emulation_step(const rt_job *job, int64_t run) {
    return &job->program->step[run / job->emulated];
}

int64_t rt_emulation_words(const rt_program *program) {
    return (int64_t)program->world * (1 + rt_emulation_streams(program));
}

static char *part(char *base, int64_t *at, int64_t count, size_t size) {
    char *here = base ? base + *at : NULL;
    *at += (count * (int64_t)size + STATE_ALIGN - 1) / STATE_ALIGN * STATE_ALIGN;
    return here;
}

/* Addresses from `base`; returns the bytes of all. */
static int64_t lay_out(rt_emu *emu, const rt_job *job, char *base) {
    const rt_program *program = job->program;
    int64_t at = 0, world = program->world;
    emu->streams = rt_emulation_streams(program);
    emu->places = place_count(program);
    emu->flow_limit = flow_limit(program);
    emu->runs = rt_emulation_runs(job);
    emu->header = (rt_emu_header *)part(base, &at, 1, sizeof *emu->header);
    emu->run = (rt_emu_run *)part(base, &at, emu->runs, sizeof *emu->run);
    emu->end = (double *)part(base, &at, world * emu->runs, sizeof *emu->end);
    emu->late = (double *)part(base, &at, world * emu->runs, sizeof *emu->late);
    emu->place = (rt_emu_place *)part(base, &at, emu->places, sizeof *emu->place);
    emu->lane = (rt_emu_lane *)part(base, &at, world * emu->streams, sizeof *emu->lane);
    emu->flow = (rt_emu_flow *)part(base, &at, emu->flow_limit, sizeof *emu->flow);
    return at;
}

int64_t rt_emulation_bytes(const rt_job *job) {
    rt_emu nowhere;
    return lay_out(&nowhere, job, NULL);
}

rt_emu rt_emulation_at(const rt_segment *segment) {
    rt_emu emu = {.segment = segment};
    lay_out(&emu, segment->job, segment->base + segment->emulation);
    return emu;
}

static bool has_end(const rt_end *ends, int32_t count, int32_t rank) {
    for (int32_t i = 0; i < count; ++i)
        if (ends[i].rank == rank)
            return true;
    return false;
}

bool rt_emulation_member(const rt_program *program, int32_t place, int32_t rank) {
    if (place >= program->channels) {
        const rt_exchange *exchange = &program->exchange[(place - program->channels) / 2];
        return has_end(exchange->source, exchange->sources, rank) ||
               has_end(exchange->target, exchange->targets, rank);
    }
    const rt_channel *channel = &program->channel[place];
    for (int32_t i = 0; i < channel->members; ++i)
        if (channel->ranks[i] == rank)
            return true;
    return false;
}

const char *rt_emulation_place_name(const rt_program *program, int32_t place, const char **part) {
    *part = place < program->channels ? "channel" : "exchange";
    return place < program->channels ? program->channel[place].name
                                     : program->exchange[(place - program->channels) / 2].name;
}
