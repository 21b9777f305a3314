/* standin_stream: streams, events, graphs. A graph is the list of what was captured, in chains of one stream each; its
 * replays run each chain in a thread of its own, so that an order that was not captured is not kept. */
#include "standin.h"

#include <limits.h>
#include <linux/futex.h>
#include <mutex>
#include <string.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

struct CUevent_st {
    std::string name;
    bool timed;
    std::mutex lock; /* of what follows */
    std::shared_ptr<standin::Mark> mark;
    standin::Capture *capture = nullptr; /* recorded while capturing */
    int chain = -1, position = -1;
};

namespace standin {

/* --- marks ------------------------------------------------------------------------------------------------ */

static void sleep_on(std::atomic<int> *word, int value) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}

static void wake(std::atomic<int> *word) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

void Mark::finish() {
    time = now();
    done.store(1, std::memory_order_release);
    wake(&done);
}

void Mark::wait() {
    while (!done.load(std::memory_order_acquire))
        sleep_on(&done, 0);
}

bool Mark::asked() {
    return done.load(std::memory_order_relaxed) && done.load(std::memory_order_acquire);
}

/* --- a stream's thread ------------------------------------------------------------------------------------ */

struct Node {
    Work work;
    std::atomic<Node *> next{nullptr};
};

/* A list with one end for the thread and one for those who call. The thread learns of work by the list alone; `put_count`
 * only wakes it. */
struct Queue {
    Node *head, *tail; /* head: done; behind it is what comes */
    std::mutex putting;
    std::atomic<int> put_count{0};
    std::atomic<long> done_count{0};
    long total = 0;
    std::thread thread;
    std::atomic<int> ended{0};

    Queue() : head(new Node), tail(head) {
        thread = std::thread([this] { run(); });
    }
    ~Queue() {
        put([this] { ended.store(1, std::memory_order_relaxed); });
        thread.join();
        delete head;
    }
    void put(Work work) {
        Node *node = new Node;
        node->work = std::move(work);
        {
            std::lock_guard<std::mutex> hold(putting);
            tail->next.store(node, std::memory_order_release);
            tail = node;
            ++total;
        }
        put_count.fetch_add(1, std::memory_order_relaxed);
        wake(&put_count);
    }
    void run() {
        while (!ended.load(std::memory_order_relaxed)) {
            int seen = put_count.load(std::memory_order_relaxed);
            Node *next = head->next.load(std::memory_order_acquire);
            if (!next) {
                sleep_on(&put_count, seen);
                continue;
            }
            delete head;
            head = next;
            head->work();
            head->work = nullptr;
            done_count.fetch_add(1, std::memory_order_release);
        }
    }
    bool idle() {
        std::lock_guard<std::mutex> hold(putting);
        return done_count.load(std::memory_order_relaxed) == total &&
               done_count.load(std::memory_order_acquire) == total;
    }
};

/* --- captures --------------------------------------------------------------------------------------------- */

struct Step {
    Work work;
    std::vector<std::pair<int, int>> after; /* chain and position of what it waits for */
};

struct Capture {
    CUstream_st *origin;
    std::thread::id thread;
    std::vector<CUstream_st *> streams; /* a chain each */
    std::vector<std::vector<Step>> chains;
    std::string broken;
    int join(CUstream_st *stream) {
        stream->capture = this;
        stream->chain = (int)streams.size();
        streams.push_back(stream);
        chains.emplace_back();
        return stream->chain;
    }
};

cudaError_t put(cudaStream_t stream, Work work) {
    if (cudaError_t error = failed())
        return error;
    if (!stream) {
        tell("the default stream is nobody's here");
        return cudaErrorInvalidResourceHandle;
    }
    if (!stream->capture) {
        stream->queue->put(std::move(work));
        return cudaSuccess;
    }
    stream->capture->chains[(size_t)stream->chain].push_back({std::move(work), {}});
    return cudaSuccess;
}

static std::string name_of(cudaStream_t stream) {
    return stream ? shown(stream->name) : "0";
}

} // namespace standin

struct CUgraph_st {
    std::string name;
    std::shared_ptr<std::vector<std::vector<standin::Step>>> chains;
};

