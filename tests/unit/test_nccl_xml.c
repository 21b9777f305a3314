/* XML within its limits, and what NCCL's topology says: ways between GPUs, ports near them, and no text that makes
 * it crash: each prefix of a good file, and each byte of it changed. */
#include "test.h"

#include "base/buf.h"
#include "input/nccl_xml.h"

static const char *sample(Test *test, const char *name) {
    return arena_printf(&test->arena, TEST_DATA "/nccl-xml/%s", name);
}

static void read_good(Test *test, const char *name, NcclXml *xml) {
    if (nccl_xml_read(&test->arena, sample(test, name), xml, &test->diag) != STATUS_OK)
        fail_msg("%s", test_messages(test));
}

static void switched_gpus(void **state) {
    Test *test = *state;
    NcclXml xml;
    bool crosses;
    read_good(test, "dgx-h100.xml", &xml);
    assert_int_equal(xml.cpus.count, 2);
    assert_int_equal(xml.gpus.count, 8);
    assert_int_equal(xml.nets.count, 10);
    for (int64_t a = 0; a < 8; a++)
        for (int64_t b = 0; b < 8; b++)
            if (a != b)
                assert_int_equal(nccl_xml_links(&xml, a, b), 18);
    /* GPUs 0 and 1 share a switch: their own slots count; 0 and 7 are on two Sapphire Rapids. */
    assert_true(nccl_xml_pci(&xml, 0, 1, &crosses) == 48e9);
    assert_false(crosses);
    assert_true(nccl_xml_pci(&xml, 0, 7, &crosses) == 22e9);
    assert_true(crosses);
    assert_true(xml.nets.items[0].bandwidth == 50e9);
    assert_true(nccl_xml_near(&xml, 0, 0) && nccl_xml_near(&xml, 0, 1));
    assert_false(nccl_xml_near(&xml, 0, 2));
    for (int64_t gpu = 0; gpu < 8; gpu++) /* the ports of storage hang on a processor */
        assert_false(nccl_xml_near(&xml, 4, gpu) && nccl_xml_near(&xml, 9, gpu));
}

static void slowest_slot_on_the_way(void **state) {
    Test *test = *state;
    NcclXml xml;
    bool crosses;
    const char *path = test_file(
        test, "t.xml",
        "<system version='1'><cpu numaid='0'>"
        "<pci busid='a' link_speed='16.0 GT/s PCIe' link_width='4'>"
        "<pci busid='b' link_speed='16.0 GT/s PCIe' link_width='16'><gpu dev='0' sm='89'/></pci>"
        "<pci busid='c' link_speed='8.0 GT/s PCIe' link_width='16'><gpu dev='1' sm='89'/></pci>"
        "</pci>"
        "<pci busid='d' link_speed='Unknown' link_width='255'><gpu dev='2' sm='89'/></pci>"
        "<nic><net name='n' dev='0' speed='25000' latency='2.5'/><net name='m' speed='1'/></nic>"
        "<other><pci/></other>"
        "</cpu></system>");
    assert_int_equal(nccl_xml_read(&test->arena, path, &xml, &test->diag), STATUS_OK);
    assert_true(nccl_xml_pci(&xml, 0, 1, &crosses) ==
                12e9); /* the switch's own slot is not on the way */
    assert_true(nccl_xml_pci(&xml, 0, 2, &crosses) == 6e9);
    assert_false(crosses);
    assert_int_equal(xml.nets.count, 1); /* the other has no dev */
    assert_true(xml.nets.items[0].latency > 2.4e-6 && xml.nets.items[0].latency < 2.6e-6);
    assert_non_null(
        strstr(test_messages(test), "note[E0335]: <other> is not known and passed over"));
}

/* Every end but the whole file's is refused, and by no other code than for what is cut off. */
static void every_prefix(void **state) {
    Test *test = *state;
    char *text;
    size_t length;
    NcclXml xml;
    assert_int_equal(fs_read(&test->arena, sample(test, "two-rtx-3090.xml"), 1 << 20, &text,
                             &length, &test->diag),
                     STATUS_OK);
    size_t last = (size_t)(strstr(text, "</system>") - text) + strlen("</system>");
    for (size_t end = 0; end < last; end++) {
        const char *path = test_file(test, "t.xml", arena_strndup(&test->arena, text, end));
        assert_int_equal(nccl_xml_read(&test->arena, path, &xml, &test->diag), STATUS_DATA);
        const char *said = test_messages(test);
        if (!strstr(said, "error[E0331]") || !strstr(said, "help: "))
            fail_msg("cut at %zu: %s", end, said);
    }
}

static void every_changed_byte(void **state) {
    Test *test = *state;
    char *text;
    size_t length;
    assert_int_equal(fs_read(&test->arena, sample(test, "two-rtx-3090.xml"), 1 << 20, &text,
                             &length, &test->diag),
                     STATUS_OK);
    for (size_t i = 0; i < length; i++)
        for (const char *other = "<\"&9\x80"; *other; other++) {
            NcclXml xml;
            char kept = text[i];
            text[i] = *other;
            const char *path = test_file(test, "t.xml", text);
            text[i] = kept;
            Status status = nccl_xml_read(&test->arena, path, &xml, &test->diag);
            const char *said = test_messages(test);
            assert_true(status == STATUS_OK ||
                        (status == STATUS_DATA && strstr(said, "error[E03")));
        }
}

static void limits(void **state) {
    Test *test = *state;
    Buf text = {0};
    XmlNode *root;
    for (int i = 0; i < XML_DEPTH; i++)
        buf_puts(&text, "<a>");
    for (int i = 0; i < XML_DEPTH; i++)
        buf_puts(&text, "</a>");
    assert_int_equal(xml_read(&test->arena, test_file(test, "t", text.data), &root, &test->diag),
                     STATUS_OK);
    buf_clear(&text);
    buf_puts(&text, "<a");
    for (int i = 0; i <= XML_ATTRIBUTES; i++)
        buf_printf(&text, " k%d='%d'", i, i);
    buf_puts(&text, "/>");
    assert_int_equal(xml_read(&test->arena, test_file(test, "t", text.data), &root, &test->diag),
                     STATUS_DATA);
    assert_non_null(strstr(test_messages(test), "error[E0334]: an element has more than 64"));
    buf_free(&text);
}

static void entities_of_xml_only(void **state) {
    Test *test = *state;
    XmlNode *root;
    const char *path = test_file(test, "t", "<a k='1 &lt; &#50;'/>");
    assert_int_equal(xml_read(&test->arena, path, &root, &test->diag), STATUS_OK);
    assert_string_equal(xml_attribute(root, "k")->value, "1 < 2");
    assert_int_equal(xml_attribute(root, "k")->place.column, 7);
    path = test_file(test, "t", "<a k='&lol;'/>");
    assert_int_equal(xml_read(&test->arena, path, &root, &test->diag), STATUS_DATA);
    assert_non_null(strstr(test_messages(test), "E0330"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(switched_gpus), TEST(slowest_slot_on_the_way),
        TEST(every_prefix),  TEST(every_changed_byte),
        TEST(limits),        TEST(entities_of_xml_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
