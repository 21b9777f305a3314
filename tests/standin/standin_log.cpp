/* standin_log: the calls of each thread as lines of a file, when STANDIN_LOG names one; settings of the environment; ranges
 * of NVTX. A thread's file is PREFIX.NAME once NVTX has named it, PREFIX.PID.N of one without a name. */
#include "standin.h"

#include "nvtx3/nvToolsExt.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

namespace {

std::atomic<int> threads{0};
std::atomic<long> lines{0};

struct Thread {
    int number = threads++;
    std::string name, early; /* early: lines from before it had a name */
    std::vector<std::string> ranges;
    FILE *file = nullptr;
    int streams = 0, events = 0, graphs = 0;
    ~Thread() {
        if (!early.empty())
            write("");
        if (file)
            fclose(file);
    }
    std::string shown_name() const {
        return name.empty() ? std::to_string(getpid()) + "." + std::to_string(number) : name;
    }
    void write(const std::string &text) {
        if (!file) {
            std::string path = std::string(getenv("STANDIN_LOG")) + "." + shown_name();
            file = fopen(path.c_str(), "w");
            if (!file) {
                fprintf(stderr, "stand-in: cannot write %s\n", path.c_str());
                abort();
            }
            fwrite(early.data(), 1, early.size(), file);
            early.clear();
        }
        fwrite(text.data(), 1, text.size(), file);
    }
};
thread_local Thread self;

} // namespace

namespace standin {

bool logs() {
    static const bool wanted = getenv("STANDIN_LOG") != nullptr;
    return wanted;
}

void log(const char *call, const char *format, ...) {
    if (!logs())
        return;
    char *text = nullptr;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        abort();
    va_end(arguments);
    std::string line = (self.ranges.empty() ? "-" : self.ranges.back()) + "\t" + call +
                       "\tn=" + std::to_string(lines.fetch_add(1, std::memory_order_relaxed));
    if (*text)
        line += std::string("\t") + text;
    free(text);
    line += "\n";
    if (self.name.empty() && !self.file)
        self.early += line;
    else
        self.write(line);
}

std::string thread_name() {
    return self.shown_name();
}

std::string next_name(char kind) {
    int &count = kind == 's' ? self.streams : kind == 'e' ? self.events : self.graphs;
    return self.shown_name() + ":" + kind + std::to_string(count++);
}

std::string shown(const std::string &name) {
    const std::string own = self.shown_name() + ":";
    return name.compare(0, own.size(), own) == 0 ? name.substr(own.size()) : name;
}

void tell(const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "stand-in, thread %s: %s\n", self.shown_name().c_str(), text);
}

long long setting(const char *name, long long otherwise) {
    const char *text = getenv(name);
    return text && *text ? strtoll(text, nullptr, 10) : otherwise;
}

int device_count() {
    return (int)setting("STANDIN_DEVICES", 8);
}

int architecture() {
    return (int)setting("STANDIN_ARCH", 90);
}

double now() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

} // namespace standin

extern "C" {

int nvtxRangePushA(const char *text) {
    if (standin::logs())
        self.ranges.push_back(text);
    return (int)self.ranges.size() - 1;
}

int nvtxRangePop(void) {
    if (!self.ranges.empty())
        self.ranges.pop_back();
    return (int)self.ranges.size();
}

void nvtxNameOsThreadA(uint32_t, const char *name) {
    self.name = name;
}
}
