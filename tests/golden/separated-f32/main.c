/* main of program separated-f32. Made by gen: do not edit. */
#include "program.h"

int main(int argc, char **argv) {
    return rt_main(&program, argc, argv);
}
