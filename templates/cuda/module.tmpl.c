//% if view.made == "aot" then
/* The device code of program $(view.name),
 * made by nvcc when the program is built (CMakeLists.txt). */
//% else
/* The device code of program $(view.name),
 * its source: NVRTC compiles it where the program starts. */
//% end
#include "kernel.h"

/* clang-format off */

/* The bytes of a file under a name; behind them NAME_end, where a 0 lies. */
#define EMBED(name, file)                                                                          \
    __asm__(".pushsection .rodata,\"a\"\n.balign 64\n" #name ":\n.incbin \"" file "\"\n" #name     \
            "_end:\n.byte 0\n.popsection\n");                                                      \
    extern const char name[] __attribute__((visibility("hidden")));                                \
    extern const char name##_end[] __attribute__((visibility("hidden")))

//% if view.made == "aot" then
EMBED(code, MODULE_FILE);
//% else
//%   for _, source in ipairs(view.sources) do
EMBED($(source.symbol), $(source.root) "/$(source.path)");
//%   end

static const rt_source sources[] = {
//%   for _, source in ipairs(view.sources) do
    {"$(source.name)", $(source.symbol), $(source.symbol)_end},
//%   end
};
//% end

/* By F_NAME of kernel.h. */
static const char *const functions[] = {
//% for _, item in ipairs(view.cuda_functions) do
    "$(item.name)",
//% end
};

//% if view.made == "aot" then
/* The generations of GPUs that it is made for. */
//% else
/* The generations of GPUs that it was planned for: the least is the least that will do. */
//% end
static const int32_t architectures[] = {
//% for _, item in ipairs(view.arch) do
    $(item.number), /* $(item.name) */
//% end
};

const rt_module module = {
    .functions = FUNCTIONS,
    .architectures = $(#view.arch),
    .function = functions,
    .architecture = architectures,
//% if view.made == "aot" then
    .binary = (const unsigned char *)code,
    .binary_end = (const unsigned char *)code_end,
//% else
    .sources = $(#view.sources),
    .source = sources,
//% end
};

/* clang-format on */
