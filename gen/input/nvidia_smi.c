/* nvidia_smi: see nvidia_smi.h. Cells hold no blanks, so words are split at tabs and blanks alike: a text that
 * went through a chat or a wiki still reads. What follows the matrix in a line (CPU and NUMA affinity) and
 * the legends are not needed. */
#include "input/nvidia_smi.h"

#include "base/fs.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_LIMIT = 1 << 20 };

typedef struct Word {
    const char *text;
    size_t length;
    DiagPlace place;
} Word;

typedef LIST_OF(Word) Words;

typedef struct Reader {
    Arena *arena;
    Diag *diag;
    NvidiaSmi *smi;
    DiagSource *source;
    Words columns; /* as the header names them */
    NvidiaSmiCell *cells;
    bool *seen;     /* [columns] the row was there */
    int64_t *index; /* [columns] GPUs come first in the result */
} Reader;

static const char *const whole = "write the whole output: nvidia-smi topo -m > FILE";

/* --- words ------------------------------------------------------------------------------------------ */

/* The escape sequences of a terminal (the header is underlined there) become blanks. */
static void blank_escapes(char *text) {
    for (char *at = text; (at = strchr(at, '\033'));) {
        while (*at && !isalpha((unsigned char)*at) && *at != '\n')
            *at++ = ' ';
        if (isalpha((unsigned char)*at))
            *at = ' ';
    }
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

/* The words of the line at `text`; returns where the next line begins, NULL after the last. */
static const char *split_line(Reader *reader, const char *text, int64_t line, Words *words) {
    const char *at = text;
    *words = (Words){0};
    while (*at && *at != '\n') {
        size_t length = 0;
        while (is_blank(*at))
            at++;
        while (at[length] && at[length] != '\n' && !is_blank(at[length]))
            length++;
        if (!length)
            continue;
        Word *word = LIST_PUSH(reader->arena, words);
        *word = (Word){at, length, {reader->source, line, at - text + 1, (int64_t)length}};
        at += length;
    }
    return *at ? at + 1 : NULL;
}

static bool is(const Word *word, const char *text) {
    return strlen(text) == word->length && memcmp(word->text, text, word->length) == 0;
}

static bool same(const Word *a, const Word *b) {
    return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

static const char *text_of(Reader *reader, const Word *word) {
    return arena_strndup(reader->arena, word->text, word->length);
}

/* "GPU12": a column or row of a GPU. */
static bool is_gpu(const Word *word) {
    size_t i = 3;
    if (word->length < 4 || memcmp(word->text, "GPU", 3) != 0)
        return false;
    while (i < word->length && isdigit((unsigned char)word->text[i]))
        i++;
    return i == word->length;
}

/* --- header and names -------------------------------------------------------------------------------- */

/* GPU0 GPU1 ... NIC0 ... CPU Affinity NUMA Affinity. Older drivers name NICs as mlx5_0. */
static Status take_header(Reader *reader, const Words *words) {
    for (int64_t i = 0; i < words->count && !is(&words->items[i], "CPU"); i++) {
        *(Word *)LIST_PUSH(reader->arena, &reader->columns) = words->items[i];
        if (is_gpu(&words->items[i]))
            reader->smi->gpus++;
        else
            reader->smi->nics++;
    }
    int64_t count = reader->columns.count, gpus = 0, nics = reader->smi->gpus;
    if (count > NVIDIA_SMI_COLUMNS)
        return diag_error(reader->diag, reader->columns.items[0].place, "E0320", whole,
                          "a machine of %lld GPUs and NICs", (long long)count);
    reader->cells = ARENA_ARRAY(reader->arena, count * count, NvidiaSmiCell);
    reader->seen = ARENA_ARRAY(reader->arena, count, bool);
    reader->index = ARENA_ARRAY(reader->arena, count, int64_t);
    for (int64_t i = 0; i < count; i++)
        reader->index[i] = is_gpu(&reader->columns.items[i]) ? gpus++ : nics++;
    return STATUS_OK;
}

/* A header begins with GPU0 and has no cell: a row has its name, then X or a connection. */
static bool is_header(const Words *words) {
    return words->count > 0 && is(&words->items[0], "GPU0") &&
           (words->count == 1 || is_gpu(&words->items[1]) || !is(&words->items[1], "X"));
}

/* "GPU 0: NVIDIA A100-SXM4-80GB (UUID: ...)" */
static Status take_name(Reader *reader, const Words *words) {
    const Word *first = &words->items[2], *last = first;
    for (int64_t i = 2; i < words->count && words->items[i].text[0] != '('; i++)
        last = &words->items[i];
    size_t length = (size_t)(last->text - first->text) + last->length;
    const char *name = arena_strndup(reader->arena, first->text, length);
    DiagPlace place = first->place;
    place.width = (int64_t)length;
    if (reader->smi->name && strcmp(reader->smi->name, name) != 0)
        return diag_error(reader->diag, place, "E0323",
                          "write a topology with two kinds of node by hand",
                          "this GPU is a %s, the first one a %s: GPUs of a node are alike", name,
                          reader->smi->name);
    reader->smi->name = name;
    reader->smi->name_place = place;
    return STATUS_OK;
}

/* --- rows -------------------------------------------------------------------------------------------- */

static bool read_link(const Word *word, NvidiaSmiCell *cell) {
    static const char *const names[] = {"X", NULL, "PIX", "PXB", "PHB", "NODE", "SYS"};
    cell->place = word->place;
    if (word->length > 2 && memcmp(word->text, "NV", 2) == 0) {
        char *end;
        long links = strtol(word->text + 2, &end, 10);
        cell->link = NVIDIA_SMI_NVLINK;
        cell->links = links > 0 && links < 1000 ? (int)links : 0;
        return cell->links && end == word->text + word->length;
    }
    for (int i = 0; i <= NVIDIA_SMI_SYS; i++)
        if (names[i] && is(word, names[i])) {
            cell->link = (NvidiaSmiLink)i;
            return true;
        }
    return false;
}

static Status take_row(Reader *reader, int64_t row, const Words *words) {
    int64_t count = reader->columns.count;
    const Word *name = &words->items[0];
    if (reader->seen[row])
        return diag_error(reader->diag, name->place, "E0323", whole, "%s has two rows",
                          text_of(reader, name));
    reader->seen[row] = true;
    if (words->count - 1 < count)
        return diag_error(reader->diag, words->items[words->count - 1].place, "E0321", whole,
                          "the row of %s has %lld of %lld connections: the text is cut off",
                          text_of(reader, name), (long long)(words->count - 1), (long long)count);
    for (int64_t column = 0; column < count; column++) {
        const Word *word = &words->items[column + 1];
        NvidiaSmiCell *cell = &reader->cells[reader->index[row] * count + reader->index[column]];
        if (!read_link(word, cell))
            return diag_error(reader->diag, word->place, "E0322",
                              "connections are X, NV and a number, PIX, PXB, PHB, NODE, SYS",
                              "'%s' is no connection that nvidia-smi prints",
                              text_of(reader, word));
        if ((cell->link == NVIDIA_SMI_SELF) != (row == column))
            return diag_error(reader->diag, word->place, "E0323", whole,
                              row == column ? "%s is connected to itself by other than X"
                                            : "%s has an X at another than itself",
                              text_of(reader, name));
    }
    return STATUS_OK;
}

static Status take_line(Reader *reader, const Words *words) {
    if (words->count > 2 && is(&words->items[0], "GPU") &&
        words->items[1].text[words->items[1].length - 1] == ':')
        return take_name(reader, words);
    if (!reader->columns.count)
        return is_header(words) ? take_header(reader, words) : STATUS_OK;
    for (int64_t row = 0; words->count && row < reader->columns.count; row++)
        if (same(&words->items[0], &reader->columns.items[row]))
            return take_row(reader, row, words);
    return STATUS_OK; /* a legend, or an empty line */
}

/* --- the whole ---------------------------------------------------------------------------------------- */

static Status check_rows(Reader *reader) {
    for (int64_t row = 0; row < reader->columns.count; row++)
        if (!reader->seen[row])
            return diag_error(reader->diag, reader->columns.items[row].place, "E0321", whole,
                              "%s has a column and no row: the text is cut off",
                              text_of(reader, &reader->columns.items[row]));
    return STATUS_OK;
}

/* A connection is the same from both ends. */
static Status check_symmetric(Reader *reader) {
    int64_t count = reader->columns.count;
    for (int64_t a = 0; a < count; a++)
        for (int64_t b = 0; b < a; b++) {
            const NvidiaSmiCell *one = &reader->cells[a * count + b];
            const NvidiaSmiCell *other = &reader->cells[b * count + a];
            if (one->link == other->link && one->links == other->links)
                continue;
            const char *text = reader->source->text;
            for (int64_t line = 1; line < other->place.line; line++)
                text = strchr(text, '\n') + 1;
            return diag_error(reader->diag, one->place, "E0323", whole,
                              "line %lld says that the same two are joined by %.*s",
                              (long long)other->place.line, (int)other->place.width,
                              text + other->place.column - 1);
        }
    return STATUS_OK;
}

static Status read_text(Reader *reader) {
    Words words;
    int64_t line = 1;
    for (const char *text = reader->source->text; text; line++) {
        text = split_line(reader, text, line, &words);
        TRY(take_line(reader, &words));
    }
    if (!reader->smi->gpus)
        return diag_error(reader->diag, (DiagPlace){.source = reader->source, .line = 1}, "E0320",
                          whole, "no line names GPU0: this is not what nvidia-smi topo -m prints");
    TRY(check_rows(reader));
    return check_symmetric(reader);
}

Status nvidia_smi_read(Arena *arena, const char *path, NvidiaSmi *smi, Diag *diag) {
    bool standard = strcmp(path, "-") == 0;
    char *text;
    size_t length;
    *smi = (NvidiaSmi){0};
    TRY(fs_read(arena, standard ? "/dev/stdin" : path, TEXT_LIMIT, &text, &length, diag));
    for (size_t i = 0; i < length; i++)
        if (!text[i])
            text[i] = ' ';
    blank_escapes(text);
    DiagSource *source = ARENA_NEW(arena, DiagSource);
    *source = (DiagSource){standard ? "stdin" : arena_strdup(arena, path), text};
    Reader reader = {.arena = arena, .diag = diag, .smi = smi, .source = source};
    TRY(read_text(&reader));
    smi->cells = reader.cells;
    return STATUS_OK;
}
