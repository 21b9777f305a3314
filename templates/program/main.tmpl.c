/* main of program $(view.name). Made by gen: do not edit. */
#include "program.h"

int main(int argc, char **argv) {
    return rt_main(&program, argc, argv);
}
