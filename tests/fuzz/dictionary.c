/* Prints a dictionary for libFuzzer: every key, alias and choice of a schema and of those that it contains, and the
 * units of its quantities. Made from the schemas, so that no key is forgotten.
 *
 * usage: fuzz_dictionary model|topology|workload|plan */
#include "plan/plan.h"

#include <string.h>

static void print(const char *text) {
    printf("\"%s\"\n", text);
}

static void print_schema(const Schema *schema) {
    for (const char *const *alias = schema->aliases; alias && *alias; alias += 2)
        print(*alias);
    for (const Field *field = schema->fields; field->name; field++) {
        print(field->name);
        for (const char *const *name = field->names; name && *name; name++)
            print(*name);
        switch (field->type) {
        case FIELD_BYTES:
            print("80 GiB");
            break;
        case FIELD_BANDWIDTH:
            print("200 Gb/s");
            break;
        case FIELD_TIME:
            print("5 us");
            break;
        case FIELD_FLOPS:
            print("312 TFLOP/s");
            break;
        case FIELD_OBJECT:
        case FIELD_LIST:
            print_schema(field->of);
            break;
        default:
            break;
        }
    }
}

int main(int count, char **arguments) {
    static const struct {
        const char *name;
        const Schema *schema;
    } schemas[] = {{"model", &model_schema},
                   {"topology", &topology_schema},
                   {"workload", &workload_schema},
                   {"plan", &plan_schema}};
    for (size_t i = 0; count == 2 && i < sizeof schemas / sizeof *schemas; i++)
        if (strcmp(arguments[1], schemas[i].name) == 0) {
            print_schema(schemas[i].schema);
            return 0;
        }
    fprintf(stderr, "usage: fuzz_dictionary model|topology|workload|plan\n");
    return 2;
}
