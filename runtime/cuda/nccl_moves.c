/* nccl_moves: collectives, stages of transfers and pairs. Where pieces of members are equal and stand in their order, a
 * collective is NCCL's own; else it is a group of one reduction or broadcast a member. So sums are in NCCL's order and
 * type, which is neither the host's nor that of loopback: results may differ in their last digits. What is counted is what
 * docs/runtime.md says of the move, whatever way NCCL sends it. */
#include "cuda/nccl.h"

static ncclDataType_t type_of(rt_type type) {
    return type == RT_F32 ? ncclFloat32 : type == RT_BF16 ? ncclBfloat16 : ncclFloat16;
}

static char *buffer_of(const rt_members *m, int64_t buffer) {
    return rt_at(m->rank, buffer);
}

static void count_bytes(const rt_members *m, int member, int64_t bytes) {
    if (member != m->me)
        m->rank->bytes[m->channel->ranks[member]] += bytes;
}

static void count_collective(const rt_members *m, rt_call call, const rt_collective *args) {
    for (int i = 0; i < m->channel->members; ++i) {
        if (call == RT_CALL_ALL_REDUCE)
            count_bytes(m, i,
                        rt_range_bytes(rt_members_shared(m, args, m->me)) +
                            rt_range_bytes(rt_members_shared(m, args, i)));
        else
            count_bytes(
                m, i,
                rt_range_bytes(rt_members_owned(m, args, call == RT_CALL_ALL_GATHER ? i : m->me)));
    }
}

/* Whether members' pieces are equal and follow one another, as NCCL's collectives have them. */
static bool is_even(const rt_members *m, const rt_collective *args) {
    rt_range first = rt_members_owned(m, args, 0);
    for (int i = 1; i < m->channel->members; ++i) {
        rt_range range = rt_members_owned(m, args, i);
        if (rt_range_bytes(range) != rt_range_bytes(first) ||
            range.begin != first.begin + i * rt_range_bytes(first))
            return false;
    }
    return true;
}

/* NCCL's own. */
static ncclResult_t even(const rt_members *m, rt_call call, const rt_collective *args) {
    rt_range first = rt_members_owned(m, args, 0), mine = rt_members_owned(m, args, m->me);
    char *buffer = buffer_of(m, args->buffer);
    size_t count = (size_t)(rt_range_bytes(first) / rt_type_bytes(args->type));
    ncclComm_t comm = nccl_of(m->rank)->channel[m->index];
    cudaStream_t stream = rt_device_stream(m->rank);
    if (call == RT_CALL_REDUCE_SCATTER)
        return ncclReduceScatter(buffer + first.begin, buffer + mine.begin, count,
                                 type_of(args->type), ncclSum, comm, stream);
    return ncclAllGather(buffer + mine.begin, buffer + first.begin, count, type_of(args->type),
                         comm, stream);
}

/* The pieces of one member: reduced to it, or from it to all. */
static ncclResult_t uneven(const rt_members *m, rt_call call, const rt_collective *args,
                           int member) {
    rt_range range = rt_members_owned(m, args, member);
    char *at = buffer_of(m, args->buffer) + range.begin;
    size_t count = (size_t)(rt_range_bytes(range) / rt_type_bytes(args->type));
    ncclComm_t comm = nccl_of(m->rank)->channel[m->index];
    cudaStream_t stream = rt_device_stream(m->rank);
    if (count == 0)
        return ncclSuccess;
    return call == RT_CALL_REDUCE_SCATTER
               ? ncclReduce(at, at, count, type_of(args->type), ncclSum, member, comm, stream)
               : ncclBroadcast(at, at, count, type_of(args->type), member, comm, stream);
}

static ncclResult_t all_reduce(const rt_members *m, const rt_collective *args) {
    rt_range range = rt_members_owned(m, args, m->me);
    char *at = buffer_of(m, args->buffer) + range.begin;
    size_t count = (size_t)(rt_range_bytes(range) / rt_type_bytes(args->type));
    if (count == 0)
        return ncclSuccess;
    return ncclAllReduce(at, at, count, type_of(args->type), ncclSum,
                         nccl_of(m->rank)->channel[m->index], rt_device_stream(m->rank));
}

rt_status rt_nccl_collective(const rt_members *m, rt_call call, const rt_collective *args) {
    if (m->channel->members == 1)
        return RT_OK;
    RT_TRY(rt_nccl_group(m->rank, m->index));
    ncclResult_t told = ncclSuccess;
    if (call == RT_CALL_ALL_REDUCE)
        told = all_reduce(m, args);
    else if (is_even(m, args))
        told = even(m, call, args);
    else
        for (int i = 0; told == ncclSuccess && i < m->channel->members; ++i)
            told = uneven(m, call, args, i);
    if (told != ncclSuccess && told != ncclInProgress) {
        ncclGroupEnd();
        return rt_nccl_told(m->rank, m->index, told, "a collective");
    }
    RT_TRY(rt_nccl_group_end(m->rank, m->index));
    count_collective(m, call, args);
    return RT_OK;
}

