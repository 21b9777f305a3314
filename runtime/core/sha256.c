/* sha256: see sha256.h. Names of the rounds' parts are those of FIPS 180-4. */
#include "core/sha256.h"

#include <string.h>

/* Fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
static const uint32_t round_constant[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t x, int by) {
    return x >> by | x << (32 - by);
}

static void block_add(rt_sha256 *sha, const unsigned char *block) {
    uint32_t w[64], v[8];
    for (int t = 0; t < 16; ++t)
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
               (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    for (int t = 16; t < 64; ++t) {
        uint32_t s0 = turn(w[t - 15], 7) ^ turn(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 = turn(w[t - 2], 17) ^ turn(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = s1 + w[t - 7] + s0 + w[t - 16];
    }
    memcpy(v, sha->state, sizeof v);
    for (int t = 0; t < 64; ++t) {
        uint32_t sum1 = turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25);
        uint32_t sum0 = turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22);
        uint32_t choose = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t most = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        uint32_t t1 = v[7] + sum1 + choose + round_constant[t] + w[t], t2 = sum0 + most;
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; ++i)
        sha->state[i] += v[i];
}

void rt_sha256_begin(rt_sha256 *sha) {
    *sha = (rt_sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void rt_sha256_add(rt_sha256 *sha, const void *data, size_t size) {
    const unsigned char *from = data;
    while (size) {
        size_t filled = sha->length % RT_SHA256_BLOCK, part = RT_SHA256_BLOCK - filled;
        part = size < part ? size : part;
        memcpy(sha->block + filled, from, part);
        sha->length += part;
        from += part;
        size -= part;
        if (sha->length % RT_SHA256_BLOCK == 0)
            block_add(sha, sha->block);
    }
}

void rt_sha256_end(rt_sha256 *sha, unsigned char digest[RT_SHA256_BYTES]) {
    static const unsigned char padding[RT_SHA256_BLOCK] = {0x80};
    unsigned char bits[8];
    uint64_t length = sha->length * 8;
    size_t filled = sha->length % RT_SHA256_BLOCK;
    for (int i = 0; i < 8; ++i)
        bits[i] = (unsigned char)(length >> (56 - 8 * i));
    rt_sha256_add(sha, padding, (filled < 56 ? 56 : 120) - filled);
    rt_sha256_add(sha, bits, sizeof bits);
    for (int i = 0; i < RT_SHA256_BYTES; ++i)
        digest[i] = (unsigned char)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
}

void rt_hmac_begin(rt_hmac *hmac, const void *key, size_t size) {
    unsigned char pad[RT_SHA256_BLOCK] = {0}, other[RT_SHA256_BLOCK];
    if (size > sizeof pad) {
        rt_sha256_begin(&hmac->inner);
        rt_sha256_add(&hmac->inner, key, size);
        rt_sha256_end(&hmac->inner, pad);
    } else if (size) {
        memcpy(pad, key, size);
    }
    for (size_t i = 0; i < sizeof pad; ++i) {
        other[i] = pad[i] ^ 0x5c;
        pad[i] ^= 0x36;
    }
    rt_sha256_begin(&hmac->inner);
    rt_sha256_add(&hmac->inner, pad, sizeof pad);
    rt_sha256_begin(&hmac->outer);
    rt_sha256_add(&hmac->outer, other, sizeof other);
}

void rt_hmac_add(rt_hmac *hmac, const void *data, size_t size) {
    rt_sha256_add(&hmac->inner, data, size);
}

void rt_hmac_end(rt_hmac *hmac, unsigned char digest[RT_SHA256_BYTES]) {
    rt_sha256_end(&hmac->inner, digest);
    rt_sha256_add(&hmac->outer, digest, RT_SHA256_BYTES);
    rt_sha256_end(&hmac->outer, digest);
}

bool rt_same_bytes(const void *a, const void *b, size_t size) {
    const volatile unsigned char *left = a, *right = b;
    unsigned char differs = 0;
    for (size_t i = 0; i < size; ++i)
        differs |= left[i] ^ right[i];
    return differs == 0;
}
