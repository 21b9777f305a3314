/* fuzz: see fuzz.h. */
#include "fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_expect(int holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "fuzz: broken promise: %s\n", what);
    abort();
}

const char *fuzz_file(int slot, const void *data, size_t size) {
    static char paths[4][32];
    static int files[4];
    if (!*paths[slot]) {
        files[slot] = memfd_create("fuzz", MFD_CLOEXEC);
        fuzz_expect(files[slot] >= 0, "there is a file in memory");
        snprintf(paths[slot], sizeof paths[slot], "/proc/self/fd/%d", files[slot]);
    }
    fuzz_expect(ftruncate(files[slot], 0) == 0 &&
                    pwrite(files[slot], data, size, 0) == (ssize_t)size,
                "the file takes the input");
    return paths[slot];
}

static char folder[64];

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at) {
    (void)info, (void)type, (void)at;
    return remove(path);
}

static void remove_folder(void) {
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void) {
    if (!*folder) {
        const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        snprintf(folder, sizeof folder, "%s/toposmith-fuzz-XXXXXX", base);
        fuzz_expect(mkdtemp(folder) != NULL, "there is a folder");
        atexit(remove_folder);
    }
    return folder;
}

void fuzz_judge(Status status, const Diag *diag) {
    static FILE *nowhere;
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    fuzz_expect((status == STATUS_OK) == (diag->errors == 0),
                "a reader fails if and only if it says why");
    diag_render(diag, nowhere);
}