struct CUgraphExec_st {
    std::string name;
    std::shared_ptr<std::vector<std::vector<standin::Step>>> chains;
    std::vector<std::unique_ptr<standin::Queue>> queues;
};

using namespace standin;

extern "C" {

/* --- streams ---------------------------------------------------------------------------------------------- */

cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest) {
    *least = 0;
    *greatest = -5;
    return failed();
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int priority) {
    if (cudaError_t error = failed())
        return error;
    if (!(flags & cudaStreamNonBlocking)) {
        tell("a stream that waits for the default stream");
        return cudaErrorNotSupported;
    }
    *stream = new CUstream_st;
    (*stream)->name = next_name('s');
    (*stream)->queue = new Queue;
    log("cudaStreamCreateWithPriority", "stream=%s\tpriority=%d", shown((*stream)->name).c_str(),
        priority);
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) {
    return cudaStreamCreateWithPriority(stream, flags, 0);
}

cudaError_t cudaStreamCreate(cudaStream_t *stream) {
    return cudaStreamCreateWithPriority(stream, cudaStreamDefault, 0);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    delete stream->queue;
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    if (stream->capture)
        return cudaErrorStreamCaptureUnsupported;
    auto mark = std::make_shared<Mark>();
    if (cudaError_t error = put(stream, [mark] { mark->finish(); }))
        return error;
    mark->wait();
    return failed();
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
    if (stream->capture)
        return cudaErrorStreamCaptureUnsupported;
    bool idle = stream->queue->idle();
    if (cudaError_t error = failed())
        return error;
    return idle ? cudaSuccess : cudaErrorNotReady;
}

/* --- events ----------------------------------------------------------------------------------------------- */

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags) {
    *event = new CUevent_st;
    (*event)->name = next_name('e');
    log("cudaEventCreateWithFlags", "event=%s\tflags=%u", shown((*event)->name).c_str(), flags);
    (*event)->timed = !(flags & cudaEventDisableTiming);
    return failed();
}

cudaError_t cudaEventCreate(cudaEvent_t *event) {
    return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
    delete event;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    if (logs())
        log("cudaEventRecord", "event=%s\tstream=%s", shown(event->name).c_str(),
            name_of(stream).c_str());
    auto mark = std::make_shared<Mark>();
    Capture *capture = stream ? stream->capture : nullptr;
    cudaError_t error = put(stream, capture ? Work([] {}) : Work([mark] { mark->finish(); }));
    if (error)
        return error;
    std::lock_guard<std::mutex> hold(event->lock);
    event->mark = capture ? nullptr : mark;
    event->capture = capture;
    event->chain = capture ? stream->chain : -1;
    event->position = capture ? (int)capture->chains[(size_t)stream->chain].size() - 1 : -1;
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
    if (logs())
        log("cudaStreamWaitEvent", "event=%s\tstream=%s", shown(event->name).c_str(),
            name_of(stream).c_str());
    std::unique_lock<std::mutex> hold(event->lock);
    if (event->capture) {
        if (stream->capture && stream->capture != event->capture)
            return cudaErrorStreamCaptureIsolation;
        if (!stream->capture)
            event->capture->join(stream);
        stream->capture->chains[(size_t)stream->chain].push_back(
            {[] {}, {{event->chain, event->position}}});
        return failed();
    }
    if (!event->mark) {
        tell("a stream is to wait for event %s, which was never recorded", event->name.c_str());
        return cudaErrorInvalidValue;
    }
    if (stream->capture) {
        tell("a captured stream is to wait for event %s, which was recorded before",
             event->name.c_str());
        return cudaErrorStreamCaptureIsolation;
    }
    static const bool skips = setting("STANDIN_SKIP_PEERS", 0) != 0;
    if (skips && shown(event->name) == event->name) /* another thread's */
        return failed();
    auto mark = event->mark;
    hold.unlock();
    return put(stream, [mark] { mark->wait(); });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
    std::lock_guard<std::mutex> hold(event->lock);
    if (event->capture)
        return cudaErrorStreamCaptureUnsupported;
    if (cudaError_t error = failed())
        return error;
    return !event->mark || event->mark->asked() ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    std::shared_ptr<Mark> mark;
    {
        std::lock_guard<std::mutex> hold(event->lock);
        mark = event->mark;
    }
    if (mark)
        mark->wait();
    return failed();
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t begin, cudaEvent_t end) {
    std::shared_ptr<Mark> marks[2];
    for (int i = 0; i < 2; ++i) {
        cudaEvent_t event = i ? end : begin;
        std::lock_guard<std::mutex> hold(event->lock);
        marks[i] = event->mark;
        if (!event->timed || !marks[i])
            return cudaErrorInvalidResourceHandle;
        if (!marks[i]->asked())
            return cudaErrorNotReady;
    }
    *milliseconds = (float)((marks[1]->time - marks[0]->time) * 1e3);
    return failed();
}

