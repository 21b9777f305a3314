/* options: parsing by getopt_long, help and usage errors, all from the table in options_table.c. Texts
 * point into argv or are literals. Nothing here knows what an option is for. */
#include "run/options.h"

#include "base/number.h"
#include "run/options_table.h"

#include <getopt.h>
#include <string.h>

static bool takes(Verb verb, OptionId id) {
    return option_info[id].verbs & (1u << verb);
}

Verb options_verb(const char *name) {
    Verb verb = 0;
    while (verb < VERBS && strcmp(verb_info[verb].name, name) != 0)
        verb++;
    return verb;
}

const char *options_nearest_verb(const char *name) {
    const char *names[VERBS + 1] = {0};
    for (int i = 0; i < VERBS; i++)
        names[i] = verb_info[i].name;
    return diag_nearest(name, names);
}

const char *options_name(OptionId id) {
    return option_info[id].name;
}

DiagPlace options_place(Diag *diag, OptionId id) {
    DiagSource *source = ARENA_NEW(diag->arena, DiagSource);
    source->name = arena_printf(diag->arena, "--%s", option_info[id].name);
    return (DiagPlace){.source = source};
}

Status options_int(const Options *options, OptionId id, int64_t min, int64_t max, int64_t fallback,
                   int64_t *value, Diag *diag) {
    const char *text = options->values[id];
    bool overflow = false;
    *value = fallback;
    if (!text)
        return STATUS_OK;
    if (number_parse_int(text, value, &overflow) && *value >= min && *value <= max)
        return STATUS_OK;
    diag_error(diag, options_place(diag, id), "E0917",
               arena_printf(diag->arena, "write a whole number from %lld to %lld", (long long)min,
                            (long long)max),
               "'%s' is no number in range", text);
    return STATUS_USAGE;
}

/* --- help ----------------------------------------------------------------------------------------- */

void options_help(FILE *out) {
    fputs(
        "usage: gen VERB [options]\n\nFrom a model and a cluster to one program made for them.\n\n",
        out);
    for (int i = 0; i < VERBS; i++)
        fprintf(out, "  %-10s %s\n", verb_info[i].name, verb_info[i].doc);
    fputs("\n'gen help VERB' tells the options of a verb, 'gen --version' the version.\n"
          "exit status: 0 success, 1 a negative answer, 2 usage, 65 bad data, 66 missing input,\n"
          "69 missing tool, 70 a bug of gen, 73 cannot write, 75 a rank was killed or stopped\n",
          out);
}

static void help_option(Verb verb, const OptionInfo *info, FILE *out) {
    char left[64], letter[8] = "    ";
    if (info->letter)
        snprintf(letter, sizeof letter, "-%c, ", info->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, info->name, info->argument ? " " : "",
             info->argument ? info->argument : "");
    if (strlen(left) > 30)
        fprintf(out, "  %s\n  %30s  ", left, "");
    else
        fprintf(out, "  %-30s  ", left);
    fprintf(out, "%s%s\n", info->doc, (info->needed & (1u << verb)) ? " (required)" : "");
}

static void usage_line(Verb verb, FILE *out) {
    const VerbInfo *info = &verb_info[verb];
    fprintf(out, "usage: gen %s", info->name);
    for (int i = 0; i < OPTIONS; i++) {
        if (!(option_info[i].needed & (1u << verb)))
            continue;
        if (option_info[i].letter)
            fprintf(out, " -%c %s", option_info[i].letter, option_info[i].argument);
        else
            fprintf(out, " --%s %s", option_info[i].name, option_info[i].argument);
    }
    if (info->operand)
        fprintf(out, info->operand_needed ? " %s" : " [%s]", info->operand);
    if (info->second)
        fprintf(out, " %s", info->second);
    fputs(" [options]\n\n", out);
}

void options_help_verb(Verb verb, FILE *out) {
    usage_line(verb, out);
    fprintf(out, "%s\n\n", verb_info[verb].doc);
    for (int i = 0; i < OPTIONS; i++)
        if (takes(verb, i))
            help_option(verb, &option_info[i], out);
    fprintf(out, "\nexample:\n  %s\n", verb_info[verb].example);
}

/* --- mistakes --------------------------------------------------------------------------------------- */

static Status usage(Diag *diag, Verb verb, const char *code, const char *help, const char *text,
                    const char *what) {
    if (!help)
        help = verb < VERBS ? arena_printf(diag->arena, "see: gen %s --help", verb_info[verb].name)
                            : "see: gen --help";
    diag_error(diag, diag_nowhere(), code, help, text, what);
    return STATUS_USAGE;
}

static Status unknown_option(Diag *diag, Verb verb, const char *written) {
    const char *names[OPTIONS + 1] = {0};
    char text[64];
    size_t length = strcspn(written, "="), count = 0;
    snprintf(text, sizeof text, "%.*s", (int)(length < 60 ? length : 60), written);
    for (int i = 0; i < OPTIONS; i++)
        if (takes(verb, i))
            names[count++] = arena_printf(diag->arena, "--%s", option_info[i].name);
    for (int i = 0; i < OPTIONS; i++)
        if (strcmp(text + strspn(text, "-"), option_info[i].name) == 0 && i != OPTION_VERSION)
            return usage(diag, verb, "E0916", NULL, "this verb does not take %s", text);
    const char *nearest = diag_nearest(text, names);
    const char *help = nearest ? arena_printf(diag->arena, "did you mean %s?", nearest) : NULL;
    return usage(diag, verb, "E0911", help, "unknown option %s", text);
}

