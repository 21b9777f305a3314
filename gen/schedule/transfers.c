/* transfers: where the bytes of a stage of transfers lie. All of a stage happens at once, so that what a
 * rank receives into bytes that it sends has to wait beside them; a transport that receives before it adds
 * needs room for sums as well. Lowering sizes buffers by this, the proof asks it again. */
#include "schedule/schedule.h"

Range channel_bytes(const Channel *channel, Range pieces, int64_t units, int64_t unit_bytes) {
    return (Range){units * pieces.begin / channel->pieces * unit_bytes,
                   units * pieces.end / channel->pieces * unit_bytes};
}

bool channel_waits(const Channel *channel, const ChannelTransfer *transfer) {
    for (int64_t i = 0; !transfer->sum && i < channel->transfers.count; ++i) {
        const ChannelTransfer *other = &channel->transfers.items[i];
        if (other->from == transfer->to && other->pieces.begin < transfer->pieces.end &&
            transfer->pieces.begin < other->pieces.end)
            return true;
    }
    return transfer->sum;
}

int64_t channel_arrivals(const Channel *channel, int64_t member, int64_t units,
                         int64_t unit_bytes) {
    int64_t bytes = 0;
    for (int64_t i = 0; i < channel->transfers.count; ++i) {
        const ChannelTransfer *transfer = &channel->transfers.items[i];
        Range range = channel_bytes(channel, transfer->pieces, units, unit_bytes);
        if (transfer->to == member && channel_waits(channel, transfer))
            bytes += range.end - range.begin;
    }
    return bytes;
}
