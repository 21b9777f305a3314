/* npy: arrays in NumPy's file format, as --logits writes them: little-endian, C order. What is
 * read lies in the caller's arena. */
#pragma once

#include "base/arena.h"
#include "base/diag.h"

enum { NPY_DIMS = 8 };

typedef enum NpyType { NPY_F32, NPY_F64, NPY_I32, NPY_I64 } NpyType;

typedef struct Npy {
    NpyType type;
    int64_t dims;
    int64_t shape[NPY_DIMS];
    int64_t elements;
    const void *data;
} Npy;

/* Read a file of at most `limit` bytes. E0803 where it is none, or of another type or order. */
Status npy_read(Arena *arena, const char *path, size_t limit, Npy *npy, Diag *diag);

/* An element as a number, whatever the type. */
double npy_value(const Npy *npy, int64_t index);
