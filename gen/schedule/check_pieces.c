/* check_pieces: see check_pieces.h. */
#include "schedule/check_pieces.h"

#include <string.h>

static const uint64_t *set_of(const Piece *piece) {
    return piece->sum ? piece->sum->from : NULL;
}

int64_t pieces_at(const Pieces *pieces, int64_t at_byte) {
    int64_t low = 0, high = pieces->count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (pieces->items[middle].end <= at_byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Add to a list of pieces what is not empty; what continues the last one, to it. */
static int append(Piece *list, int count, Piece piece) {
    if (piece.begin >= piece.end)
        return count;
    if (count > 0 && list[count - 1].valid == piece.valid && list[count - 1].sum == piece.sum) {
        list[count - 1].end = piece.end;
        return count;
    }
    list[count] = piece;
    return count + 1;
}

/* The pieces that touch the value become at most five. */
void pieces_assign(Provenance *at, Track *track, Piece value) {
    Pieces *pieces = &track->pieces;
    if (value.begin >= value.end)
        return;
    int64_t first = pieces_at(pieces, value.begin), last = pieces_at(pieces, value.end - 1);
    if (first == pieces->count)
        return;
    last = last == pieces->count ? last - 1 : last;
    Piece left = pieces->items[first], right = pieces->items[last], next[5];
    int count = 0;
    left.end = value.begin;
    right.begin = value.end;
    value.begin = value.begin > left.begin ? value.begin : left.begin;
    value.end = value.end < right.end ? value.end : right.end;
    if (first > 0)
        count = append(next, count, pieces->items[--first]);
    count = append(next, count, left);
    count = append(next, count, value);
    count = append(next, count, right);
    if (last + 1 < pieces->count)
        count = append(next, count, pieces->items[++last]);
    int64_t more = count - (last + 1 - first), tail = pieces->count - (last + 1);
    for (int64_t i = 0; i < more; ++i)
        LIST_PUSH(at->check->scratch, pieces);
    memmove(&pieces->items[first + count], &pieces->items[last + 1],
            (size_t)tail * sizeof *pieces->items);
    memcpy(&pieces->items[first], next, (size_t)count * sizeof *next);
    pieces->count = first + count + tail;
}

/* The sum of bytes that were put together in different ways. */
static const Sum *mixed(Provenance *at, const Track *track, int64_t begin, int64_t end) {
    IntList terms = {0};
    for (int64_t i = pieces_at(&track->pieces, begin);
         i < track->pieces.count && track->pieces.items[i].begin < end; ++i) {
        const Piece *piece = &track->pieces.items[i];
        int64_t from = piece->begin > begin ? piece->begin : begin;
        int64_t until = piece->end < end ? piece->end : end;
        *(int64_t *)LIST_PUSH(at->check->scratch, &terms) = until - from;
        *(int64_t *)LIST_PUSH(at->check->scratch, &terms) = piece->sum->id;
    }
    return sums_mixed(&at->sums, &terms);
}

bool pieces_value(Provenance *at, const Track *track, int64_t begin, int64_t end, Piece *value) {
    bool found = false, differ = false;
    for (int64_t i = pieces_at(&track->pieces, begin);
         i < track->pieces.count && track->pieces.items[i].begin < end; ++i) {
        const Piece *piece = &track->pieces.items[i];
        if (found && (piece->valid != value->valid ||
                      !sums_same_set(&at->sums, set_of(piece), set_of(value))))
            return false;
        differ = differ || (found && piece->sum != value->sum);
        *value = *piece;
        found = true;
    }
    if (differ)
        value->sum = mixed(at, track, begin, end);
    return found;
}

Range pieces_bytes(const Channel *channel, const Op *op, Range pieces) {
    int64_t delta = op->args[op_arg((OpKind)op->kind, "buffer")].delta;
    Range bytes =
        channel_bytes(channel, pieces, check_arg(op, "units"), check_arg(op, "unit_bytes"));
    return (Range){delta + bytes.begin, delta + bytes.end};
}

const char *pieces_name(const Provenance *at, const Track *track, int64_t byte) {
    int64_t k = 0, count = track->moved ? track->moved->pieces : 0;
    while (k < count && pieces_bytes(track->moved, track->by, (Range){k, k + 1}).end <= byte)
        ++k;
    return k == count ? ""
                      : arena_printf(at->check->scratch, " (piece %lld of %lld)", (long long)k,
                                     (long long)count);
}
