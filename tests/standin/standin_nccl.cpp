/* standin_nccl: NCCL over shared memory, each operation in the thread of its stream. A collective is made of messages between
 * all its members; sums are in float32 in the order of ranks, rounded once. Members whose calls differ in what they are,
 * in count, type or root are told so, where the library would hang or mix bytes up. */
#include "standin.h"
#include "standin_wire.h"

#include "nccl.h"
#include "rt_format.h"

#include <algorithm>
#include <mutex>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <thread>
#include <time.h>
#include <unistd.h>

using namespace standin;

namespace {

/* A communicator; operations under way hold it too. */
struct Comm {
    std::string name;
    int members = 0, me = 0, splits = 0;
    bool blocking = true;
    std::vector<int> ranks; /* of the first communicator, by member */
    std::shared_ptr<Wire> wire;
    std::atomic<int> state{ncclInProgress};
    std::atomic<bool> aborted{false};
    std::mutex running;         /* one operation at a time, */
    std::shared_ptr<Mark> last; /* in the order of the calls; captured ones as they come */
    uint32_t serial = 0;        /* of its collectives, as they run */

    void set(ncclResult_t result) {
        int now = state.load();
        while ((now == ncclSuccess || now == ncclInProgress) &&
               !state.compare_exchange_weak(now, result))
            ;
    }
    bool stops() const {
        return aborted.load() || (wire && wire->broken());
    }
};

enum Kind { SEND = 1, ALL_REDUCE, REDUCE_SCATTER, ALL_GATHER, REDUCE, BROADCAST };
const char *const kind_names[] = {"",           "send",   "all-reduce", "reduce-scatter",
                                  "all-gather", "reduce", "broadcast"};

/* One message, as one of its ends sees it. */
struct Piece {
    bool sends;
    int peer;
    char *at;
    Header header;
    size_t done = 0; /* bytes, of the header and behind it */
    Header seen = {};
    size_t total() const {
        return sizeof(Header) + (size_t)header.bytes;
    }
};

/* An operation as it was called. */
struct Call {
    std::shared_ptr<Comm> comm;
    cudaStream_t stream;
    Kind kind;
    bool receives; /* of SEND: the other end */
    const char *from;
    char *to;
    size_t count;
    ncclDataType_t type;
    int peer; /* or root, or -1 */
    bool skipped;
};

thread_local int depth = 0;
thread_local std::vector<Call> group;
std::atomic<int> calls{0};
thread_local std::string last_error;

size_t size_of(ncclDataType_t type) {
    switch (type) {
    case ncclInt8:
    case ncclUint8:
        return 1;
    case ncclFloat16:
    case ncclBfloat16:
        return 2;
    case ncclInt64:
    case ncclUint64:
    case ncclFloat64:
        return 8;
    default:
        return 4;
    }
}

const char *type_name(ncclDataType_t type) {
    switch (type) {
    case ncclUint8:
        return "u8";
    case ncclInt32:
        return "i32";
    case ncclFloat16:
        return "f16";
    case ncclFloat32:
        return "f32";
    case ncclBfloat16:
        return "bf16";
    default:
        return "other";
    }
}

float load(const char *from, size_t index, ncclDataType_t type) {
    if (type == ncclFloat32)
        return ((const float *)from)[index];
    const uint16_t bits = ((const uint16_t *)from)[index];
    return type == ncclBfloat16 ? rt_from_bf16(bits) : rt_from_f16(bits);
}

void store(char *to, size_t index, float value, ncclDataType_t type) {
    if (type == ncclFloat32)
        ((float *)to)[index] = value;
    else
        ((uint16_t *)to)[index] = type == ncclBfloat16 ? rt_to_bf16(value) : rt_to_f16(value);
}

/* --- messages --------------------------------------------------------------------------------------------- */

std::string shown_header(const Header &h) {
    char text[128];
    snprintf(text, sizeof text, "%s %u of %llu bytes, type %s, root %d",
             h.kind <= BROADCAST ? kind_names[h.kind] : "?", h.serial, (unsigned long long)h.bytes,
             type_name((ncclDataType_t)h.type), h.root);
    return text;
}

/* Carry a message on as far as it goes; false: the other end means another one. */
bool carry(Comm *comm, Piece *piece) {
    Wire *wire = comm->wire.get();
    while (piece->done < piece->total()) {
        const bool in_header = piece->done < sizeof(Header);
        char *at = in_header ? (char *)(piece->sends ? &piece->header : &piece->seen) + piece->done
                             : piece->at + (piece->done - sizeof(Header));
        const size_t bytes =
            in_header ? sizeof(Header) - piece->done : piece->total() - piece->done;
        const size_t went =
            piece->sends ? wire->write(piece->peer, at, bytes) : wire->read(piece->peer, at, bytes);
        piece->done += went;
        if (went == 0)
            return true;
        if (!piece->sends && in_header && piece->done >= sizeof(Header) &&
            !(piece->seen == piece->header)) {
            tell("communicator %s: rank %d sends %s, where rank %d expects %s", comm->name.c_str(),
                 comm->ranks[(size_t)piece->peer], shown_header(piece->seen).c_str(),
                 comm->ranks[(size_t)comm->me], shown_header(piece->header).c_str());
            return false;
        }
    }
    return true;
}

/* All messages of a group on a stream, side by side; of those between two members in one direction in order. */
struct Exchange {
    std::vector<std::pair<Comm *, Piece>> pieces;

