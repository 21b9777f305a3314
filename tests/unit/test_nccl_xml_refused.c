/* What nccl_xml and xml refuse, and the figures that they take from a machine's makes: one small change each of a
 * machine of two GPUs. */
#include "test.h"

#include "base/buf.h"
#include "input/nccl_xml.h"

#define SLOT(busid, inner)                                                                         \
    "<pci busid='" busid "' device='0x20b2' link_speed='16.0 GT/s PCIe' link_width='16'>" inner    \
    "</pci>"
#define GPU(dev, links) "<gpu dev='" dev "' sm='80' rank='" dev "'>" links "</gpu>"
#define LINK(target, count) "<nvlink target='" target "' count='" count "' tclass='0x030200'/>"
#define CPU(attributes, inner) "<cpu numaid='0' " attributes ">" inner "</cpu>"
#define MACHINE(inner) "<system version='1'>" inner "</system>"
#define PAIR SLOT("a", GPU("0", LINK("b", "4"))) SLOT("b", GPU("1", LINK("a", "4")))

static Status read_text(Test *test, const char *text, NcclXml *xml) {
    return nccl_xml_read(&test->arena, test_file(test, "t.xml", text), xml, &test->diag);
}

static void refuse(Test *test, const char *text, const char *code, const char *words) {
    NcclXml xml;
    Status status = read_text(test, text, &xml);
    const char *said = test_messages(test);
    if (status != STATUS_DATA ||
        !strstr(said, arena_printf(&test->arena, "error[%s]: %s", code, words)))
        fail_msg("%s: expected %s '%s', got %s", text, code, words, said);
}

static void elements_are_where_they_belong(void **state) {
    refuse(*state, "<cpu/>", "E0330", "this is <cpu>, not the <system>");
    refuse(*state, "<system/>", "E0332", "<system> has no version");
    refuse(*state, "<system version='2'/>", "E0330", "version '2' of NCCL's topology is not known");
    refuse(*state, MACHINE(""), "E0332", "the system has no GPU");
    refuse(*state, MACHINE(GPU("0", "")), "E0330", "<gpu> stands in <system>, not in <pci>");
    refuse(*state, MACHINE(CPU("", CPU("", ""))), "E0330",
           "<cpu> stands in <cpu>, not in <system>");
    refuse(*state, MACHINE(CPU("", SLOT("a", GPU("0", "<nic/>")))), "E0330",
           "<nic> stands in <gpu>, not in <cpu>");
    refuse(*state, MACHINE(CPU("host_hash='1'", PAIR) CPU("host_hash='2'", "")), "E0330",
           "the file is of several machines");
    refuse(*state, MACHINE(CPU("", PAIR) CPU("host_hash='2'", "")), "E0330",
           "the file is of several machines");
}

static void numbers_are_in_range(void **state) {
    static const char *const bad[] = {
        "", " 1", "1 ", "0x1", "1.0", "-2", "+1", "1e3", "99999999999999999999", "1048577"};
    Test *test = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        refuse(test, arena_printf(&test->arena, MACHINE("<cpu numaid='%s'>" PAIR "</cpu>"), bad[i]),
               "E0332",
               arena_printf(&test->arena, "numaid of <cpu> is '%s', not a number", bad[i]));
        refuse(test,
               arena_printf(&test->arena, MACHINE(CPU("", SLOT("a", "<gpu dev='%s' sm='80'/>"))),
                            bad[i]),
               "E0332", "dev of <gpu> is '");
    }
    refuse(test, MACHINE("<cpu/>"), "E0332", "<cpu> has no numaid");
    refuse(test, MACHINE(CPU("familyid='-1'", "")), "E0332", "familyid of <cpu> is '-1'");
    refuse(test, MACHINE(CPU("modelid='x'", "")), "E0332", "modelid of <cpu> is 'x'");
    refuse(test, MACHINE(CPU("", SLOT("a", "<gpu sm='80'/>"))), "E0332", "<gpu> has no dev");
    refuse(test, MACHINE(CPU("", SLOT("a", "<gpu dev='0'/>"))), "E0332", "<gpu> has no sm");
    refuse(test, MACHINE(CPU("", SLOT("a", "<gpu dev='0' sm='9'/>"))), "E0332",
           "sm of <gpu> is '9', not a number from 10 to 1999");
    refuse(test, MACHINE(CPU("", SLOT("a", "<gpu dev='0' sm='80' rank='-2'/>"))), "E0332",
           "rank of <gpu> is '-2'");
}

