/* pages_man: gen.1 in mdoc. It knows the macros, and of verbs and options what the table says. */
#include "pages/pages.h"

#include <string.h>

/* Text as roff shows it: backslashes and dashes are literal, and no line begins with a control character. */
static void text(FILE *out, const char *words) {
    if (*words == '.' || *words == '\'')
        fputs("\\&", out);
    for (; *words; words++) {
        if (*words == '\\')
            fputs("\\e", out);
        else if (*words == '-')
            fputs("\\-", out);
        else if (*words == '`')
            fputs("\\(ga", out);
        else if (*words == '"')
            fputs("\\(dq", out);
        else
            fputc(*words, out);
    }
}

/* An argument after .Ar: one word of the macro, so blanks and leading punctuation are quoted. */
static void argument(FILE *out, const char *name) {
    fputs(" Ar \"", out);
    text(out, name);
    fputc('"', out);
}

static void flags(FILE *out, const OptionInfo *info) {
    if (info->letter)
        fprintf(out, " Fl %c", info->letter);
    if (info->letter && info->argument)
        argument(out, info->argument);
    if (info->letter)
        fputs(" ,", out);
    fputs(" Fl \\-", out);
    text(out, info->name);
    if (info->argument)
        argument(out, info->argument);
}

static void verb_usage(FILE *out, Verb verb) {
    const VerbInfo *info = &verb_info[verb];
    fprintf(out, ".Nm\n.Cm %s\n", info->name);
    for (int i = 0; i < OPTIONS; i++) {
        const OptionInfo *option = &option_info[i];
        if (!(option->needed & (1u << verb)))
            continue;
        if (option->letter)
            fprintf(out, ".Fl %c", option->letter);
        else
            fprintf(out, ".Fl \\-%s", option->name);
        argument(out, option->argument);
        fputc('\n', out);
    }
    if (info->operand) {
        fputs(info->operand_needed ? "." : ".Op", out);
        fprintf(out, "%sAr \"", info->operand_needed ? "" : " ");
        text(out, info->operand);
        fputs("\"\n", out);
    }
    if (info->second) {
        fputs(".Ar \"", out);
        text(out, info->second);
        fputs("\"\n", out);
    }
    fputs(".Op Ar options\n", out);
}

static void verb_section(FILE *out, Verb verb) {
    const VerbInfo *info = &verb_info[verb];
    uint32_t every = (1u << VERBS) - 1;
    fprintf(out, ".Ss gen %s\n", info->name);
    text(out, info->doc);
    fputs(".\n", out);
    bool listed = false;
    for (int i = 0; i < OPTIONS; i++) {
        const OptionInfo *option = &option_info[i];
        if (!pages_takes(verb, i) || option->verbs == every)
            continue;
        fputs(listed ? "" : ".Bl -tag -width Ds\n", out);
        listed = true;
        fputs(".It", out);
        flags(out, option);
        fputc('\n', out);
        text(out, option->doc);
        fputs((option->needed & (1u << verb)) ? "; required.\n" : ".\n", out);
    }
    fputs(listed ? ".El\n" : "", out);
    fputs(".Pp\nExample:\n.Dl ", out);
    text(out, info->example);
    fputc('\n', out);
}

static void common_options(FILE *out) {
    uint32_t every = (1u << VERBS) - 1;
    fputs(".Sh OPTIONS\nEvery verb takes these:\n.Bl -tag -width Ds\n", out);
    for (int i = 0; i < OPTIONS; i++) {
        if (option_info[i].verbs && option_info[i].verbs != every)
            continue;
        fputs(".It", out);
        flags(out, &option_info[i]);
        fputc('\n', out);
        text(out, option_info[i].doc);
        fputs(option_info[i].verbs ? ".\n" : "; in the place of a verb.\n", out);
    }
    fputs(".El\n", out);
}

static const char ending[] =
    ".Sh ENVIRONMENT\n"
    ".Bl -tag -width Ds\n"
    ".It Ev CC\nThe C compiler of\n.Cm build .\n"
    ".It Ev NO_COLOR\nIf set and not empty, nothing is coloured.\n"
    ".It Ev TMPDIR\nWhere files that cross to a program are kept while it runs.\n"
    ".El\n"
    ".Sh EXIT STATUS\n"
    ".Bl -tag -width Ds -compact\n"
    ".It 0\nsuccess\n"
    ".It 1\na negative answer: a plan is refused, a strategy declines, verification differs\n"
    ".It 2\na mistake in the command line\n"
    ".It 65\nbad data in a file\n"
    ".It 66\nan input is missing\n"
    ".It 69\na tool, library or GPU is missing\n"
    ".It 70\na bug of\n.Nm\n"
    ".It 73\nan output cannot be written\n"
    ".El\n";

void pages_man(FILE *out) {
    fputs(".\\\" Made by gen_pages from the table of options.\n"
          ".Dd $Mdocdate$\n.Dt GEN 1\n.Os\n.Sh NAME\n.Nm gen\n"
          ".Nd one program made for one model on one cluster\n.Sh SYNOPSIS\n",
          out);
    for (int verb = 0; verb < VERBS; verb++)
        verb_usage(out, verb);
    fputs(".Sh DESCRIPTION\n.Nm\n"
          "reads a mixture\\-of\\-experts model and a GPU cluster, plans where heads, experts\n"
          "and layers live and how data moves, proves the plan, and writes one C program\n"
          "that does that.\n"
          "Results go to standard output, messages and progress to standard error.\n",
          out);
    common_options(out);
    fputs(".Sh VERBS\n", out);
    for (int verb = 0; verb < VERBS; verb++)
        verb_section(out, verb);
    fputs(ending, out);
}
