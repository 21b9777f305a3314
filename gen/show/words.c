/* words: one sentence a kind of operation. Appends to the caller's Buf. */
#include "words.h"

#include "schedule/ledger.h"

#include <ctype.h>
#include <string.h>

enum { SHOW_WIDTH = 100 };

void words_range(Range range, Buf *out) {
    if (range.begin >= range.end)
        buf_puts(out, "none");
    else if (range.end - range.begin == 1)
        buf_printf(out, "%lld", (long long)range.begin);
    else
        buf_printf(out, "%lld-%lld", (long long)range.begin, (long long)range.end - 1);
}

void words_loop(Range layers, const Model *model, Buf *out) {
    if (layers.begin >= model->layers) {
        buf_puts(out, "after the last layer");
        return;
    }
    buf_puts(out, layers.end - layers.begin == 1 ? "layer " : "each of layers ");
    words_range(layers, out);
}

void words_span(const char *thing, Range range, Buf *out) {
    buf_printf(out, "%s%s ", thing, range.end - range.begin == 1 ? "" : "s");
    words_range(range, out);
}

void words_ranks(const int64_t *ranks, int64_t count, Buf *out) {
    for (int64_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && ranks[end] == ranks[end - 1] + 1;)
            ++end;
        if (i > 0)
            buf_puts(out, ", ");
        words_range((Range){ranks[i], ranks[end - 1] + 1}, out);
    }
}

void words_bytes(int64_t bytes, Buf *out) {
    char text[24];
    buf_puts(out, ledger_bytes(text, bytes));
}

void words_seconds(double seconds, Buf *out) {
    if (seconds >= 1 || seconds == 0)
        buf_printf(out, "%.3g s", seconds);
    else if (seconds >= 1e-3)
        buf_printf(out, "%.3g ms", seconds * 1e3);
    else
        buf_printf(out, "%.3g us", seconds * 1e6);
}

void words_count(int64_t count, const char *thing, Buf *out) {
    buf_printf(out, "%lld %s%s", (long long)count, thing, count == 1 ? "" : "s");
}

void words_pad(Buf *out, size_t line, size_t column) {
    do
        buf_putc(out, ' ');
    while (out->length - line < column);
}

/* Bytes up to the next blank at which a line may break: a number keeps its unit. */
static size_t unbroken(const char *text) {
    size_t length = strcspn(text, " ");
    while (length > 0 && text[length] == ' ' && isdigit((unsigned char)text[length - 1])) {
        size_t next = strcspn(text + length + 1, " ");
        if (next > 3)
            break;
        length += 1 + next;
    }
    return length;
}

void words_wrap(const char *text, size_t line, int indent, Buf *out) {
    for (const char *next = text; *next;) {
        size_t word = unbroken(next);
        if (next > text && out->length - line + 1 + word > SHOW_WIDTH) {
            buf_putc(out, '\n');
            line = out->length;
            buf_printf(out, "%*s", indent, "");
        } else if (next > text) {
            buf_putc(out, ' ');
        }
        buf_append(out, next, word);
        next += word;
        next += strspn(next, " ");
    }
}

/* An operation and where its numbers and buffers are found. */
typedef struct Words {
    const Schedule *schedule;
    const RankSchedule *rank;
    const Op *op;
    Buf *out;
} Words;

static int64_t number(const Words *words, const char *name) {
    return words->op->args[op_arg((OpKind)words->op->kind, name)].value;
}

static Range span(const Words *words, const char *first, const char *count) {
    int64_t begin = number(words, first);
    return (Range){begin, begin + number(words, count)};
}

static void rows(const Words *words, const char *name) {
    words_count(number(words, name), "row", words->out);
}

