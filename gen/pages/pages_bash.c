/* pages_bash: the completion of bash. It needs no bash-completion package: compgen alone. */
#include "pages/pages.h"

#include <string.h>

/* "host|cuda" as "host cuda". */
static void words(FILE *out, const char *argument) {
    for (; *argument; argument++)
        fputc(*argument == '|' ? ' ' : *argument, out);
}

static void offer(FILE *out, const char *argument) {
    switch (pages_argument(argument)) {
    case PAGES_NOTHING:
        fputs(":", out);
        break;
    case PAGES_WORDS:
        fputs("mapfile -t COMPREPLY < <(compgen -W '", out);
        words(out, argument);
        fputs("' -- \"$word\")", out);
        break;
    case PAGES_FILES:
        fputs("_gen_files -f", out);
        break;
    case PAGES_DIRECTORIES:
        fputs("_gen_files -d", out);
        break;
    case PAGES_STRATEGIES:
        fputs("mapfile -t COMPREPLY < <(compgen -W '", out);
        pages_strategies(out);
        fputs("' -- \"$word\")", out);
        break;
    case PAGES_VERBS:
        fputs("mapfile -t COMPREPLY < <(compgen -W \"$verbs\" -- \"$word\")", out);
        break;
    }
}

static void arguments(FILE *out) {
    fputs("    case $before in\n", out);
    for (int i = 0; i < OPTIONS; i++) {
        const OptionInfo *info = &option_info[i];
        if (!info->argument)
            continue;
        fputs("    ", out);
        if (info->letter)
            fprintf(out, "-%c | ", info->letter);
        fprintf(out, "--%s)\n        ", info->name);
        offer(out, info->argument);
        fputs("\n        return\n        ;;\n", out);
    }
    fputs("    esac\n", out);
}

static void options_of(FILE *out, Verb verb) {
    fprintf(out, "    %s)\n        options='", verb_info[verb].name);
    const char *separator = "";
    for (int i = 0; i < OPTIONS; i++) {
        if (!pages_takes(verb, i))
            continue;
        fprintf(out, "%s--%s", separator, option_info[i].name);
        separator = " ";
    }
    fputs("'\n", out);
    if (verb_info[verb].operand) {
        fputs("        [[ $word == -* ]] || ", out);
        offer(out, verb_info[verb].operand);
        fputc('\n', out);
    }
    fputs("        ;;\n", out);
}

void pages_bash(FILE *out) {
    fputs(
        "# Completion of gen for bash. Made by gen_pages from the table of options.\n\n"
        "# Files (-f) or directories (-d), quoted by bash itself.\n"
        "_gen_files() {\n    compopt -o filenames\n"
        "    mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$word\")\n}\n\n"
        "_gen() {\n    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
        "    local options='' verbs='",
        out);
    for (int verb = 0; verb < VERBS; verb++)
        fprintf(out, "%s%s", verb ? " " : "", verb_info[verb].name);
    fputs("'\n    COMPREPLY=()\n"
          "    if ((COMP_CWORD == 1)); then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$verbs --help --version\" -- \"$word\")\n"
          "        return\n    fi\n",
          out);
    arguments(out);
    fputs("    case ${COMP_WORDS[1]} in\n", out);
    for (int verb = 0; verb < VERBS; verb++)
        options_of(out, verb);
    fputs(
        "    esac\n"
        "    [[ $word != -* ]] || mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
        "}\n\ncomplete -F _gen gen\n",
        out);
}