    bool is_first(size_t index) const {
        for (size_t i = 0; i < index; ++i)
            if (pieces[i].first == pieces[index].first &&
                pieces[i].second.peer == pieces[index].second.peer &&
                pieces[i].second.sends == pieces[index].second.sends &&
                pieces[i].second.done < pieces[i].second.total())
                return false;
        return true;
    }
    bool run() {
        for (int turns = 0;; ++turns) {
            bool all = true, moved = false;
            for (size_t i = 0; i < pieces.size(); ++i) {
                Comm *comm = pieces[i].first;
                Piece *piece = &pieces[i].second;
                const size_t before = piece->done;
                if (before == piece->total())
                    continue;
                if (comm->stops())
                    return false;
                if (is_first(i) && !carry(comm, piece)) {
                    comm->set(ncclInvalidUsage);
                    comm->wire->break_it();
                    return false;
                }
                moved = moved || piece->done != before;
                all = all && piece->done == piece->total();
            }
            if (all)
                return true;
            if (!moved && turns > 50) {
                timespec time = {0, 20000};
                nanosleep(&time, nullptr);
            }
        }
    }
};

/* --- operations ------------------------------------------------------------------------------------------- */

/* What a call needs while it runs: a copy of what it sends, and what it got. */
struct Running {
    const Call *call;
    std::vector<char> sent;
    std::vector<std::vector<char>> got; /* by member */
};

void add(Exchange *exchange, const Call &call, bool sends, int peer, char *at, size_t bytes,
         uint32_t serial) {
    const int root = call.kind == REDUCE || call.kind == BROADCAST ? call.peer : -1;
    const Header header = {(uint32_t)call.kind, (int32_t)call.type, root, serial, bytes};
    exchange->pieces.push_back({call.comm.get(), Piece{sends, peer, at, header, 0, {}}});
}

void begin(Running *run, Exchange *exchange) {
    const Call &call = *run->call;
    Comm *comm = call.comm.get();
    const size_t bytes = call.count * size_of(call.type), all = bytes * (size_t)comm->members;
    if (call.kind == SEND) {
        add(exchange, call, !call.receives, call.peer,
            call.receives ? call.to : const_cast<char *>(call.from), bytes, 0);
        return;
    }
    const uint32_t serial = ++comm->serial;
    const bool scatters = call.kind == REDUCE_SCATTER, roots = call.kind == REDUCE;
    if (call.kind != BROADCAST || comm->me == call.peer)
        run->sent.assign(call.from, call.from + (scatters ? all : bytes));
    run->got.resize((size_t)comm->members);
    for (int m = 0; m < comm->members; ++m) {
        const bool to = call.kind == BROADCAST ? comm->me == call.peer : !roots || m == call.peer;
        const bool from = call.kind == BROADCAST ? m == call.peer : !roots || comm->me == call.peer;
        if (to)
            add(exchange, call, true, m, run->sent.data() + (scatters ? bytes * (size_t)m : 0),
                bytes, serial);
        if (!from)
            continue;
        run->got[(size_t)m].resize(bytes);
        add(exchange, call, false, m, run->got[(size_t)m].data(), bytes, serial);
    }
}

void end(const Running *run) {
    const Call &call = *run->call;
    const size_t bytes = call.count * size_of(call.type);
    const bool sums = call.kind == ALL_REDUCE || call.kind == REDUCE_SCATTER || call.kind == REDUCE;
    if (call.kind == SEND || (call.kind == REDUCE && call.comm->me != call.peer))
        return;
    if (call.kind == BROADCAST)
        memcpy(call.to, run->got[(size_t)call.peer].data(), bytes);
    for (size_t m = 0; call.kind == ALL_GATHER && m < run->got.size(); ++m)
        memcpy(call.to + m * bytes, run->got[m].data(), bytes);
    for (size_t i = 0; sums && i < call.count; ++i) {
        float sum = 0;
        for (auto &part : run->got)
            sum += load(part.data(), i, call.type);
        store(call.to, i, sum, call.type);
    }
}

/* In the stream's thread. */
void run_calls(const std::vector<Call> &list) {
    std::vector<Comm *> comms;
    for (auto &call : list)
        if (std::find(comms.begin(), comms.end(), call.comm.get()) == comms.end())
            comms.push_back(call.comm.get());
    std::sort(comms.begin(), comms.end());
    for (Comm *comm : comms)
        comm->running.lock();
    std::vector<Running> runs(list.size());
    Exchange exchange;
    for (size_t i = 0; i < list.size(); ++i) {
        runs[i].call = &list[i];
        if (!list[i].skipped)
            begin(&runs[i], &exchange);
    }
    if (exchange.run())
        for (size_t i = 0; i < list.size(); ++i)
            if (!list[i].skipped)
                end(&runs[i]);
    for (Comm *comm : comms)
        if (comm->wire && comm->wire->broken())
            comm->set(ncclRemoteError);
    for (auto comm = comms.rbegin(); comm != comms.rend(); ++comm)
        (*comm)->running.unlock();
}

/* "RANK:N" of a variable of the environment says this rank and this of its calls. */
bool hits(const char *variable, int rank, int call, bool from_then_on) {
    const char *text = getenv(variable);
    int of = -1, number = -1;
    return text && sscanf(text, "%d:%d", &of, &number) == 2 && of == rank &&
           (from_then_on ? call >= number : call == number);
}

ncclResult_t issue(std::vector<Call> list) {
    while (!list.empty()) {
        cudaStream_t stream = list.front().stream;
        std::vector<Call> of_stream, others;
        for (auto &call : list)
            (call.stream == stream ? of_stream : others).push_back(call);
        list = std::move(others);
        enum cudaStreamCaptureStatus captured = cudaStreamCaptureStatusNone;
        cudaStreamIsCapturing(stream, &captured);
        std::vector<std::shared_ptr<Mark>> before;
        auto mark = std::make_shared<Mark>();
        for (auto &call : of_stream) {
            if (captured)
                continue;
            if (call.comm->last && call.comm->last != mark)
                before.push_back(call.comm->last);
            call.comm->last = mark;
        }
        auto shared = std::make_shared<std::vector<Call>>(std::move(of_stream));
        cudaError_t error = put(stream, [shared, before, mark] {
            for (auto &each : before)
                each->wait();
            run_calls(*shared);
            mark->finish();
        });
        if (error)
            return ncclUnhandledCudaError;
    }
    return ncclSuccess;
}

ncclResult_t told(ncclResult_t result, const char *text) {
    last_error = text;
    return result;
}

} // namespace