/* --- stages of transfers -------------------------------------------------------------------------------- */

/* Whether what a transfer brings has to wait in the workspace: to be added, or since this rank still sends what it would
 * change. */
static bool has_room(const rt_members *m, const rt_transfer_item *item) {
    return item->sum || rt_members_waits(m, item);
}

static rt_status check_room(const rt_members *m, const rt_transfer_args *args) {
    int64_t needed = 0;
    for (int i = 0; i < m->channel->transfers; ++i) {
        const rt_transfer_item *item = &m->channel->transfer[i];
        if (item->to == m->me && has_room(m, item))
            needed += rt_range_bytes(rt_members_item(m, args, item));
    }
    if (needed <= args->arrivals)
        return RT_OK;
    return rt_fail(m->rank, RT_SOFTWARE, "channel %s: %lld bytes arrive, %lld have room",
                   m->channel->name, (long long)needed, (long long)args->arrivals);
}

/* Transfers between two members meet in the order of the list, on both. */
static rt_status exchange_items(const rt_members *m, const rt_transfer_args *args) {
    char *buffer = buffer_of(m, args->buffer), *waiting = buffer_of(m, args->workspace);
    for (int i = 0; i < m->channel->transfers; ++i) {
        const rt_transfer_item *item = &m->channel->transfer[i];
        rt_range range = rt_members_item(m, args, item);
        int64_t bytes = rt_range_bytes(range);
        if (item->from == m->me && item->to != m->me)
            RT_TRY(rt_nccl_send(m->rank, m->index, buffer + range.begin, bytes, item->to));
        if (item->to != m->me)
            continue;
        bool wait = has_room(m, item);
        if (item->from != m->me) {
            RT_TRY(rt_nccl_recv(m->rank, m->index, wait ? waiting : buffer + range.begin, bytes,
                                item->from));
            count_bytes(m, item->from, bytes);
        }
        waiting += wait ? bytes : 0;
    }
    return RT_OK;
}

/* What a member sends itself, before anything changes. */
static rt_status own_items(const rt_members *m, const rt_transfer_args *args) {
    struct rt_copy_args copies = {.parts = 0};
    char *buffer = buffer_of(m, args->buffer), *waiting = buffer_of(m, args->workspace);
    for (int i = 0; i < m->channel->transfers; ++i) {
        const rt_transfer_item *item = &m->channel->transfer[i];
        rt_range range = rt_members_item(m, args, item);
        if (item->to != m->me)
            continue;
        if (item->from == m->me)
            RT_TRY(rt_moves_add_copy(m->rank, &copies, waiting, buffer + range.begin,
                                     rt_range_bytes(range)));
        waiting += has_room(m, item) ? rt_range_bytes(range) : 0;
    }
    return rt_moves_copy(m->rank, &copies);
}

rt_status rt_nccl_transfer(const rt_members *m, const rt_transfer_args *args) {
    char *waiting = buffer_of(m, args->workspace);
    RT_TRY(check_room(m, args));
    RT_TRY(own_items(m, args));
    RT_TRY(rt_nccl_group(m->rank, m->index));
    RT_TRY(exchange_items(m, args));
    RT_TRY(rt_nccl_group_end(m->rank, m->index));
    for (int i = 0; i < m->channel->transfers; ++i) {
        const rt_transfer_item *item = &m->channel->transfer[i];
        if (item->to != m->me || !has_room(m, item))
            continue;
        RT_TRY(rt_moves_apply(m, args, item, waiting));
        waiting += rt_range_bytes(rt_members_item(m, args, item));
    }
    return RT_OK;
}

/* --- pairs ---------------------------------------------------------------------------------------------- */

rt_status rt_nccl_pair(const rt_members *m, bool sends, const rt_pair_args *args) {
    char *at = buffer_of(m, args->buffer);
    RT_TRY(rt_nccl_group(m->rank, m->index));
    if (sends)
        RT_TRY(rt_nccl_send(m->rank, m->index, at, args->bytes, !m->me));
    else
        RT_TRY(rt_nccl_recv(m->rank, m->index, at, args->bytes, !m->me));
    RT_TRY(rt_nccl_group_end(m->rank, m->index));
    if (!sends)
        count_bytes(m, !m->me, args->bytes);
    return RT_OK;
}
