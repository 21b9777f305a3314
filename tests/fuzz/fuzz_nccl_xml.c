/* The XML that NCCL writes of a machine. */
#include "fuzz.h"

#include "input/nccl_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    NcclXml xml = {0};
    Status status = nccl_xml_read(&arena, fuzz_file(0, data, size), &xml, &diag);
    fuzz_judge(status, &diag);
    for (int64_t a = 0; status == STATUS_OK && a < xml.gpus.count && a < 16; a++) {
        bool crosses;
        int64_t b = xml.gpus.count - 1;
        fuzz_expect(nccl_xml_links(&xml, a, b) >= 0, "links are counted");
        fuzz_expect(nccl_xml_pci(&xml, a, b, &crosses) >= 0, "a rate is no less than none");
        for (int64_t net = 0; net < xml.nets.count && net < 16; net++)
            nccl_xml_near(&xml, net, a);
    }
    arena_free(&arena);
    return 0;
}
