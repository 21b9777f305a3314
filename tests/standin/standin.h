/* standin: what the stand-ins for CUDA's libraries share: streams that are threads, events, errors, the log. A device's
 * memory is the host's; what is put on a stream runs in the stream's thread, as late as that comes to it. ThreadSanitizer
 * sees only the orders that the interface promises: from a call to the work that it put on a stream, along a stream, and
 * from the record of an event to those who waited for it. What a stream did is ordered before nothing else, although one
 * could not run without the other here: the queue is read without taking part in any such order. */
#pragma once

#include "cuda_runtime_api.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace standin {

/* A moment on a stream: done once the stream has come there. */
struct Mark {
    std::atomic<int> done{0};
    double time = 0;
    void finish();
    void wait();
    bool asked(); /* done; and then what came before it is there */
};

typedef std::function<void()> Work;

struct Queue; /* a stream's thread and its work */

struct Capture;

} // namespace standin

struct CUstream_st {
    std::string name;
    standin::Queue *queue;
    standin::Capture *capture = nullptr; /* under way */
    int chain = -1;                      /* of the capture */
};

namespace standin {

/* Put work on a stream, or into the capture that it is part of. */
cudaError_t put(cudaStream_t stream, Work work);

/* The first failure of a process stays: all calls return it from then on. */
cudaError_t failed();
void fail(cudaError_t error, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* To stderr, with the name of the thread. */
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Is all of [at, at + bytes) memory of a device, or pinned memory? */
bool is_device(const void *at, size_t bytes);
bool is_pinned(const void *at, size_t bytes);
/* --- the log ---------------------------------------------------------------------------------------------- */

/* A line of the calling thread, when STANDIN_LOG=PREFIX asks for it: "RANGE<tab>call<tab>n=N<tab>key=value...", N a count of
 * the process; `format` has the tabs between the keys. README.md has the calls. */
bool logs();
void log(const char *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What the runtime's own kernels are launched with (standin_moves.cpp), beginning with a tab; "" for others. */
std::string moves_text(const std::string &kernel, void **arguments);
/* Name of the calling thread; of the next stream ('s'), event ('e') or graph ('g') that it makes, THREAD:sK; and of one of
 * these as this thread calls it: without the thread's name where it made it itself. */
std::string thread_name();
std::string next_name(char kind);
std::string shown(const std::string &name);

/* --- the environment -------------------------------------------------------------------------------------- */

long long setting(const char *name, long long otherwise);
int device_count();
int architecture();
double now();

} // namespace standin
