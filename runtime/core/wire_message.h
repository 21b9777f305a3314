/* wire_message: what processes of a run say to each other over a socket, and how bytes become messages. Until a process has
 * proved that it has the secret, all have one size and none is kept; after that each has a head with type and
 * size, and a size that its type does not have ends the connection. Little-endian, as all files are. */
#pragma once

#include "core/secret.h"
#include "core/segment.h"
#include "core/sha256.h"

#define RT_WIRE_MAGIC "RTWIRE1"

enum {
    RT_WIRE_NAME = 64,  /* bytes of a host's or device's name */
    RT_WIRE_BLOB = 256, /* what rank 0's transport tells all */
    RT_WIRE_CHUNK = 1 << 17,
    RT_WIRE_PULSES = 64,  /* in a message */
    RT_WIRE_TOKENS = 512, /* likewise */
};

/* --- before the proof: the hub speaks first ------------------------------------------------------------- */

typedef struct rt_wire_hello {
    char magic[8];
    unsigned char nonce[RT_SHA256_BYTES];
} rt_wire_hello;

typedef struct rt_wire_proof {
    char magic[8];
    int32_t rank, world;
    uint64_t
        key; /* of the launch: others' processes may meet at an address that was another run's */
    unsigned char nonce[RT_SHA256_BYTES];
    unsigned char mac[RT_SHA256_BYTES]; /* of "peer", the hub's nonce and all above */
} rt_wire_proof;

typedef struct rt_wire_answer {
    unsigned char mac[RT_SHA256_BYTES]; /* of "hub", the hub's nonce, the proof */
} rt_wire_answer;

void rt_wire_proof_mac(const rt_secret *secret, const rt_wire_hello *hello,
                       const rt_wire_proof *proof, unsigned char mac[RT_SHA256_BYTES]);
void rt_wire_answer_mac(const rt_secret *secret, const rt_wire_hello *hello,
                        const rt_wire_proof *proof, unsigned char mac[RT_SHA256_BYTES]);

/* --- after it ------------------------------------------------------------------------------------------- */

typedef enum rt_wire_type {
    RT_WIRE_JOIN = 1, /* to the hub: who I am */
    RT_WIRE_CLOCK,    /* to the hub and back */
    RT_WIRE_WELCOME,  /* to a peer: all have joined */
    RT_WIRE_REFUSED,  /* to a peer: why it is none of us */
    RT_WIRE_FAILED,   /* both ways: the run has failed */
    RT_WIRE_ARRIVED,  /* both ways: at the world's barrier */
    RT_WIRE_MADE,     /* both ways */
    RT_WIRE_HUNG_UP,  /* to a peer: nobody wants more tokens */
    RT_WIRE_PULSE,    /* both ways: rt_wire_pulse each */
    RT_WIRE_TOKEN,    /* to the hub: rt_wire_token each */
    RT_WIRE_DATA,     /* to the hub: rt_wire_data, then bytes */
    RT_WIRE_END,      /* to the hub: all is there; to a peer: go */
    RT_WIRE_TYPES
} rt_wire_type;

typedef struct rt_wire_head {
    uint32_t type, bytes; /* of what follows */
} rt_wire_head;

typedef struct rt_wire_join {
    rt_identity identity;
    char host[RT_WIRE_NAME], device[RT_WIRE_NAME]; /* device: "": none that others must not have */
    unsigned char boot[16]; /* of the machine since it was started: equal clocks */
    int64_t links, tokens;  /* sizes that must agree, or the command lines differ */
} rt_wire_join;

typedef struct rt_wire_clock {
    double asked, told; /* by the clocks of the peer and of the hub */
} rt_wire_clock;

typedef struct rt_wire_welcome {
    uint64_t run;
    int32_t blob_bytes;
    unsigned char boot[16];
    unsigned char blob[RT_WIRE_BLOB];
} rt_wire_welcome;

typedef struct rt_wire_failed {
    int32_t rank, status;
    char text[RT_MESSAGE];
} rt_wire_failed;

typedef struct rt_wire_arrived {
    uint32_t times;
} rt_wire_arrived;

typedef struct rt_wire_made {
    int64_t wave, index;
    int32_t reported, live;
} rt_wire_made;

typedef struct rt_wire_pulse {
    uint64_t progress;
    int64_t worked_us;
    int32_t rank, waits_for, step, op, layer, done;
} rt_wire_pulse;

typedef struct rt_wire_token {
    int64_t at; /* among all tokens */
    int32_t token, zero;
} rt_wire_token;

typedef enum rt_wire_region {
    RT_WIRE_AREA,   /* of the sender: its arrays */
    RT_WIRE_LOGITS, /* of the run */
    RT_WIRE_LINKS,
    RT_WIRE_REGIONS
} rt_wire_region;

typedef struct rt_wire_data {
    int64_t offset; /* bytes in the region */
    int32_t region, zero;
} rt_wire_data;

typedef struct rt_wire_end {
    int64_t weight_bytes, events, events_dropped;
} rt_wire_end;

/* Bytes that came in, or are to go out; from `at` on. */
typedef struct rt_wire_buffer {
    char *data;
    size_t at, length, capacity;
} rt_wire_buffer;

/* Room for `size` more bytes at data + length; NULL without memory. */
char *rt_wire_room(rt_wire_buffer *buffer, size_t size);
/* A message, of one part or two. */
bool rt_wire_put(rt_wire_buffer *buffer, rt_wire_type type, const void *body, size_t size);
bool rt_wire_put_data(rt_wire_buffer *buffer, rt_wire_region region, int64_t offset,
                      const void *data, size_t size);
void rt_wire_buffer_free(rt_wire_buffer *buffer);

/* The next whole message: 1, its body at *body; 0: not all of it is there; -1: it is none. */
int rt_wire_next(rt_wire_buffer *buffer, rt_wire_type *type, const char **body, size_t *size);

/* Take a message of a rank into this process's segment: what ranks of a shared segment would have written there. `hub`:
 * this process is rank 0. False: no rank of this program says that. */
bool rt_wire_apply(rt_segment *segment, bool hub, int32_t rank, rt_wire_type type, const char *body,
                   size_t size);