static void slots(void **state) {
    static const char *const hexes[] = {
        "20b2", "0x", "0xg", "0x20b2 ", "-0x1", "0x1000000", "0xffffffffffffffffff", "0x-1"};
    static const char *const speeds[] = {"16.0", "16.0 GT",    "16.5 GT/s PCIe",
                                         "GT/s", "-16.0 GT/s", "1e400 GT/s"};
    Test *test = *state;
    refuse(test, MACHINE(CPU("", "<pci/>")), "E0332", "<pci> has no busid");
    refuse(test, MACHINE(CPU("", "<pci busid='a'/><pci busid='a'/>")), "E0333",
           "the PCI device a is there already, in line 1");
    refuse(test, MACHINE(CPU("", "<pci busid='a'><pci busid='a'/></pci>")), "E0333",
           "the PCI device a is there already");
    refuse(test, MACHINE(CPU("", "<pci busid='a' link_width='256'/>")), "E0332",
           "link_width of <pci> is '256', not a number from 0 to 255");
    for (size_t i = 0; i < sizeof hexes / sizeof *hexes; i++)
        refuse(
            test,
            arena_printf(&test->arena, MACHINE(CPU("", "<pci busid='a' device='%s'/>")), hexes[i]),
            "E0332",
            arena_printf(&test->arena, "device of <pci> is '%s', not a PCI number", hexes[i]));
    for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++)
        refuse(test,
               arena_printf(&test->arena, MACHINE(CPU("", "<pci busid='a' link_speed='%s'/>")),
                            speeds[i]),
               "E0332", arena_printf(&test->arena, "'%s' is no speed of a PCI lane", speeds[i]));
}

/* A rate for each speed that PCI has, of as many lanes as the slot has; 16 where the system does not know. */
static void rates_of_slots(void **state) {
    static const struct {
        const char *slot;
        double rate; /* [bytes/s] */
    } cases[] = {
        {"link_speed='2.5 GT/s PCIe' link_width='16'", 3e9},
        {"link_speed='5.0 GT/s PCIe' link_width='8'", 3e9},
        {"link_speed='5 GT/s PCIe' link_width='8'", 3e9},
        {"link_speed='8.0 GT/s PCIe' link_width='1'", 0.75e9},
        {"link_speed='32.0 GT/s PCIe' link_width='16'", 48e9},
        {"link_speed='64.0 GT/s PCIe' link_width='0'", 96e9},
        {"link_speed='32.0 GT/s PCIe' link_width='255'", 48e9},
        {"link_speed='32.0 GT/s PCIe' link_width=''", 48e9},
        {"link_speed='32.0 GT/s PCIe'", 48e9},
        {"link_speed='Unknown speed' link_width='8'", 0},
        {"link_speed='' link_width='8'", 0},
        {"", 0},
    };
    Test *test = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        NcclXml xml;
        bool crosses;
        const char *text =
            arena_printf(&test->arena,
                         MACHINE(CPU("", "<pci busid='a' %s><gpu dev='0' sm='80'/></pci>"
                                         "<pci busid='b' %s><gpu dev='1' sm='80'/></pci>")),
                         cases[i].slot, cases[i].slot);
        assert_int_equal(read_text(test, text, &xml), STATUS_OK);
        assert_true(nccl_xml_pci(&xml, 0, 1, &crosses) == cases[i].rate);
        assert_int_equal(xml.pcis.items[0].device, 0);
        assert_int_equal(xml.gpus.items[1].rank, -1);
    }
}

/* Between processors, by their makes. */
static void rates_between_processors(void **state) {
    static const struct {
        const char *cpu;
        double rate;
    } cases[] = {
        {"arch='ppc64'", 32e9},
        {"arch='arm64' vendor='x'", 6e9},
        {"arch='x86_64'", 6e9},
        {"", 6e9},
        {"vendor='CentaurHauls' familyid='7'", 6e9},
        {"vendor='AuthenticAMD' familyid='26'", 32e9},
        {"vendor='AuthenticAMD' familyid='191'", 32e9},
        {"vendor='AuthenticAMD' familyid='25'", 24e9},
        {"vendor='AuthenticAMD' familyid='175'", 24e9},
        {"vendor='AuthenticAMD' familyid='23'", 16e9},
        {"vendor='GenuineIntel' familyid='15' modelid='207'", 6e9},
        {"vendor='GenuineIntel' familyid='6' modelid='207'", 40e9},
        {"vendor='GenuineIntel' familyid='6' modelid='173'", 40e9},
        {"vendor='GenuineIntel' familyid='6' modelid='175'", 40e9},
        {"vendor='GenuineIntel' familyid='6' modelid='176'", 22e9},
        {"vendor='GenuineIntel' familyid='6' modelid='172'", 22e9},
        {"vendor='GenuineIntel' familyid='6' modelid='143'", 22e9},
        {"vendor='GenuineIntel' familyid='6' modelid='142'", 10e9},
        {"vendor='GenuineIntel' familyid='6' modelid='85'", 10e9},
        {"vendor='GenuineIntel' familyid='6' modelid='84'", 6e9},
    };
    Test *test = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        NcclXml xml;
        bool crosses;
        const char *text = arena_printf(
            &test->arena,
            MACHINE(CPU("%s", SLOT("a", GPU("0", ""))) CPU("%s", SLOT("b", GPU("1", "")))),
            cases[i].cpu, cases[i].cpu);
        assert_int_equal(read_text(test, text, &xml), STATUS_OK);
        double slot = 24e9, rate = nccl_xml_pci(&xml, 0, 1, &crosses);
        assert_true(crosses);
        if (rate != (cases[i].rate < slot ? cases[i].rate : slot))
            fail_msg("%s: %g", cases[i].cpu, rate);
        assert_true(xml.cpus.items[1].bandwidth == cases[i].rate);
    }
}