/* A buffer's name, without the step and the micro-batch that its operation states already. */
static void buffer(const Words *words, const char *argument) {
    int64_t id = number(words, argument);
    if (id < 0) {
        buf_puts(words->out, "nothing");
        return;
    }
    const Buffer *of = &words->rank->buffers.items[id];
    const char *name = of->name;
    size_t length = strlen(name);
    if (of->step >= 0) {
        size_t prefix = strlen(words->schedule->plan->steps.items[of->step].name) + 1;
        const char *suffix = strstr(name + prefix, "_m");
        for (const char *next = suffix; next; next = strstr(next + 1, "_m"))
            suffix = next;
        name += prefix;
        length = suffix ? (size_t)(suffix - name) : strlen(name);
    }
    buf_append(words->out, name, length);
}

/* --- requests and attention
 * --------------------------------------------------------------------------- */

static void begin(const Words *words) {
    buf_puts(words->out, "take up ");
    words_span("sequence", span(words, "first", "sequences"), words->out);
    buf_puts(words->out, ", ");
    rows(words, "tokens");
    buf_puts(words->out, " each");
}

static void finish(const Words *words) {
    buf_puts(words->out, "new tokens of ");
    words_span("sequence", span(words, "first", "sequences"), words->out);
    buf_puts(words->out, number(words, "report") ? " into the request table and the results"
                                                 : " into the request table");
}

static void embed(const Words *words) {
    buf_puts(words->out, "embed ");
    rows(words, "rows");
    buf_puts(words->out, " from vocabulary ");
    words_range(span(words, "entry_begin", "entries"), words->out);
}

static void norm(const Words *words) {
    rows(words, "rows");
    buf_puts(words->out, " of ");
    buffer(words, "in");
    buf_puts(words->out, " by ");
    buffer(words, "weight");
    buf_puts(words->out, " to ");
    buffer(words, "out");
}

static void linear(const Words *words) {
    rows(words, "rows");
    buf_puts(words->out, " of ");
    buffer(words, "in");
    buf_printf(words->out, ", %lld to %lld columns, by ", (long long)number(words, "inputs"),
               (long long)number(words, "outputs"));
    buffer(words, "weight");
    if (number(words, "bias") >= 0) {
        buf_puts(words->out, " and ");
        buffer(words, "bias");
    }
}

static void append(const Words *words) {
    int64_t first = number(words, "cache_first");
    buf_puts(words->out, words->op->kind == OP_rope_append ? "rotate, then append " : "append ");
    words_count(number(words, "kv_heads"), "key-value head", words->out);
    buf_puts(words->out, " to the cache of local ");
    words_span("sequence", (Range){first, first + number(words, "sequences")}, words->out);
}

static void attention(const Words *words) {
    words_span("query head", span(words, "head_begin", "heads"), words->out);
    buf_puts(words->out, " over ");
    words_span("key-value head", span(words, "kv_begin", "kv_heads"), words->out);
    buf_puts(words->out, ", ");
    words_count(number(words, "sequences"), "sequence", words->out);
    buf_puts(words->out, " x ");
    rows(words, "tokens");
}

static void heads(const Words *words) {
    words_count(number(words, "heads"), "query head", words->out);
    buf_puts(words->out, " and ");
    words_count(number(words, "kv_heads"), "key head", words->out);
    buf_puts(words->out, " of ");
    rows(words, "rows");
}

static void head_norm(const Words *words) {
    buf_puts(words->out, "norm each of ");
    heads(words);
}

static void norm_squares(const Words *words) {
    buf_puts(words->out, "sum squares of ");
    words_count(number(words, "heads"), "query head", words->out);
    buf_puts(words->out, " and ");
    words_count(number(words, "key_count"), "key head", words->out);
    buf_puts(words->out, " of ");
    rows(words, "rows");
}

static void norm_scale(const Words *words) {
    buf_puts(words->out, "norm over all heads: ");
    heads(words);
    buf_puts(words->out, " by ");
    buffer(words, "squares");
}

static void clip(const Words *words) {
    buf_printf(words->out, "limit to +-%g ", words->schedule->plan->inputs.model.qkv_clip);
    heads(words);
}

