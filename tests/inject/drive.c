/* drive: fails every call of a command, one run each, and judges how it ends.
 *
 *   drive [-v] [-1] [-k KIND] [-s STATUS] [-t] -l LIBRARY -f FOLDER -g GEN [-p PROGRAM] NAME COMMAND...
 *
 * The command runs in a copy of FOLDER, which is made anew whenever a run changed it. First it runs with its
 * calls counted. Then once per chosen call and mode (once, for good). Prints a line of the table, and each failure
 * with its stack.
 *
 *   -1         the first call of each site; else first, middle and last
 *   -a FILE    that may be written, or not, whatever happens
 *   -k KIND    only processes whose name begins with KIND
 *   -s STATUS  how the normal run ends; else 0
 *   -t         what it prints and writes differs from run to run: of files only the names are judged
 *   -v         tell every run
 *
 * A run is clean if it ends like the normal one, byte for byte, or with a status that says what failed, a
 * message, and the folder as before; and in time, by itself, with no process left. */
#include "inject.h"
#include "observe.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Drive {
    Command command;
    const char *folder, *gen, *program, *name, *kind;
    int status; /* of the normal run */
    bool verbose, first_only;
    char scratch[64], work[96], table_path[96];
    InjectTable *table;
    uint64_t before; /* digest of the folder */
    Observation normal;
    int runs, failures, unreached;
} Drive;

static _Noreturn void die(const char *what) {
    perror(what);
    exit(2);
}

static void tool(char *const *argv) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[0], argv);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        die(argv[0]);
}

/* The folder as it was, for the next run. */
static void restore(Drive *drive) {
    tool((char *[]){"rm", "-rf", drive->work, NULL});
    tool((char *[]){"cp", "-a", (char *)drive->folder, drive->work, NULL});
    char temporary[128];
    snprintf(temporary, sizeof temporary, "%s/tmp", drive->work);
    tool((char *[]){"mkdir", "-p", temporary, NULL});
}

