/* shim_switch: from one stack to another. On x86-64 and aarch64 by hand, a few nanoseconds; elsewhere by ucontext. */
#pragma once

#include <stddef.h>

#if defined(__x86_64__) || defined(__aarch64__)

extern "C" void shim_switch_stack(void **from, void *to);

struct shim_context {
    void *sp;
};

static inline void shim_context_switch(shim_context *from, const shim_context *to) {
    shim_switch_stack(&from->sp, to->sp);
}

#if defined(__x86_64__)
__asm__(".text\n.globl shim_switch_stack\n.hidden shim_switch_stack\n"
        ".type shim_switch_stack, @function\n"
        "shim_switch_stack:\n"
        "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
        "mov %rsp, (%rdi)\nmov %rsi, %rsp\n"
        "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n"
        ".size shim_switch_stack, . - shim_switch_stack\n");

/* So that the first switch to it calls `run` on the stack that ends at `top`, a multiple of 16. */
static inline void shim_context_make(shim_context *context, void *bottom, size_t bytes,
                                     void (*run)(void)) {
    void **at = (void **)((char *)bottom + bytes);
    *--at = nullptr; /* where run would return to; leaves the stack as a call does */
    *--at = (void *)run;
    for (int i = 0; i < 6; ++i)
        *--at = nullptr;
    context->sp = at;
}
#else
__asm__(".text\n.globl shim_switch_stack\n.hidden shim_switch_stack\n"
        ".type shim_switch_stack, %function\n"
        "shim_switch_stack:\n"
        "sub sp, sp, #160\n"
        "stp x19, x20, [sp]\nstp x21, x22, [sp, #16]\nstp x23, x24, [sp, #32]\n"
        "stp x25, x26, [sp, #48]\nstp x27, x28, [sp, #64]\nstp x29, x30, [sp, #80]\n"
        "stp d8, d9, [sp, #96]\nstp d10, d11, [sp, #112]\n"
        "stp d12, d13, [sp, #128]\nstp d14, d15, [sp, #144]\n"
        "mov x9, sp\nstr x9, [x0]\nmov sp, x1\n"
        "ldp x19, x20, [sp]\nldp x21, x22, [sp, #16]\nldp x23, x24, [sp, #32]\n"
        "ldp x25, x26, [sp, #48]\nldp x27, x28, [sp, #64]\nldp x29, x30, [sp, #80]\n"
        "ldp d8, d9, [sp, #96]\nldp d10, d11, [sp, #112]\n"
        "ldp d12, d13, [sp, #128]\nldp d14, d15, [sp, #144]\n"
        "add sp, sp, #160\nret\n"
        ".size shim_switch_stack, . - shim_switch_stack\n");

static inline void shim_context_make(shim_context *context, void *bottom, size_t bytes,
                                     void (*run)(void)) {
    void **at = (void **)((char *)bottom + bytes) - 20;
    for (int i = 0; i < 20; ++i)
        at[i] = nullptr;
    at[11] = (void *)run; /* x30 */
    context->sp = at;
}
#endif

#else
#include <ucontext.h>

struct shim_context {
    ucontext_t context;
};

static inline void shim_context_switch(shim_context *from, const shim_context *to) {
    swapcontext(&from->context, &to->context);
}

static inline void shim_context_make(shim_context *context, void *bottom, size_t bytes,
                                     void (*run)(void)) {
    getcontext(&context->context);
    context->context.uc_stack.ss_sp = bottom;
    context->context.uc_stack.ss_size = bytes;
    context->context.uc_link = nullptr;
    makecontext(&context->context, run, 0);
}
#endif
