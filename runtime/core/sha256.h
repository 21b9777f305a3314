/* sha256: SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104), by which processes prove to each other that they have the same
 * secret. Owns nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RT_SHA256_BYTES = 32, RT_SHA256_BLOCK = 64 };

typedef struct rt_sha256 {
    uint32_t state[8];
    uint64_t length; /* bytes so far */
    unsigned char block[RT_SHA256_BLOCK];
} rt_sha256;

void rt_sha256_begin(rt_sha256 *sha);
void rt_sha256_add(rt_sha256 *sha, const void *data, size_t size);
void rt_sha256_end(rt_sha256 *sha, unsigned char digest[RT_SHA256_BYTES]);

typedef struct rt_hmac {
    rt_sha256 inner, outer;
} rt_hmac;

void rt_hmac_begin(rt_hmac *hmac, const void *key, size_t size);
void rt_hmac_add(rt_hmac *hmac, const void *data, size_t size);
void rt_hmac_end(rt_hmac *hmac, unsigned char digest[RT_SHA256_BYTES]);

/* Whether two texts are equal, in a time that does not depend on where they differ. */
bool rt_same_bytes(const void *a, const void *b, size_t size);