struct ncclComm {
    std::shared_ptr<Comm> comm;
    std::thread opening;
    ~ncclComm() {
        if (opening.joinable())
            opening.join();
    }
};

namespace {

ncclResult_t call(Kind kind, bool receives, const void *from, void *to, size_t count,
                  ncclDataType_t type, int peer, ncclComm_t handle, cudaStream_t stream,
                  const char *name) {
    if (!handle || !stream)
        return told(ncclInvalidArgument, "no communicator or no stream");
    Comm *comm = handle->comm.get();
    const int state = comm->state.load();
    if (state != ncclSuccess)
        return state == ncclInProgress ? told(ncclInvalidUsage, "the communicator is not ready")
                                       : (ncclResult_t)state;
    const bool sums = kind == ALL_REDUCE || kind == REDUCE_SCATTER || kind == REDUCE;
    if (sums && type != ncclFloat32 && type != ncclFloat16 && type != ncclBfloat16)
        return told(ncclInvalidArgument, "the stand-in sums float32, float16 and bfloat16");
    if (peer >= comm->members ||
        (peer < 0 && (kind == SEND || kind == REDUCE || kind == BROADCAST)))
        return told(ncclInvalidArgument, "no such peer");
    const size_t bytes = count * size_of(type), all = bytes * (size_t)comm->members;
    const bool reads = !(kind == SEND && receives) && !(kind == BROADCAST && comm->me != peer);
    const bool writes = !(kind == SEND && !receives) && !(kind == REDUCE && comm->me != peer);
    if ((reads && bytes && !is_device(from, kind == REDUCE_SCATTER ? all : bytes)) ||
        (writes && bytes && !is_device(to, kind == ALL_GATHER ? all : bytes))) {
        tell("%s of %zu elements over communicator %s: no memory of a device", kind_names[kind],
             count, comm->name.c_str());
        return told(ncclInvalidArgument, "no memory of a device");
    }
    if (logs())
        log(name, "comm=%s\tstream=%s\tcount=%zu\ttype=%s\tpeer=%d\tfrom=%p\tto=%p",
            comm->name.c_str(), shown(stream->name).c_str(), count, type_name(type), peer, from,
            to);
    const int number = 1 + calls.fetch_add(1), rank = comm->ranks[(size_t)comm->me];
    if (hits("STANDIN_NCCL_ERROR", rank, number, true))
        comm->set(ncclRemoteError);
    Call made = {
        handle->comm, stream, kind, receives, (const char *)from,
        (char *)to,   count,  type, peer,     hits("STANDIN_NCCL_SKIP", rank, number, false)};
    if (depth > 0) {
        group.push_back(std::move(made));
        return ncclSuccess;
    }
    return issue({std::move(made)});
}

void open_comm(std::shared_ptr<Comm> comm) {
    comm->wire = Wire::open(comm->name, comm->members, comm->me, comm->aborted);
    comm->set(comm->wire ? ncclSuccess : ncclSystemError);
    int opening = ncclInProgress;
    if (comm->wire)
        comm->state.compare_exchange_strong(opening, ncclSuccess);
}

void log_comm(const Comm *comm) {
    std::string text;
    for (int rank : comm->ranks)
        text += (text.empty() ? "" : ",") + std::to_string(rank);
    log("ncclComm", "comm=%s\tmember=%d\tmembers=%s", comm->name.c_str(), comm->me, text.c_str());
}

bool blocks(const ncclConfig_t *config) {
    return !config || config->blocking != 0;
}

/* What the members of a split bring, and so who I am in it; false: given up. */
bool split_members(Comm *parent, Comm *comm, int serial, int color, int key) {
    parent->wire->split_put(serial, color, key);
    std::vector<std::pair<int, int>> alike; /* key, member of the parent */
    for (int m = 0; m < parent->members; ++m) {
        int of = 0, at = 0;
        while (!parent->wire->split_get(serial, m, &of, &at)) {
            if (parent->stops() || comm->aborted.load())
                return false;
            usleep(20);
        }
        if (of == color)
            alike.push_back({at, m});
    }
    std::sort(alike.begin(), alike.end());
    comm->members = (int)alike.size();
    for (size_t i = 0; i < alike.size(); ++i) {
        comm->ranks.push_back(parent->ranks[(size_t)alike[i].second]);
        if (alike[i].second == parent->me)
            comm->me = (int)i;
    }
    return true;
}

} // namespace

