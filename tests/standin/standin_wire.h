/* standin_wire: bytes between the members of a communicator, through a file in shared memory that all of them map: a ring for
 * each pair and direction. Members may be processes or threads of one. Who waits looks again and again. */
#pragma once

#include <atomic>
#include <memory>
#include <stdint.h>
#include <string>

namespace standin {

enum { WIRE_SPLITS = 4096 };

/* What goes before the bytes of a message, so that the other end sees whether it is the one that it expects. */
struct Header {
    uint32_t kind;
    int32_t type, root;
    uint32_t serial; /* of the communicator's collectives; 0: a send */
    uint64_t bytes;
    bool operator==(const Header &other) const {
        return kind == other.kind && type == other.type && root == other.root &&
               serial == other.serial && bytes == other.bytes;
    }
};

struct Ring;
struct Region;

class Wire {
  public:
    const int members, me;

    /* Of all who name it alike; there once all have come, or when `stop` says so: then NULL. */
    static std::shared_ptr<Wire> open(const std::string &name, int members, int me,
                                      const std::atomic<bool> &stop);
    ~Wire();

    /* As many bytes as go at once; without waiting. */
    size_t write(int to, const char *from, size_t bytes);
    size_t read(int from, char *to, size_t bytes);

    /* Tell all members what this one brings to the `serial`-th split, and what member `of` brings, once it has: false until
     * then. */
    void split_put(int serial, int color, int key);
    bool split_get(int serial, int of, int *color, int *key) const;

    /* Any member may break it for all. */
    void break_it();
    bool broken() const;

  private:
    Wire(int count, int index) : members(count), me(index) {}
    Ring *ring(int from, int to) const;
    Region *region = nullptr;
    size_t bytes = 0;
};

} // namespace standin
