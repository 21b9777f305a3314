/* made: see made.h. The word of the segment counts complete indices over all waves; each rank knows where its wave began
 * in that count, because a barrier stands between waves. */
#include "core/made.h"
#include "core/wait.h"

bool rt_made_stops(const rt_job *job, int32_t token) {
    for (int64_t i = 0; i < job->stops; ++i)
        if (job->stop[i] == token)
            return true;
    return false;
}

int64_t rt_made_present(const rt_job *job, int64_t wave) {
    int64_t left = job->sequences - wave % job->round * job->program->batch;
    return left < job->program->batch ? left : job->program->batch;
}

static rt_made *made_at(const rt_segment *segment, int64_t wave, int64_t index) {
    return (rt_made *)(segment->base + segment->made) + wave * segment->job->max_new + index;
}

bool rt_made_last(const rt_segment *segment, int64_t wave, int64_t index) {
    if (index == segment->job->max_new - 1)
        return true;
    return index > 0 && atomic_load_explicit(&made_at(segment, wave, index - 1)->live,
                                             memory_order_acquire) == 0;
}

bool rt_made_add(rt_segment *segment, int64_t wave, int64_t index, int32_t reported, int32_t live) {
    rt_made *made = made_at(segment, wave, index);
    rt_word *word = &rt_segment_header(segment)->made;
    atomic_fetch_add_explicit(&made->live, live, memory_order_acq_rel);
    int32_t all = atomic_fetch_add_explicit(&made->reported, reported, memory_order_acq_rel);
    int64_t present = rt_made_present(segment->job, wave);
    if (all + reported != present || reported == 0)
        return all + reported <= present;
    rt_word_add(word);
    rt_word_wake(word);
    return true;
}

void rt_made_report(rt_rank *rank, int32_t reported, int32_t live) {
    rt_mirror *mirror = rank->segment->mirror;
    rt_made_add(rank->segment, rank->wave, rank->made, reported, live);
    if (mirror)
        mirror->made(mirror, rank->wave, rank->made, reported, live);
}

rt_status rt_made_over(rt_rank *rank, int64_t step, bool *over) {
    *over = false;
    if (!rank->job->tracks || step == 0)
        return RT_OK;
    RT_TRY(rt_wait_world(rank, &rt_segment_header(rank->segment)->made,
                         rank->indices + (uint32_t)step));
    *over = rt_made_last(rank->segment, rank->wave, step);
    return RT_OK;
}

void rt_made_wave(rt_rank *rank, int64_t indices) {
    rank->indices += (uint32_t)indices;
    if (rank->id == 0)
        rt_segment_indices(rank->segment)[rank->wave] = (int32_t)indices;
}