static void latent_norm(const Words *words) {
    rows(words, "rows");
    buf_puts(words->out, " of ");
    buffer(words, "latent");
    buf_puts(words->out, " by ");
    buffer(words, "weight");
    buf_puts(words->out, ", in place");
}

static void latent_append(const Words *words) {
    const Model *model = &words->schedule->plan->inputs.model;
    int64_t first = number(words, "cache_first");
    buf_printf(words->out,
               "rotate %lld elements, then append latents of %lld to the cache of local ",
               (long long)model->rope_dim, (long long)model_latent_dim(model));
    words_span("sequence", (Range){first, first + number(words, "sequences")}, words->out);
}

static void latent_attention(const Words *words) {
    words_span("query head", span(words, "head_begin", "heads"), words->out);
    buf_puts(words->out, number(words, "expanded") ? " over keys and values made of latents, "
                                                   : " over latents as they lie, ");
    words_count(number(words, "sequences"), "sequence", words->out);
    buf_puts(words->out, " x ");
    rows(words, "tokens");
}

static void dense_ffn(const Words *words) {
    words_count(number(words, "columns"), "column", words->out);
    buf_puts(words->out, " of the feed-forward by ");
    buffer(words, "up");
    buf_puts(words->out, " on ");
    rows(words, "rows");
    buf_puts(words->out, " of ");
    buffer(words, "in");
}

static void add(const Words *words) {
    buffer(words, "out");
    buf_puts(words->out, " += ");
    buffer(words, "in");
    buf_puts(words->out, ", ");
    rows(words, "rows");
}

/* --- routing and experts
 * ------------------------------------------------------------------------------ */

static void route(const Words *words) {
    const Model *model = &words->schedule->plan->inputs.model;
    buf_printf(words->out, "choose %lld of %lld experts for ", (long long)model->top_k,
               (long long)model->experts);
    words_count(number(words, "rows"), "owned row", words->out);
    if (words->schedule->experts > model->experts)
        buf_puts(words->out, ", and what all tokens pass");
}

static void capacity(const Words *words) {
    buf_puts(words->out, "drop choices past an expert's capacity, ");
    words_count(number(words, "sequences"), "sequence", words->out);
    buf_puts(words->out, " x ");
    rows(words, "tokens");
}

static void pack(const Words *words) {
    const Exchange *exchange = &words->schedule->exchanges.items[number(words, "exchange")];
    buf_puts(words->out, "sort ");
    words_count(number(words, "rows"), "row", words->out);
    if (exchange->local) {
        buf_puts(words->out, " by the experts held here");
        return;
    }
    buf_puts(words->out, " by the rank of their experts, ");
    words_count(exchange->targets.count, "rank", words->out);
}

static void weighted_sum(const Words *words) {
    bool onto = words->op->args[op_arg(OP_weighted_sum, "base")].value >= 0;
    buffer(words, "out");
    buf_puts(words->out, onto ? " += " : " = ");
    buf_puts(words->out, "experts' results by their weights, ");
    words_count(number(words, "rows"), "row", words->out);
}

/* Are the operation's slots the one of what all tokens pass? */
static bool serves_shared(const Words *words) {
    int64_t up = number(words, "up");
    for (int64_t i = 0; i < words->rank->holdings.count; ++i)
        if (words->rank->holdings.items[i].buffer == up)
            return words->rank->holdings.items[i].tensor == TENSOR_SHARED_UP;
    return false;
}

static void expert_ffn(const Words *words) {
    const Exchange *exchange = &words->schedule->exchanges.items[number(words, "exchange")];
    int64_t most = 0;
    for (int64_t i = 0; i < exchange->sources.count; ++i)
        most += exchange_source_rows(exchange, i);
    if (serves_shared(words))
        buf_puts(words->out, "what all tokens pass");
    else
        words_count(number(words, "slots"), "expert", words->out);
    buf_printf(words->out, " of %lld columns on at most ", (long long)number(words, "columns"));
    words_count(most, "row", words->out);
    buf_puts(words->out, " from ");
    words_count(exchange->sources.count, "rank", words->out);
}

