/* gen_pages: writes the page that is named to a file: gen_pages gen.1|gen.bash|_gen FILE. */
#include "pages/pages.h"

#include "base/embedded.h"

#include <ctype.h>
#include <string.h>

PagesArgument pages_argument(const char *argument) {
    static const char *const nothing[] = {"N", "MS", "TEXT", "NAME", "CODE", "TYPE", NULL};
    if (strncmp(argument, "NAME[", 5) == 0)
        return PAGES_STRATEGIES;
    if (strcmp(argument, "VERB") == 0)
        return PAGES_VERBS;
    if (strcmp(argument, "DIR") == 0)
        return PAGES_DIRECTORIES;
    for (int i = 0; nothing[i]; i++)
        if (strcmp(argument, nothing[i]) == 0)
            return PAGES_NOTHING;
    bool names_place = strchr(argument, '.') || strstr(argument, "DIR");
    return strchr(argument, '|') && !names_place ? PAGES_WORDS : PAGES_FILES;
}

void pages_strategies(FILE *out) {
    static const char folder[] = "lua/strategies/";
    const char *separator = "";
    for (const struct EmbeddedFile *file = embedded_files; file->name; file++) {
        if (strncmp(file->name, folder, sizeof folder - 1) != 0)
            continue;
        const char *name = file->name + sizeof folder - 1;
        fprintf(out, "%s%.*s", separator, (int)strcspn(name, "."), name);
        separator = " ";
    }
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*write)(FILE *out);
    } pages[] = {{"gen.1", pages_man}, {"gen.bash", pages_bash}, {"_gen", pages_zsh}};
    for (size_t i = 0; argc == 3 && i < sizeof pages / sizeof *pages; i++) {
        if (strcmp(argv[1], pages[i].name) != 0)
            continue;
        FILE *out = fopen(argv[2], "w");
        if (out)
            pages[i].write(out);
        if (out && fclose(out) == 0)
            return 0;
        perror(argv[2]);
        return 73;
    }
    fputs("usage: gen_pages gen.1|gen.bash|_gen FILE\n", stderr);
    return 2;
}
