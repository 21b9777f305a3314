/* standin_wire: see the header. */
#include "standin_wire.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

namespace standin {

constexpr size_t RING = 64 << 10;
constexpr int MEMBERS = 1024;

/* Positions count from the beginning; the data is a file's zeros at first. */
struct Ring {
    std::atomic<uint64_t> written, taken;
    char data[RING];
};

struct Bid {
    std::atomic<int> there;
    int color, key;
};

struct Region {
    std::atomic<int> members, attached, broken;
};

static void look_again() {
    timespec time = {0, 20000};
    nanosleep(&time, nullptr);
}

static size_t bids_at() {
    return (sizeof(Region) + 63) / 64 * 64;
}

static size_t rings_at(int members) {
    return (bids_at() + sizeof(Bid) * WIRE_SPLITS * (size_t)members + 63) / 64 * 64;
}

std::shared_ptr<Wire> Wire::open(const std::string &name, int members, int me,
                                 const std::atomic<bool> &stop) {
    if (members < 1 || members > MEMBERS || me < 0 || me >= members)
        return nullptr;
    std::shared_ptr<Wire> wire(new Wire(members, me));
    const std::string path = "/dev/shm/standin-" + name;
    wire->bytes = rings_at(members) + sizeof(Ring) * (size_t)members * (size_t)members;
    int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, (off_t)wire->bytes) != 0) {
        if (file >= 0)
            close(file);
        return nullptr;
    }
    void *at =
        mmap(nullptr, wire->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
    close(file);
    if (at == MAP_FAILED)
        return nullptr;
    wire->region = (Region *)at;
    int none = 0;
    wire->region->members.compare_exchange_strong(none, members);
    if (wire->region->members.load() != members)
        return nullptr;
    if (wire->region->attached.fetch_add(1) + 1 == members)
        unlink(path.c_str());
    while (wire->region->attached.load() < members) {
        if (stop.load() || wire->broken()) {
            unlink(path.c_str());
            return nullptr;
        }
        look_again();
    }
    return wire;
}

Wire::~Wire() {
    if (region)
        munmap(region, bytes);
}

Ring *Wire::ring(int from, int to) const {
    return (Ring *)((char *)region + rings_at(members)) + (size_t)from * (size_t)members +
           (size_t)to;
}

size_t Wire::write(int to, const char *from, size_t count) {
    Ring *to_ring = ring(me, to);
    const uint64_t written = to_ring->written.load(std::memory_order_relaxed);
    const size_t room = RING - (size_t)(written - to_ring->taken.load(std::memory_order_acquire));
    count = count < room ? count : room;
    for (size_t done = 0; done < count;) {
        const size_t at = (size_t)(written + done) % RING;
        const size_t part = count - done < RING - at ? count - done : RING - at;
        memcpy(to_ring->data + at, from + done, part);
        done += part;
    }
    to_ring->written.store(written + count, std::memory_order_release);
    return count;
}

size_t Wire::read(int from, char *to, size_t count) {
    Ring *from_ring = ring(from, me);
    const uint64_t taken = from_ring->taken.load(std::memory_order_relaxed);
    const size_t there = (size_t)(from_ring->written.load(std::memory_order_acquire) - taken);
    count = count < there ? count : there;
    for (size_t done = 0; done < count;) {
        const size_t at = (size_t)(taken + done) % RING;
        const size_t part = count - done < RING - at ? count - done : RING - at;
        memcpy(to + done, from_ring->data + at, part);
        done += part;
    }
    from_ring->taken.store(taken + count, std::memory_order_release);
    return count;
}

static Bid *bid(Region *region, int members, int serial, int of) {
    return (Bid *)((char *)region + bids_at()) + (size_t)serial * (size_t)members + (size_t)of;
}

void Wire::split_put(int serial, int color, int key) {
    Bid *mine = bid(region, members, serial, me);
    mine->color = color;
    mine->key = key;
    mine->there.store(1, std::memory_order_release);
}

bool Wire::split_get(int serial, int of, int *color, int *key) const {
    const Bid *theirs = bid(region, members, serial, of);
    if (!theirs->there.load(std::memory_order_acquire))
        return false;
    *color = theirs->color;
    *key = theirs->key;
    return true;
}

void Wire::break_it() {
    region->broken.store(1);
}

bool Wire::broken() const {
    return region->broken.load() != 0;
}

} // namespace standin