static void links(void **state) {
    Test *test = *state;
    NcclXml xml;
    assert_int_equal(read_text(test, MACHINE(CPU("", PAIR)), &xml), STATUS_OK);
    assert_int_equal(nccl_xml_links(&xml, 0, 1), 4);
    assert_int_equal(nccl_xml_links(&xml, 1, 0), 4);
#define ONE(link) MACHINE(CPU("", SLOT("a", GPU("0", link))))
    refuse(test, ONE("<nvlink count='1' tclass='0x03'/>"), "E0332", "<nvlink> has no target");
    refuse(test, ONE("<nvlink target='b' tclass='0x03'/>"), "E0332", "<nvlink> has no count");
    refuse(test, ONE("<nvlink target='b' count='1'/>"), "E0332", "<nvlink> has no tclass");
    refuse(test, ONE(LINK("b", "0")), "E0332", "count of <nvlink> is '0', not a number from 1");
    refuse(test, ONE(LINK("b", "1025")), "E0332", "count of <nvlink> is '1025'");
    refuse(test, ONE("<nvlink target='b' count='1' tclass='0x0600'/>"), "E0332",
           "an NVLink ends in a device of class '0x0600'");
    refuse(test, ONE(LINK("a", "1")), "E0333", "GPU 0 has an NVLink to itself");
    refuse(test, ONE("<nvlink target='s' count='13' tclass='0x068000'/>"), "E0333",
           "GPU 0 has 13 NVLinks, but one of sm 80 has 12 at most");
    refuse(
        test,
        MACHINE(CPU("", SLOT("a", GPU("0", LINK("b", "3"))) SLOT("b", GPU("1", LINK("a", "2"))))),
        "E0333", "GPU 0 has 3 NVLinks to GPU 1 of line 1, which has 2 back");
    refuse(test, MACHINE(CPU("", SLOT("a", GPU("0", "")) SLOT("b", GPU("0", "")))), "E0333",
           "a GPU with dev 0 is there already, in line 1");
    /* To a processor, and to a GPU that is not in the file: passed over. */
    assert_int_equal(read_text(test,
                               ONE("<nvlink target='p' count='2' tclass='0x068001'/>" LINK(
                                   "elsewhere", "1") "<c2c bw='1000' count='10'/>"),
                               &xml),
                     STATUS_OK);
    assert_int_equal(nccl_xml_links(&xml, 0, 0), 0);
    refuse(test, ONE("<c2c count='1'/>"), "E0332", "<c2c> has no bw");
    refuse(test, ONE("<c2c bw='1'/>"), "E0332", "<c2c> has no count");
    refuse(test, ONE("<c2c bw='-1' count='1'/>"), "E0332", "bw of <c2c> is '-1'");
}

/* Each generation has its own number of links. */
static void most_links(void **state) {
    static const struct {
        int sm, most;
    } cases[] = {{50, 0},  {60, 4},  {61, 4},  {70, 6},  {75, 6},
                 {80, 12}, {89, 12}, {90, 18}, {100, 18}};
    Test *test = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int more = 0; more < 2; more++) {
            NcclXml xml;
            int count = cases[i].most + more;
            const char *link = arena_printf(
                &test->arena, "<nvlink target='s' count='%d' tclass='0x068000'/>", count);
            const char *text = arena_printf(
                &test->arena, MACHINE(CPU("", SLOT("a", "<gpu dev='0' sm='%d'>%s</gpu>"))),
                cases[i].sm, count ? link : "");
            assert_int_equal(read_text(test, text, &xml), more ? STATUS_DATA : STATUS_OK);
            const char *said = test_messages(test);
            assert_int_equal(more, strstr(said, "error[E0333]") != NULL);
        }
}