static Status check_needed(const Options *options, Diag *diag) {
    const VerbInfo *verb = &verb_info[options->verb];
    for (int i = 0; i < OPTIONS; i++) {
        const OptionInfo *info = &option_info[i];
        if ((info->needed & (1u << options->verb)) && !options->values[i]) {
            const char *flag =
                info->letter ? arena_printf(diag->arena, "-%c %s", info->letter, info->argument)
                             : arena_printf(diag->arena, "--%s %s", info->name, info->argument);
            usage(diag, options->verb, "E0914",
                  arena_printf(diag->arena, "for example: %s", verb->example), "%s is required",
                  flag);
        }
    }
    if (verb->operand_needed && !options->operand)
        usage(diag, options->verb, "E0914",
              arena_printf(diag->arena, "for example: %s", verb->example), "%s is required",
              verb->operand);
    else if (verb->second && !options->second)
        usage(diag, options->verb, "E0914",
              arena_printf(diag->arena, "for example: %s", verb->example),
              "a second %s is required", verb->second);
    return diag->errors ? STATUS_USAGE : STATUS_OK;
}

/* --- parsing ---------------------------------------------------------------------------------------- */

typedef struct Getopt {
    struct option longs[OPTIONS + 1];
    char letters[2 * OPTIONS + 3];
} Getopt;

/* A leading '-' in the letters: operands come in their place, and argv is not reordered. */
static void getopt_tables(Verb verb, Getopt *tables) {
    size_t longs = 0, letters = 0;
    tables->letters[letters++] = '-';
    tables->letters[letters++] = ':';
    for (int i = 0; i < OPTIONS; i++) {
        const OptionInfo *info = &option_info[i];
        if (!takes(verb, i))
            continue;
        int argument = info->argument ? required_argument : no_argument;
        tables->longs[longs++] = (struct option){info->name, argument, NULL, 256 + i};
        if (info->letter) {
            tables->letters[letters++] = info->letter;
            if (info->argument)
                tables->letters[letters++] = ':';
        }
    }
    tables->longs[longs] = (struct option){0};
    tables->letters[letters] = '\0';
}

static OptionId option_of(int code) {
    OptionId id = 0;
    if (code >= 256)
        return code - 256;
    while (id < OPTIONS && option_info[id].letter != code)
        id++;
    return id;
}

static Status take_operand(Options *options, const char *text, Diag *diag) {
    const VerbInfo *verb = &verb_info[options->verb];
    const char **free = verb->operand && !options->operand ? &options->operand
                        : verb->second && !options->second ? &options->second
                                                           : NULL;
    if (!free)
        return usage(diag, options->verb, "E0913", NULL, "'%s' is one argument too many", text);
    *free = text;
    return STATUS_OK;
}

static Status take_option(Options *options, int code, const char *written, Diag *diag) {
    OptionId id = option_of(code);
    const char *name = option_info[id].name;
    size_t length = strlen(name);
    /* getopt_long takes abbreviations; ours would break when an option is added. */
    if (code >= 256 && (strncmp(written + 2, name, length) != 0 ||
                        (written[2 + length] != '\0' && written[2 + length] != '=')))
        return unknown_option(diag, options->verb, written);
    if (option_info[id].many) {
        if (options->many_count == OPTIONS_MANY)
            return usage(diag, options->verb, "E0915", "write them into the files",
                         "--%s is given too often", name);
        options->many[options->many_count].id = id;
        options->many[options->many_count++].text = optarg;
    } else if (options->values[id] && option_info[id].argument) {
        return usage(diag, options->verb, "E0915", "give it once", "--%s is given twice", name);
    }
    options->values[id] = option_info[id].argument ? optarg : "";
    return STATUS_OK;
}

static Status parse_rest(int argc, char **argv, Options *options, Diag *diag) {
    Getopt tables;
    getopt_tables(options->verb, &tables);
    opterr = 0;
    optind = 2;
    for (;;) {
        const char *written = optind < argc ? argv[optind] : "";
        int code = getopt_long(argc, argv, tables.letters, tables.longs, NULL);
        if (code == -1)
            break;
        if (code == 1)
            TRY(take_operand(options, optarg, diag));
        else if (code == ':')
            return usage(diag, options->verb, "E0912", NULL, "%s needs a value", written);
        else if (code == '?')
            return unknown_option(diag, options->verb, written);
        else
            TRY(take_option(options, code, written, diag));
    }
    for (; optind < argc; optind++)
        TRY(take_operand(options, argv[optind], diag));
    return STATUS_OK;
}

Status options_parse(int argc, char **argv, Options *options, Diag *diag) {
    *options = (Options){.verb = VERBS};
    if (argc < 2)
        return usage(diag, VERBS, "E0914", NULL, "%s is required", "a verb");
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0) {
        options->verb = VERB_HELP;
        options->values[OPTION_VERSION] = argv[1][2] == 'v' ? "" : NULL;
        return STATUS_OK;
    }
    options->verb = options_verb(argv[1]);
    if (options->verb == VERBS) {
        const char *nearest = options_nearest_verb(argv[1]);
        const char *help =
            nearest ? arena_printf(diag->arena, "did you mean gen %s?", nearest) : NULL;
        return usage(diag, VERBS, "E0910", help, "unknown verb '%s'", argv[1]);
    }
    TRY(parse_rest(argc, argv, options, diag));
    if (options_given(options, OPTION_HELP)) {
        if (options->verb != VERB_HELP)
            options->operand = verb_info[options->verb].name;
        options->verb = VERB_HELP;
        return STATUS_OK;
    }
    return check_needed(options, diag);
}
