/* certify: the small checker. It is told where to look: it goes once along the order and the intervals of a certificate
 * and searches nothing. It shares the readers, and nothing with lowering, layout or proof. docs/certificate.md. */
#include "schedule/certificate.h"
#include "schedule/read_along.h"

#include <string.h>

enum { STREAMS = 4 };

typedef struct Clock {
    int64_t at[STREAMS]; /* operations of each stream that are complete */
} Clock;

/* Entries of matching, and how much of them was seen. */
typedef struct Match {
    int64_t seen, last, next; /* the next entry of the same place, -1 ends */
} Match;

/* A buffer of a role: bytes in the slab, the interval that it is in, last uses on each stream. */
typedef struct Held {
    Range bytes;
    int64_t since, until;
    bool lasts; /* weights and state */
    Clock written, read;
    const CertificateBuffer *intervals;
} Held;

typedef struct Certifier {
    const Schedule *schedule;
    const Certificate *certificate;
    const CertificateStep *step;
    int64_t s; /* its index */
    Diag *diag;
    Arena scratch;
    Along *ranks;             /* [world] where each is */
    IntList *members;         /* [places] who meets there */
    int64_t *met, *match;     /* [places] meetings so far; first entry of matching, -1: none */
    Match *matches;           /* [matching] */
    Held *held;               /* [buffers of the role] */
    const RankSchedule *rank; /* that is looked at, or NULL, */
    int64_t op;               /* and its operation */
} Certifier;

static Status refuse(Certifier *at, const char *code, const char *why, const char *what) {
    const char *where = "";
    if (at->rank)
        where =
            arena_printf(at->diag->arena, "step %s, rank %lld, operation %lld: ", at->step->name,
                         (long long)at->rank->rank, (long long)at->op);
    diag_error(at->diag, at->certificate->place, code, "make both anew from the plan", "%s%s %s",
               where, why, what);
    return STATUS_NEGATIVE;
}

/* --- 1. order: every rank comes to every meeting in its program order, and to its end; bounds ------------------- */

/* Every use lies in its buffer; how far a kernel reaches is the proof's to know. */
static Status check_bounds(Certifier *at, const Op *op, int64_t layer) {
    const OpArg *args = op_info[op->kind].args;
    for (int a = 0; a < OP_ARGS && args[a].type != ARG_NONE; ++a) {
        if (args[a].type == ARG_INT || op->args[a].value < 0)
            continue;
        const Buffer *of = &at->rank->buffers.items[op->args[a].value];
        int64_t copy = of->per_layer ? layer - of->first_layer : 0;
        if (copy < 0 || copy >= of->layers || op->args[a].delta + along_reach(op, a) > of->bytes)
            return refuse(at, "E0599", "it leaves the bytes or the layers of", of->name);
    }
    return STATUS_OK;
}

/* Let a rank run to its next move; NULL: to its end. */
static Status next_move(Certifier *at, int64_t rank, const Op **move) {
    at->rank = &at->schedule->ranks[rank];
    while ((*move = along_next(at->rank, at->s, &at->ranks[rank]))) {
        at->op = at->ranks[rank].op;
        TRY(check_bounds(at, *move, at->ranks[rank].layer));
        if (along_place(at->schedule, *move) >= 0)
            break;
    }
    return STATUS_OK;
}

/* Two ends of a pair differ in kind; those of an exchange bring what it says. */
static bool same(const Op *a, int64_t layer_a, const Op *b, int64_t layer_b, const Schedule *of) {
    return layer_a == layer_b && a->microbatch == b->microbatch && a->channel == b->channel &&
           (a->kind == b->kind) == (op_info[a->kind].class != OPCLASS_PAIR) &&
           along_unit(a) == along_unit(b) &&
           (op_info[a->kind].class == OPCLASS_EXCHANGE || along_bytes(of, a) == along_bytes(of, b));
}

/* The meeting is one that matching lists. */
static Status note_match(Certifier *at, int64_t place, const Op *op) {
    int64_t number = at->met[place]++, kind = op->kind == OP_recv ? (int64_t)OP_send : op->kind;
    int64_t bytes = along_bytes(at->schedule, op);
    for (int64_t m = at->match[place]; m >= 0; m = at->matches[m].next) {
        const CertificateMatch *told = &at->step->matching.items[m];
        if (told->kind != kind || told->microbatch != op->microbatch || told->bytes != bytes)
            continue;
        if (at->matches[m].seen++ == 0 && number != told->sequence.begin)
            break;
        at->matches[m].last = number;
        return STATUS_OK;
    }
    return refuse(at, "E0595", "matching lacks such a meeting at", along_name(at->schedule, place));
}

