/* unused: see unused.h. Owns nothing but its buffers while it compares. */
#include "emit/unused.h"

#include "input/safetensors_file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { TOLD = 3 /* names in the message */, BLOCK = 1 << 16 /* bytes compared at a time */ };

static int open_file(const Safetensors *checkpoint, const SafetensorsTensor *tensor) {
    return open(checkpoint->files.items[tensor->file].path, O_RDONLY | O_CLOEXEC);
}

static bool same_shape(const SafetensorsTensor *a, const SafetensorsTensor *b) {
    return strcmp(a->type, b->type) == 0 && a->bytes == b->bytes && a->dims == b->dims &&
           memcmp(a->shape, b->shape, (size_t)a->dims * sizeof *a->shape) == 0;
}

/* -1: they cannot be read. */
static int same_bytes(const Safetensors *checkpoint, const SafetensorsTensor *a,
                      const SafetensorsTensor *b) {
    char left[BLOCK], right[BLOCK];
    int files[2] = {open_file(checkpoint, a), open_file(checkpoint, b)};
    int same = files[0] < 0 || files[1] < 0 ? -1 : 1;
    for (int64_t at = 0; same == 1 && at < a->bytes; at += BLOCK) {
        int64_t bytes = a->bytes - at < BLOCK ? a->bytes - at : BLOCK;
        if (!safetensors_read(files[0], left, bytes, a->offset + at) ||
            !safetensors_read(files[1], right, bytes, b->offset + at))
            same = -1;
        else if (memcmp(left, right, (size_t)bytes) != 0)
            same = 0;
    }
    for (int i = 0; i < 2; i++)
        if (files[i] >= 0)
            close(files[i]);
    return same;
}

/* Both tensors are there: the model has the other one, which was found. */
static Status check_same(Arena *arena, const Safetensors *checkpoint, const Model *model,
                         const SafetensorsTensor *tensor, TensorKind kind, Diag *diag) {
    DiagPlace place = safetensors_place(diag, checkpoint->files.items[tensor->file].path);
    const SafetensorsTensor *other =
        checkpoint_find(arena, checkpoint, model, kind, 0, 0, diag).tensor;
    if (!other)
        return STATUS_DATA;
    int same = same_shape(tensor, other) ? same_bytes(checkpoint, tensor, other) : 0;
    if (same < 0)
        return diag_error(diag, place, "E0601", "the file changed while it was read: start again",
                          "tensor \"%s\" cannot be read", tensor->name);
    if (!same)
        return diag_error(
            diag, place, "E0613",
            "if the model has both, say so: tie_word_embeddings false in config.json, "
            "tie_embeddings: false in our own YAML",
            "tensor \"%s\" is not used, since \"%s\" stands for it, but it is not "
            "the same",
            tensor->name, other->name);
    return STATUS_OK;
}

static Status report(Arena *arena, const Safetensors *checkpoint, const int64_t *first,
                     int64_t count, Diag *diag) {
    const char *names = "";
    for (int64_t i = 0; i < count && i < TOLD; i++)
        names = arena_printf(arena, "%s%s\"%s\"", names, i ? ", " : "",
                             checkpoint->tensors.items[first[i]].name);
    if (count > TOLD)
        names = arena_printf(arena, "%s and %lld more", names, (long long)(count - TOLD));
    return diag_error(
        diag, safetensors_place(diag, checkpoint->path), "E0613",
        "is it a checkpoint of this model, with as many layers? What checkpoints of a "
        "family may have besides stands in `ignored` of its file",
        count == 1 ? "the model has no use for the tensor %s"
                   : "the model has no use for the tensors %s",
        names);
}

Status unused_check(Arena *arena, const Safetensors *checkpoint, const Model *model,
                    const bool *used, int64_t *ignored, Diag *diag) {
    int64_t first[TOLD] = {0}, count = 0;
    Status status = STATUS_OK;
    *ignored = 0;
    for (int64_t i = 0; i < checkpoint->tensors.count; i++) {
        const SafetensorsTensor *tensor = &checkpoint->tensors.items[i];
        TensorKind kind;
        if (used[i])
            continue;
        if (!checkpoint_ignores(model, tensor->name, &kind)) {
            if (count < TOLD)
                first[count] = i;
            count++;
            continue;
        }
        ++*ignored;
        if (kind != TENSOR_KINDS &&
            check_same(arena, checkpoint, model, tensor, kind, diag) != STATUS_OK)
            status = STATUS_DATA;
    }
    return count ? report(arena, checkpoint, first, count, diag) : status;
}