static void prepare(Drive *drive) {
    const char *base = getenv("TMPDIR");
    snprintf(drive->scratch, sizeof drive->scratch, "%.40s/inject-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(drive->scratch))
        die("scratch folder");
    snprintf(drive->work, sizeof drive->work, "%s/work", drive->scratch);
    snprintf(drive->table_path, sizeof drive->table_path, "%s/table", drive->scratch);
    int file = open(drive->table_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, sizeof *drive->table) != 0)
        die("table");
    drive->table = mmap(NULL, sizeof *drive->table, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (drive->table == MAP_FAILED)
        die("table");
    close(file);
    restore(drive);
    drive->command.folder = drive->work;
    drive->command.table = drive->table_path;
    drive->before = observe_tree(&drive->command);
}

/* --- judging ---------------------------------------------------------------------------------------------------- */

/* The first line of `text` that `usual` does not have, in `line`; false: there is none. */
static bool new_line(const char *text, const char *usual, char line[240]) {
    while (*text) {
        int length = (int)strcspn(text, "\n");
        snprintf(line, 240, "%.*s", length, text);
        if (length > 0 && !strstr(usual, line))
            return true;
        text += length + (text[length] == '\n');
    }
    *line = '\0';
    return false;
}

static bool is_failure(int status) {
    return status == 65 || status == 66 || status == 69 || status == 70 || status == 73 ||
           status == 75;
}

/* Why the run is not clean, or NULL. */
static const char *judge(const Drive *drive, const Observation *seen, char message[240]) {
    const Observation *normal = &drive->normal;
    bool said = new_line(seen->err, normal->err, message);
    if (seen->hung)
        return "it hung";
    if (seen->signal)
        return "it was ended by a signal";
    if (strstr(seen->err, "Sanitizer") || strstr(seen->err, "Assertion"))
        return "an assertion or a sanitizer spoke";
    if (strstr(seen->err, "ended with signal") || strstr(seen->err, "ended by signal"))
        return "a process of it was ended by a signal";
    if (seen->processes)
        return "a process outlived it";
    bool same_tree = seen->tree == normal->tree;
    bool same_out = drive->command.names_only || seen->out_digest == normal->out_digest;
    if (seen->status == normal->status && same_out && same_tree)
        return NULL;
    if (seen->status == 0)
        return same_tree ? "it claims success, but printed other text"
                         : "it claims success, but left other files";
    if (!is_failure(seen->status))
        return "its status is none of a failed call";
    if (!said && normal->status == 0)
        return "it says nothing";
    bool whole = seen->tree == normal->tree;                      /* only the report was lost */
    bool named = strstr(seen->err, "; that one is now ") != NULL; /* moved, and for good not back */
    if (seen->tree != drive->before && !whole && !named)
        return "it left files behind";
    return NULL;
}

/* --- telling ---------------------------------------------------------------------------------------------------- */

static void tell_stack(const Drive *drive, const InjectSite *site) {
    const char *binary = strncmp(site->process, "gen", 3) == 0 ? drive->gen : drive->program;
    char command[1024];
    int length = snprintf(command, sizeof command, "addr2line -s -p -f -i -e '%s'", binary);
    for (int i = *site->library ? 1 : 0; i < INJECT_FRAMES && site->frames[i]; ++i)
        length += snprintf(command + length, sizeof command - (size_t)length, " %#llx",
                           (unsigned long long)site->frames[i] - 1);
    fflush(stdout);
    FILE *lines = popen(command, "r");
    for (char line[256]; lines && fgets(line, sizeof line, lines);)
        printf("      %s", line);
    if (lines)
        pclose(lines);
}

static void tell(const Drive *drive, const InjectSite *site, const char *call, const char *why,
                 const Observation *seen, const char *message) {
    printf("%s %s: %s %s%s%s, call %s: %s%sstatus %d signal %d\n    said: %s\n",
           why ? "FAIL" : "ok  ", drive->name, site->process, site->function,
           *site->library ? " in " : "", site->library, call, why ? why : "", why ? "; " : "",
           seen->status, seen->signal, *message ? message : "(nothing new)");
    tell_stack(drive, site);
    fflush(stdout);
}

/* --- runs ------------------------------------------------------------------------------------------------------- */

static void run_one(Drive *drive, int64_t index, int64_t call, const char *mode) {
    const InjectSite *site = &drive->table->sites[index];
    char fail[64], message[240] = "";
    static Observation seen;
    snprintf(fail, sizeof fail, "%lld:%lld:%s", (long long)index, (long long)call, mode);
    atomic_store(&drive->table->fired, 0);
    drive->command.fail = fail;
    observe(&drive->command, &seen);
    drive->runs++;
    if (seen.tree != drive->before)
        restore(drive);
    if (!atomic_load(&drive->table->fired))
        drive->unreached++; /* waits come as they come */
    const char *why = judge(drive, &seen, message);
    drive->failures += why != NULL;
    if (why || drive->verbose)
        tell(drive, site, strchr(fail, ':') + 1, why, &seen, message);
}

static void run_site(Drive *drive, int64_t index) {
    int64_t calls = drive->table->sites[index].calls;
    int64_t chosen[3] = {1, (calls + 1) / 2, calls};
    for (int i = 0; i < (drive->first_only ? 1 : 3); ++i)
        for (int m = 0; m < 2 && (i == 0 || chosen[i] != chosen[i - 1]); ++m)
            run_one(drive, index, chosen[i], m ? "ever" : "once");
}

static void count(Drive *drive) {
    observe(&drive->command, &drive->normal);
    if (drive->normal.hung || drive->normal.signal || drive->normal.status != drive->status ||
        drive->table->count == 0) {
        fprintf(stderr, "%s: the normal run went wrong: status %d, signal %d, %d sites\n%s%s",
                drive->name, drive->normal.status, drive->normal.signal, drive->table->count,
                drive->normal.out, drive->normal.err);
        exit(2);
    }
    restore(drive);
}

/* False: the command line is off. */
static bool parse(Drive *drive, int argc, char **argv) {
    for (int option; (option = getopt(argc, argv, "+v1ta:k:s:l:f:g:p:")) != -1;)
        switch (option) {
        case 'v':
            drive->verbose = true;
            break;
        case '1':
            drive->first_only = true;
            break;
        case 't':
            drive->command.names_only = true;
            break;
        case 'k':
            drive->kind = optarg;
            break;
        case 'a':
            drive->command.aside = optarg;
            break;
        case 's':
            drive->status = atoi(optarg);
            break;
        case 'l':
            drive->command.library = optarg;
            break;
        case 'f':
            drive->folder = optarg;
            break;
        case 'g':
            drive->gen = optarg;
            break;
        case 'p':
            drive->program = optarg;
            break;
        default:
            return false;
        }
    if (argc - optind < 2 || !drive->command.library || !drive->folder || !drive->gen)
        return false;
    drive->name = argv[optind];
    drive->command.argv = argv + optind + 1;
    return true;
}

int main(int argc, char **argv) {
    static Drive drive = {.kind = ""};
    if (!parse(&drive, argc, argv)) {
        fprintf(stderr, "usage: see drive.c\n");
        return 2;
    }
    observe_begin();
    prepare(&drive);
    count(&drive);
    int sites = 0;
    for (int64_t i = 0; i < drive.table->count; ++i) {
        if (strncmp(drive.table->sites[i].process, drive.kind, strlen(drive.kind)) != 0)
            continue;
        sites++;
        run_site(&drive, i);
    }
    printf("%-28s %5d sites %6d runs %4d not reached %4d not clean\n", drive.name, sites,
           drive.runs, drive.unreached, drive.failures);
    tool((char *[]){"rm", "-rf", drive.scratch, NULL});
    return drive.failures ? 1 : 0;
}