static void head(const Words *words) {
    buf_puts(words->out, "score vocabulary ");
    words_range(span(words, "entry_begin", "entries"), words->out);
    buf_puts(words->out, " for ");
    words_span("sequence", span(words, "first", "sequences"), words->out);
}

static void choose(const Words *words) {
    buf_puts(words->out, "best entry of ");
    words_count(number(words, "sequences"), "sequence", words->out);
    buf_puts(words->out, ", among the candidates of ");
    words_count(number(words, "members"), "rank", words->out);
}

/* --- moves
 * -------------------------------------------------------------------------------------------- */

static void collective(const Words *words) {
    const Channel *channel = &words->schedule->channels.items[words->op->channel];
    int64_t units = number(words, "units"), unit = number(words, "unit_bytes"), me = 0;
    while (me + 1 < channel->ranks.count && channel->ranks.items[me] != words->rank->rank)
        ++me;
    Range own = channel->own.items[me];
    int64_t mine = units * own.end / channel->pieces - units * own.begin / channel->pieces;
    buf_puts(words->out, words->op->kind == OP_all_gather ? "collect " : "sum ");
    words_bytes(words->op->kind == OP_all_reduce ? mine * unit : units * unit, words->out);
    buf_puts(words->out, " of ");
    buffer(words, "buffer");
    buf_puts(words->out, words->op->kind == OP_all_gather ? " from ranks " : " over ranks ");
    words_ranks(channel->ranks.items, channel->ranks.count, words->out);
    if (words->op->kind == OP_all_reduce)
        return;
    buf_puts(words->out, words->op->kind == OP_all_gather ? ", giving " : ", keeping ");
    words_bytes(mine * unit, words->out);
}

/* What this rank gives and gets in a stage of transfers. */
static void transfer(const Words *words) {
    const Channel *channel = &words->schedule->channels.items[words->op->channel];
    int64_t units = number(words, "units"), unit = number(words, "unit_bytes"), told = 0;
    for (int64_t i = 0; i < channel->transfers.count; ++i) {
        const ChannelTransfer *each = &channel->transfers.items[i];
        Range bytes = channel_bytes(channel, each->pieces, units, unit);
        int64_t from = channel->ranks.items[each->from], to = channel->ranks.items[each->to];
        bool gives = from == words->rank->rank;
        if (!gives && to != words->rank->rank)
            continue;
        buf_puts(words->out, told++ ? "; " : "");
        buf_puts(words->out, gives ? "give " : each->sum ? "add " : "get ");
        words_bytes(bytes.end - bytes.begin, words->out);
        buf_puts(words->out, gives || !each->sum ? " of " : " to ");
        buffer(words, "buffer");
        buf_printf(words->out, " %s rank %lld", gives ? "to" : "from",
                   (long long)(gives ? to : from));
    }
    if (!told)
        buf_puts(words->out, "no part in this stage");
}

static void pair(const Words *words) {
    const IntList *ends = &words->schedule->channels.items[words->op->channel].ranks;
    bool sends = words->op->kind == OP_send;
    int64_t peer = ends->items[0] == words->rank->rank ? ends->items[1] : ends->items[0];
    buf_puts(words->out, sends ? "send " : "get ");
    words_bytes(number(words, "bytes"), words->out);
    buf_puts(words->out, " of ");
    buffer(words, "buffer");
    buf_printf(words->out, " %s rank %lld", sends ? "to" : "from", (long long)peer);
}

static int64_t end_index(const Words *words, const Exchange *exchange, bool source) {
    int64_t count = source ? exchange->sources.count : exchange->targets.count;
    for (int64_t i = 0; i < count; ++i)
        if ((source ? exchange->sources.items[i].rank : exchange->targets.items[i].rank) ==
            words->rank->rank)
            return i;
    return -1;
}