/* --- graphs ----------------------------------------------------------------------------------------------- */

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode) {
    if (cudaError_t error = failed())
        return error;
    if (stream->capture)
        return cudaErrorStreamCaptureUnmatched;
    log("cudaStreamBeginCapture", "stream=%s", name_of(stream).c_str());
    Capture *capture = new Capture;
    capture->origin = stream;
    capture->join(stream);
    return cudaSuccess;
}

/* Does the end of the origin's chain come after the end of each other chain? By what waits for what. */
static bool all_joined(const Capture *capture) {
    std::vector<int> reached(capture->chains.size(),
                             -1); /* the last position known to come before */
    std::vector<std::pair<int, int>> open = {{0, (int)capture->chains[0].size() - 1}};
    while (!open.empty()) {
        auto [chain, position] = open.back();
        open.pop_back();
        if (position <= reached[(size_t)chain])
            continue;
        int from = reached[(size_t)chain] + 1;
        reached[(size_t)chain] = position;
        for (int i = from; i <= position; ++i)
            for (auto &after : capture->chains[(size_t)chain][(size_t)i].after)
                open.push_back(after);
    }
    for (size_t c = 0; c < capture->chains.size(); ++c)
        if (reached[c] + 1 < (int)capture->chains[c].size())
            return false;
    return true;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
    Capture *capture = stream->capture;
    log("cudaStreamEndCapture", "stream=%s", name_of(stream).c_str());
    if (!capture || capture->origin != stream)
        return cudaErrorStreamCaptureUnmatched;
    bool joined = all_joined(capture);
    for (CUstream_st *each : capture->streams) {
        each->capture = nullptr;
        each->chain = -1;
    }
    cudaError_t error = cudaErrorStreamCaptureUnjoined;
    *graph = nullptr;
    if (joined) {
        *graph = new CUgraph_st;
        (*graph)->name = next_name('g');
        (*graph)->chains =
            std::make_shared<std::vector<std::vector<Step>>>(std::move(capture->chains));
        error = failed();
    } else
        tell("a capture ends while a stream of it has work that the first does not wait for");
    delete capture; /* events that it recorded are recorded anew before anyone waits for them */
    return error;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus *status) {
    *status = stream->capture ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    return failed();
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long) {
    *exec = new CUgraphExec_st;
    (*exec)->name = graph->name;
    (*exec)->chains = graph->chains;
    for (size_t c = 0; c < graph->chains->size(); ++c)
        (*exec)->queues.emplace_back(new Queue);
    return failed();
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    delete graph;
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
    delete exec;
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
    log("cudaGraphLaunch", "graph=%s\tstream=%s", shown(exec->name).c_str(),
        name_of(stream).c_str());
    return put(stream, [exec] {
        const auto &chains = *exec->chains;
        typedef std::vector<std::vector<std::shared_ptr<Mark>>> Marks;
        auto marks = std::make_shared<Marks>(chains.size());
        for (size_t c = 0; c < chains.size(); ++c)
            for (size_t i = 0; i < chains[c].size(); ++i)
                (*marks)[c].push_back(std::make_shared<Mark>());
        for (size_t c = 0; c < chains.size(); ++c)
            for (size_t i = 0; i < chains[c].size(); ++i) {
                const Step *step = &chains[c][i];
                auto mark = (*marks)[c][i];
                exec->queues[c]->put([step, mark, marks] {
                    for (auto &after : step->after)
                        (*marks)[(size_t)after.first][(size_t)after.second]->wait();
                    if (!failed())
                        step->work();
                    mark->finish();
                });
            }
        for (auto &chain : *marks)
            if (!chain.empty())
                chain.back()->wait();
    });
}

} // extern "C"
