/* pages_zsh: the completion of zsh, by _arguments: descriptions come along. */
#include "pages/pages.h"

#include <string.h>

/* Text within '...:...' of _arguments: quotes, colons and brackets have a meaning there. */
static void text(FILE *out, const char *words) {
    for (; *words; words++) {
        if (*words == '\'')
            fputs("'\\''", out);
        else if (strchr(":[]\\", *words))
            fprintf(out, "\\%c", *words);
        else
            fputc(*words, out);
    }
}

static void action(FILE *out, const char *argument) {
    switch (pages_argument(argument)) {
    case PAGES_NOTHING:
        fputc(' ', out);
        break;
    case PAGES_WORDS:
        fputc('(', out);
        for (; *argument; argument++)
            fputc(*argument == '|' ? ' ' : *argument, out);
        fputc(')', out);
        break;
    case PAGES_FILES:
        fputs("_files", out);
        break;
    case PAGES_DIRECTORIES:
        fputs("_files -/", out);
        break;
    case PAGES_STRATEGIES:
        fputc('(', out);
        pages_strategies(out);
        fputc(')', out);
        break;
    case PAGES_VERBS:
        fputs("_gen_verbs", out);
        break;
    }
}

static void option(FILE *out, const OptionInfo *info) {
    fputs(" \\\n            ", out);
    if (info->letter)
        fprintf(out, "'(-%c --%s)'{-%c,--%s}'[", info->letter, info->name, info->letter,
                info->name);
    else
        fprintf(out, "'--%s[", info->name);
    text(out, info->doc);
    fputc(']', out);
    if (info->argument) {
        fputc(':', out);
        text(out, info->argument);
        fputc(':', out);
        action(out, info->argument);
    }
    fputc('\'', out);
}

static void verb_case(FILE *out, Verb verb) {
    fprintf(out, "    %s)\n        _arguments", verb_info[verb].name);
    for (int i = 0; i < OPTIONS; i++)
        if (pages_takes(verb, i))
            option(out, &option_info[i]);
    const char *operands[] = {verb_info[verb].operand, verb_info[verb].second};
    for (int i = 0; i < 2 && operands[i]; i++) {
        fprintf(out, " \\\n            '%d:", i + 1);
        text(out, operands[i]);
        fputc(':', out);
        action(out, operands[i]);
        fputc('\'', out);
    }
    fputs("\n        ;;\n", out);
}

void pages_zsh(FILE *out) {
    fputs("#compdef gen\n# Completion of gen for zsh. Made by gen_pages from the table of "
          "options.\n\n"
          "_gen_verbs() {\n    local -a verbs=(\n",
          out);
    for (int verb = 0; verb < VERBS; verb++) {
        fprintf(out, "        '%s:", verb_info[verb].name);
        text(out, verb_info[verb].doc);
        fputs("'\n", out);
    }
    fputs("    )\n    _describe verb verbs\n}\n\n"
          "_gen() {\n    if ((CURRENT == 2)); then\n        _gen_verbs\n        return\n    fi\n"
          "    local verb=$words[2]\n    shift words\n    ((CURRENT--))\n    case $verb in\n",
          out);
    for (int verb = 0; verb < VERBS; verb++)
        verb_case(out, verb);
    fputs("    esac\n}\n\n_gen \"$@\"\n", out);
}