static void ends(const Words *words, const Exchange *exchange, bool sources) {
    Buf *out = words->out;
    int64_t count = sources ? exchange->sources.count : exchange->targets.count;
    for (int64_t i = 0, end; i < count; i = end) {
#define RANK_OF(k) (sources ? exchange->sources.items[k].rank : exchange->targets.items[k].rank)
        for (end = i + 1; end < count && RANK_OF(end) == RANK_OF(end - 1) + 1;)
            ++end;
        buf_puts(out, i > 0 ? ", " : "");
        words_range((Range){RANK_OF(i), RANK_OF(end - 1) + 1}, out);
#undef RANK_OF
    }
}

/* What this rank gives in an exchange and what it gets: rows of hidden size one way, results
 * back. */
static void exchange(const Words *words) {
    const Exchange *of = &words->schedule->exchanges.items[words->op->exchange];
    int64_t source = end_index(words, of, true), target = end_index(words, of, false);
    int64_t top_k = words->schedule->top_k, incoming = 0, results = 0;
    bool dispatch = words->op->kind == OP_dispatch;
    for (int64_t s = 0; target >= 0 && s < of->sources.count; ++s) {
        incoming += exchange_source_rows(of, s);
        results += exchange_return_rows(of, s, target, top_k);
    }
    if (source >= 0) {
        buf_puts(words->out, dispatch ? "send at most " : "get results of ");
        words_count(exchange_source_rows(of, source), "row", words->out);
        buf_puts(words->out, dispatch ? " to each of ranks " : " from ranks ");
        ends(words, of, false);
    }
    buf_puts(words->out, source >= 0 && target >= 0 ? "; " : "");
    if (target >= 0) {
        buf_puts(words->out, dispatch ? "get at most " : "send back at most ");
        words_count(dispatch ? incoming : results, dispatch ? "row" : "result", words->out);
        buf_puts(words->out, dispatch ? " from ranks " : " to ranks ");
        ends(words, of, true);
    }
    int64_t hops = of->hops[!dispatch].count;
    int64_t relayed = exchange_relay_rows(of, words->rank->rank, !dispatch, top_k);
    if (relayed > 0) {
        buf_puts(words->out, "; pass on at most ");
        words_count(relayed, "row", words->out);
    }
    if (hops > 0) {
        buf_puts(words->out, ", in ");
        words_count(of->hops[!dispatch].items[hops - 1].stage + 1, "stage", words->out);
    }
}

void words_op(const Schedule *schedule, int64_t rank, const Op *op, Buf *out) {
    static void (*const sentences[OP_KINDS])(const Words *) = {
        [OP_begin] = begin,
        [OP_finish] = finish,
        [OP_embed] = embed,
        [OP_rms_norm] = norm,
        [OP_layer_norm] = norm,
        [OP_linear] = linear,
        [OP_rope_append] = append,
        [OP_append] = append,
        [OP_attention] = attention,
        [OP_head_norm] = head_norm,
        [OP_norm_squares] = norm_squares,
        [OP_norm_scale] = norm_scale,
        [OP_clip] = clip,
        [OP_latent_norm] = latent_norm,
        [OP_latent_append] = latent_append,
        [OP_latent_attention] = latent_attention,
        [OP_dense_ffn] = dense_ffn,
        [OP_add] = add,
        [OP_route] = route,
        [OP_capacity] = capacity,
        [OP_pack] = pack,
        [OP_weighted_sum] = weighted_sum,
        [OP_head] = head,
        [OP_choose] = choose,
        [OP_expert_ffn] = expert_ffn,
        [OP_all_reduce] = collective,
        [OP_reduce_scatter] = collective,
        [OP_all_gather] = collective,
        [OP_transfer] = transfer,
        [OP_dispatch] = exchange,
        [OP_combine] = exchange,
        [OP_send] = pair,
        [OP_recv] = pair,
    };
    Words words = {schedule, &schedule->ranks[rank], op, out};
    if (sentences[op->kind])
        sentences[op->kind](&words);
    else /* a kind that has no sentence yet says what ops.def says of it */
        buf_puts(out, op_info[op->kind].doc);
}