static void ports(void **state) {
    static const char *const latencies[] = {"-1", "1000001", "x", "", "nan", "1e400"};
    Test *test = *state;
    NcclXml xml;
#define PORT(attributes)                                                                           \
    MACHINE(CPU("", SLOT("a", GPU("0", "")) "<nic><net " attributes "/></nic>"))
    for (size_t i = 0; i < sizeof latencies / sizeof *latencies; i++)
        refuse(
            test, arena_printf(&test->arena, PORT("dev='0' latency='%s'"), latencies[i]), "E0332",
            arena_printf(&test->arena, "latency of <net> is '%s', not microseconds", latencies[i]));
    refuse(test, PORT("speed='-2'"), "E0332", "speed of <net> is '-2'");
    assert_int_equal(read_text(test, PORT("dev='0' net='0' speed='1'"), &xml), STATUS_OK);
    assert_int_equal(xml.nets.count, 0);
    assert_int_equal(read_text(test, PORT("name='x' speed='1'"), &xml), STATUS_OK);
    assert_int_equal(xml.nets.count, 0);
    assert_int_equal(read_text(test, PORT("dev='0' net='1' speed='-1' latency='0'"), &xml),
                     STATUS_OK);
    assert_int_equal(xml.nets.count, 1);
    assert_string_equal(xml.nets.items[0].name, "a port");
    assert_true(xml.nets.items[0].bandwidth == 0 && xml.nets.items[0].latency == 0);
    assert_false(nccl_xml_near(&xml, 0, 0)); /* it hangs on the processor */
    test_messages(test);
}

static void strangers(void **state) {
    Test *test = *state;
    NcclXml xml;
    assert_int_equal(read_text(test, MACHINE("<x/>" CPU("", PAIR "<y><gpu/></y>")), &xml),
                     STATUS_OK);
    assert_non_null(
        strstr(test_messages(test), "note[E0335]: <x> is not known and passed over, and others"));
}

static void too_many(void **state) {
    Test *test = *state;
    Buf text = {0};
    buf_puts(&text, "<system version='1'><cpu numaid='0'>");
    for (int i = 0; i <= NCCL_XML_GPUS; i++)
        buf_printf(&text, "<pci busid='%d'><gpu dev='%d' sm='80'/></pci>", i, i);
    buf_puts(&text, "</cpu></system>");
    refuse(test, text.data, "E0334", "a machine of more than");
    buf_clear(&text);
    buf_puts(&text, "<a>");
    for (int i = 0; i < XML_NODES; i++)
        buf_puts(&text, "<b/>");
    buf_puts(&text, "</a>");
    refuse(test, text.data, "E0334", "the file has more than 20000 elements");
    buf_clear(&text);
    for (int i = 0; i <= XML_DEPTH; i++)
        buf_puts(&text, "<a>");
    refuse(test, text.data, "E0334", "elements are nested more than 64 deep");
    buf_free(&text);
}

/* A document type could define entities: refused where it stands, however many stand in comments before it. */
static void document_types(void **state) {
    Test *test = *state;
    NcclXml xml;
    static const struct {
        const char *text;
        int64_t line, column;
    } cases[] = {
        {"<!DOCTYPE a><a/>", 1, 1},
        {"<!-- <!DOCTYPE b> -->\n <!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", 2, 2},
        {"<?xml version='1.0'?>\n<!DOCTYPE a SYSTEM 'file:///etc/passwd'>\n<a/><!-- <!DOCTYPE -->",
         2, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(read_text(test, cases[i].text, &xml), STATUS_DATA);
        assert_int_equal(test->diag.messages[0].place.line, cases[i].line);
        assert_int_equal(test->diag.messages[0].place.column, cases[i].column);
        assert_non_null(strstr(test_messages(test), "error[E0334]: a document type is refused"));
    }
}

static void texts_that_are_no_xml(void **state) {
    refuse(*state, "", "E0331", "the file has no element: it is empty or cut off");
    refuse(*state, "<!-- x -->", "E0331", "the file has no element");
    refuse(*state, "<a", "E0331", "the text ends within a tag");
    refuse(*state, "<a/><!-- ", "E0331", "the text ends within a tag");
    refuse(*state, "<a>\n<b><![CDATA[ ", "E0331", "<b> is opened here and never closed");
    refuse(*state, "<a>\xc3", "E0331", "<a> is opened here and never closed");
    refuse(*state, "<a>\xff</a>", "E0330", "this is not XML");
    refuse(*state, "<a b='1' b='2'/>", "E0330", "this is not XML");
    refuse(*state, "<a b=1/>", "E0330", "this is not XML");
    refuse(*state, "<a></b>", "E0330", "this is not XML");
    refuse(*state, "<a/><b/>", "E0330", "this is not XML");
    refuse(*state, "<system\r\n version\t=\r\n '3'/>", "E0330", "version '3'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(elements_are_where_they_belong),
        TEST(numbers_are_in_range),
        TEST(slots),
        TEST(rates_of_slots),
        TEST(rates_between_processors),
        TEST(links),
        TEST(most_links),
        TEST(ports),
        TEST(strangers),
        TEST(too_many),
        TEST(document_types),
        TEST(texts_that_are_no_xml),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
