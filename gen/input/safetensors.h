/* safetensors: what stands where in a checkpoint, from the headers alone: one file, or a
 * directory with model.safetensors or with shards and their index. Headers are hostile data:
 * sizes are limited and checked for overflow, offsets must tile the file. Everything lies in the
 * caller's arena; elements are never read here. It knows no model. */
#pragma once

#include "base/arena.h"
#include "base/diag.h"

#include <stddef.h>
#include <stdint.h>

enum { SAFETENSORS_DIMS = 8, SAFETENSORS_HEADER_LIMIT = 16 << 20 };
enum { SAFETENSORS_E4M3 = 6, SAFETENSORS_E5M2 = 7 }; /* elements of 8 bits, as rt_type has them */

typedef struct SafetensorsFile {
    const char *path; /* as reached from the current folder */
    int64_t size;     /* bytes */
    int64_t mtime_ns;
} SafetensorsFile;

typedef struct SafetensorsTensor {
    const char *name;
    const char *type; /* as written: "F32", "BF16", "I64", ... */
    int64_t element;  /* ElementType or an 8-bit type; -1: a type that no weight of ours can have */
    int64_t file;     /* index into files */
    int64_t offset;   /* bytes from the start of the file */
    int64_t bytes;
    int64_t dims;
    int64_t shape[SAFETENSORS_DIMS];
} SafetensorsTensor;

typedef struct Safetensors {
    const char *path; /* as the user wrote it */
    LIST_OF(SafetensorsFile) files;
    LIST_OF(SafetensorsTensor) tensors; /* ascending names */
} Safetensors;

/* Read the headers of `path`: a .safetensors file, or a directory. `header_limit` in bytes, 0:
 * the default. Errors: E0601 nothing there (STATUS_NOINPUT), E0602 a header that cannot be,
 * E0603 tensors that do not tile their file, E0604 an index that its shards contradict. */
Status safetensors_open(Arena *arena, const char *path, size_t header_limit,
                        Safetensors *checkpoint, Diag *diag);

/* Read `bytes` of an open file of the checkpoint; false where it ends before, or cannot be read. */
bool safetensors_read(int file, void *out, int64_t bytes, int64_t offset);

/* The tensor of this name, or NULL. */
const SafetensorsTensor *safetensors_find(const Safetensors *checkpoint, const char *name);

/* The tensor of this name, which must have a float type, of 8 bits too, and the shape [rows][columns]; vectors
 * (one column) may be written [rows]. Missing is E0610 with the nearest name present, another
 * shape E0611, another type E0612; NULL then. */
const SafetensorsTensor *safetensors_require(const Safetensors *checkpoint, const char *name,
                                             int64_t rows, int64_t columns, Diag *diag);

/* E0610: there is no tensor of this name. `more` ends the sentence. */
void safetensors_report_missing(const Safetensors *checkpoint, const char *name, const char *more,
                                Diag *diag);

/* As safetensors_require for `blocks` of [rows][columns] in one tensor: [blocks][rows][columns], or
 * [blocks x rows][columns]; 0: no blocks, as above. */
const SafetensorsTensor *safetensors_require_blocks(const Safetensors *checkpoint, const char *name,
                                                    int64_t blocks, int64_t rows, int64_t columns,
                                                    Diag *diag);