/* All members come to the place with their next move, and bring the same. */
static Status meet(Certifier *at, int64_t place) {
    const Schedule *of = at->schedule;
    const IntList *members = &at->members[place];
    const Op *first = NULL, *op = NULL;
    for (int64_t i = 0; i < members->count; ++i) {
        TRY(next_move(at, members->items[i], &op));
        if (!op || along_place(of, op) != place)
            return refuse(at, "E0594", "next it does not come to", along_name(of, place));
        first = i == 0 ? op : first;
        if (i > 0 && !same(first, at->ranks[members->items[0]].layer, op,
                           at->ranks[members->items[i]].layer, of))
            return refuse(at, "E0595", "others bring something else to", along_name(of, place));
    }
    const Exchange *exchange = of->exchanges.items + op->exchange; /* -1: none */
    if (op->exchange >= 0 && (exchange->step != at->s || exchange->microbatch != op->microbatch))
        return refuse(at, "E0595", "of another step or micro-batch is", along_name(of, place));
    return note_match(at, place, op);
}

static Status check_order(Certifier *at) {
    int64_t places = along_places(at->schedule);
    at->ranks = ARENA_ARRAY(&at->scratch, at->schedule->world, Along);
    at->members = along_members(&at->scratch, at->schedule);
    at->met = ARENA_ARRAY(&at->scratch, places + 1, int64_t);
    at->match = ARENA_ARRAY(&at->scratch, places + 1, int64_t);
    at->matches = ARENA_ARRAY(&at->scratch, at->step->matching.count + 1, Match);
    memset(at->match, 0xff, (size_t)places * sizeof *at->match);
    for (int64_t m = at->step->matching.count - 1; m >= 0; --m) {
        int64_t place = at->step->matching.items[m].place;
        if (place >= places)
            return refuse(at, "E0595", "matching names a place", "that is not there");
        at->matches[m].next = at->match[place];
        at->match[place] = m;
    }
    for (int64_t b = 0; b < at->step->order.count; ++b) {
        const CertificateBlock *block = &at->step->order.items[b];
        for (int64_t i = 0; i < block->repeat * block->places.count; ++i) {
            int64_t place = block->places.items[i % block->places.count];
            if (place < 0 || place >= places)
                return refuse(at, "E0594", "the order names a place", "that is not there");
            TRY(meet(at, place));
        }
    }
    const Op *op;
    for (int64_t r = 0; r < at->schedule->world; ++r) {
        TRY(next_move(at, r, &op));
        if (op)
            return refuse(at, "E0594", "the order ends before it comes to its", "end");
    }
    at->rank = NULL;
    for (int64_t m = 0; m < at->step->matching.count; ++m) {
        const CertificateMatch *told = &at->step->matching.items[m];
        if (at->matches[m].seen != told->count || at->matches[m].last + 1 != told->sequence.end)
            return refuse(at, "E0595", "miscounted is", along_name(at->schedule, told->place));
    }
    return STATUS_OK;
}

/* --- 2. intervals: what is read was written, nothing lies over it, no other stream is still at it ------- */

static bool complete(const Clock *uses, const Clock *known) {
    const int64_t *a = uses->at, *b = known->at;
    return a[0] <= b[0] && a[1] <= b[1] && a[2] <= b[2] && a[3] <= b[3];
}

/* A value begins: all that held one in the same bytes is past, and known to be. */
static Status open_value(Certifier *at, Held *to, int64_t n, const Clock *known) {
    for (int64_t b = 0; b < at->rank->buffers.count; ++b) {
        const Buffer *buffer = &at->rank->buffers.items[b];
        const Held *other = &at->held[b];
        if (other == to || !along_share(other->bytes, to->bytes) ||
            (buffer->step >= 0 && buffer->step != at->s))
            continue;
        if (other->lasts || other->until >= n)
            return refuse(at, "E0597", "where it writes, a value is held by", buffer->name);
        if (!complete(&other->read, known) || !complete(&other->written, known))
            return refuse(at, "E0598", "where it writes, others may still use", buffer->name);
    }
    return STATUS_OK;
}

/* A buffer is read, or else written, at position n; `known`: operations complete by then, and this one. */
static Status use(Certifier *at, int64_t index, int64_t n, bool reads, int64_t stream,
                  const Clock *known) {
    const Buffer *buffer = &at->rank->buffers.items[index];
    Held *to = &at->held[index];
    int64_t begin = n, end = n;
    if (buffer->class == BUFFER_WEIGHT)
        return reads ? STATUS_OK : refuse(at, "E0597", "it writes the weights", buffer->name);
    if (!to->lasts) {
        if (!certificate_interval(to->intervals, n, &begin, &end))
            return refuse(at, "E0597", "no value is held by", buffer->name);
        if (begin == n && !reads && to->since != n) {
            TRY(open_value(at, to, n, known));
            to->since = n;
            to->until = end;
        }
        if (to->since != begin)
            return refuse(at, "E0597", "nothing has written the value of", buffer->name);
    }
    if (to->bytes.begin < to->bytes.end &&
        (!complete(&to->written, known) || (!reads && !complete(&to->read, known))))
        return refuse(at, "E0598", "another stream may still use", buffer->name);
    (reads ? &to->read : &to->written)->at[stream] = known->at[stream];
    return STATUS_OK;
}