extern "C" {

const char *ncclGetErrorString(ncclResult_t result) {
    static const char *const texts[] = {"no error",
                                        "unhandled cuda error",
                                        "unhandled system error",
                                        "internal error",
                                        "invalid argument",
                                        "invalid usage",
                                        "remote process exited or there was a network error",
                                        "NCCL operation in progress"};
    return result >= 0 && result < ncclNumResults ? texts[result] : "unknown result code";
}

const char *ncclGetLastError(ncclComm_t) {
    return last_error.c_str();
}

ncclResult_t ncclGetVersion(int *version) {
    *version = NCCL_VERSION_CODE;
    return ncclSuccess;
}

ncclResult_t ncclGetUniqueId(ncclUniqueId *id) {
    unsigned char bytes[16];
    FILE *file = fopen("/dev/urandom", "r");
    const bool got = file && fread(bytes, 1, sizeof bytes, file) == sizeof bytes;
    if (file)
        fclose(file);
    memset(id->internal, 0, sizeof id->internal);
    for (size_t i = 0; i < sizeof bytes; ++i)
        snprintf(id->internal + 2 * i, 3, "%02x", bytes[i]);
    return got ? ncclSuccess : ncclSystemError;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t *handle, int ranks, ncclUniqueId id, int rank,
                                    ncclConfig_t *config) {
    if (cudaError_t error = failed())
        return error ? ncclUnhandledCudaError : ncclSuccess;
    if (ranks < 1 || rank < 0 || rank >= ranks)
        return told(ncclInvalidArgument, "no such rank");
    auto comm = std::make_shared<Comm>();
    comm->name = std::string(id.internal, strnlen(id.internal, 32));
    comm->members = ranks;
    comm->me = rank;
    comm->blocking = blocks(config);
    for (int r = 0; r < ranks; ++r)
        comm->ranks.push_back(r);
    log_comm(comm.get());
    *handle = new ncclComm{comm, {}};
    (*handle)->opening = std::thread(open_comm, comm);
    if (!comm->blocking)
        return ncclInProgress;
    (*handle)->opening.join();
    return (ncclResult_t)comm->state.load();
}

ncclResult_t ncclCommInitRank(ncclComm_t *handle, int ranks, ncclUniqueId id, int rank) {
    return ncclCommInitRankConfig(handle, ranks, id, rank, nullptr);
}

ncclResult_t ncclCommSplit(ncclComm_t parent_handle, int color, int key, ncclComm_t *handle,
                           ncclConfig_t *config) {
    std::shared_ptr<Comm> parent = parent_handle->comm;
    if (parent->state.load() != ncclSuccess)
        return told(ncclInvalidUsage, "the communicator to be split is not ready");
    if (parent->splits == WIRE_SPLITS)
        return told(ncclInternalError, "the stand-in has no room for more splits");
    const int serial = parent->splits++;
    auto comm = std::make_shared<Comm>();
    comm->name = parent->name + "." + std::to_string(serial) + "." + std::to_string(color);
    comm->blocking = config ? blocks(config) : parent->blocking;
    if (color == NCCL_SPLIT_NOCOLOR) {
        parent->wire->split_put(serial, color, key);
        *handle = nullptr;
        return ncclSuccess;
    }
    /* The members are known when all have called; the log wants them from this thread. */
    if (!logs() && !comm->blocking) {
        *handle = new ncclComm{comm, {}};
        (*handle)->opening = std::thread([=] {
            if (split_members(parent.get(), comm.get(), serial, color, key))
                open_comm(comm);
            else
                comm->set(ncclSystemError);
        });
        return ncclInProgress;
    }
    if (!split_members(parent.get(), comm.get(), serial, color, key))
        return told(ncclSystemError, "the communicator to be split has been given up");
    log_comm(comm.get());
    *handle = new ncclComm{comm, {}};
    (*handle)->opening = std::thread(open_comm, comm);
    if (!comm->blocking)
        return ncclInProgress;
    (*handle)->opening.join();
    return (ncclResult_t)comm->state.load();
}

ncclResult_t ncclCommFinalize(ncclComm_t handle) {
    std::shared_ptr<Mark> last = handle->comm->last;
    if (last)
        last->wait();
    return ncclSuccess;
}

ncclResult_t ncclCommDestroy(ncclComm_t handle) {
    ncclCommFinalize(handle);
    delete handle;
    return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t handle) {
    while (setting("STANDIN_NCCL_ABORT_BLOCKS", 0))
        pause();
    handle->comm->aborted.store(true);
    delete handle;
    return ncclSuccess;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t handle, ncclResult_t *error) {
    *error = (ncclResult_t)handle->comm->state.load();
    return ncclSuccess;
}

ncclResult_t ncclCommCount(const ncclComm_t handle, int *count) {
    *count = handle->comm->members;
    return ncclSuccess;
}

ncclResult_t ncclCommUserRank(const ncclComm_t handle, int *rank) {
    *rank = handle->comm->me;
    return ncclSuccess;
}

ncclResult_t ncclGroupStart(void) {
    log("ncclGroupStart", "%s", "");
    ++depth;
    return ncclSuccess;
}

ncclResult_t ncclGroupEnd(void) {
    log("ncclGroupEnd", "%s", "");
    if (depth == 0)
        return told(ncclInvalidUsage, "no group was begun");
    if (--depth > 0)
        return ncclSuccess;
    std::vector<Call> list = std::move(group);
    group.clear();
    return issue(std::move(list));
}

ncclResult_t ncclAllReduce(const void *from, void *to, size_t count, ncclDataType_t type,
                           ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream) {
    if (op != ncclSum)
        return told(ncclInvalidArgument, "the stand-in only sums");
    return call(ALL_REDUCE, false, from, to, count, type, -1, comm, stream, "ncclAllReduce");
}

ncclResult_t ncclReduce(const void *from, void *to, size_t count, ncclDataType_t type,
                        ncclRedOp_t op, int root, ncclComm_t comm, cudaStream_t stream) {
    if (op != ncclSum)
        return told(ncclInvalidArgument, "the stand-in only sums");
    return call(REDUCE, false, from, to, count, type, root, comm, stream, "ncclReduce");
}

ncclResult_t ncclBroadcast(const void *from, void *to, size_t count, ncclDataType_t type, int root,
                           ncclComm_t comm, cudaStream_t stream) {
    return call(BROADCAST, false, from, to, count, type, root, comm, stream, "ncclBroadcast");
}

ncclResult_t ncclReduceScatter(const void *from, void *to, size_t count, ncclDataType_t type,
                               ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream) {
    if (op != ncclSum)
        return told(ncclInvalidArgument, "the stand-in only sums");
    return call(REDUCE_SCATTER, false, from, to, count, type, -1, comm, stream,
                "ncclReduceScatter");
}

ncclResult_t ncclAllGather(const void *from, void *to, size_t count, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t stream) {
    return call(ALL_GATHER, false, from, to, count, type, -1, comm, stream, "ncclAllGather");
}

ncclResult_t ncclSend(const void *from, size_t count, ncclDataType_t type, int peer,
                      ncclComm_t comm, cudaStream_t stream) {
    return call(SEND, false, from, nullptr, count, type, peer, comm, stream, "ncclSend");
}

ncclResult_t ncclRecv(void *to, size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
    return call(SEND, true, nullptr, to, count, type, peer, comm, stream, "ncclRecv");
}

} // extern "C"