/* What an operation waits for was recorded; in the first round of a body, what stands further down never was. */
static Status wait_all(Certifier *at, const Op *op, const Along *along, const Clock *executed,
                       Clock *known) {
    const Segment *body = &at->rank->steps[at->s].segments.items[along->segment];
    bool first = along->round == 0 && body->layers.end - body->layers.begin > 1;
    for (int w = 0; w < OP_WAITS && op->waits[w] >= 0; ++w) {
        const Clock *recorded = &executed[op->waits[w]];
        const Op *other = &at->rank->ops.items[op->waits[w]];
        int64_t place = op->waits[w] - body->first;
        if (!other->records || (recorded->at[other->stream] == 0 &&
                                !(first && place >= along->index && place < body->count)))
            return refuse(at, "E0596", "nothing is recorded of what it waits for:", other->rule);
        for (int s = 0; s < STREAMS; ++s)
            known->at[s] = recorded->at[s] > known->at[s] ? recorded->at[s] : known->at[s];
    }
    return STATUS_OK;
}

/* Where the buffers of a role lie, and their intervals, which stand in the same order. */
static Status begin_role(Certifier *at, const Role *role, const CertificateRole *of) {
    int64_t next = 0;
    for (int64_t b = 0; b < at->rank->buffers.count; ++b) {
        const Buffer *is = &at->rank->buffers.items[b];
        at->held[b].bytes = along_bytes_of(at->schedule, role, b);
        at->held[b].since = at->held[b].until = -1;
        if (next < of->intervals.count && strcmp(of->intervals.items[next].buffer, is->name) == 0)
            at->held[b].intervals = &of->intervals.items[next++];
        at->held[b].lasts = is->class == BUFFER_WEIGHT || is->class == BUFFER_STATE;
        if (at->held[b].lasts) /* alone with its bytes from the beginning on */
            TRY(open_value(at, &at->held[b], 0, &(Clock){0}));
    }
    bool all = next == of->intervals.count && strcmp(of->role, role->name) == 0;
    return all ? STATUS_OK : refuse(at, "E0597", "intervals of others than those of", role->name);
}

static Status check_role(Certifier *at, const Role *role, const CertificateRole *of) {
    Clock streams[STREAMS] = {0};
    Along along = {0};
    at->rank = &at->schedule->ranks[role->ranks.items[0]];
    at->held = ARENA_ARRAY(&at->scratch, at->rank->buffers.count + 1, Held);
    Clock *executed = ARENA_ARRAY(&at->scratch, at->rank->ops.count + 1, Clock);
    TRY(begin_role(at, role, of));
    const Op *op;
    for (int64_t n = 0; (op = along_next(at->rank, at->s, &along)); ++n) {
        const OpArg *args = op_info[op->kind].args;
        Clock known = streams[op->stream];
        at->op = along.op;
        TRY(wait_all(at, op, &along, executed, &known));
        ++known.at[op->stream];
        for (int a = 0; a < 2 * OP_ARGS; ++a) { /* it reads before it writes */
            int i = a % OP_ARGS, other = a < OP_ARGS ? ARG_WRITE : ARG_READ;
            if (args[i].type >= ARG_READ && (int)args[i].type != other && op->args[i].value >= 0)
                TRY(use(at, op->args[i].value, n, a < OP_ARGS, op->stream, &known));
        }
        executed[along.op] = streams[op->stream] = known;
    }
    return STATUS_OK;
}

static Status check_step(Certifier *at) {
    const Schedule *of = at->schedule;
    at->step = &at->certificate->steps.items[at->s];
    at->rank = NULL;
    if (strcmp(at->step->name, of->steps.items[at->s].name) != 0 ||
        at->step->roles.count != of->roles.count)
        return refuse(at, "E0593", "it has other steps or roles than", of->name);
    TRY(check_order(at));
    for (int64_t r = 0; r < of->roles.count; ++r)
        TRY(check_role(at, &of->roles.items[r], &at->step->roles.items[r]));
    return STATUS_OK;
}

Status certify(const Schedule *schedule, const char *schedule_digest, const char *plan_digest,
               const Certificate *certificate, Diag *diag) {
    Certifier at = {.schedule = schedule, .certificate = certificate, .diag = diag};
    if (strcmp(certificate->schedule_digest, schedule_digest) != 0 ||
        (plan_digest && strcmp(certificate->plan_digest, plan_digest) != 0) ||
        certificate->steps.count != schedule->steps.count)
        return refuse(&at, "E0593", "it is of another plan or schedule, not of", schedule->name);
    Status status = STATUS_OK;
    for (; at.s < schedule->steps.count && status == STATUS_OK; ++at.s)
        status = check_step(&at);
    arena_free(&at.scratch);
    return status;
}
