/* page: pieces come together, and no text of a user becomes part of the page. */
#include "test.h"
#include "base/fs.h"
#include "base/jsonw.h"
#include "show/page.h"

#include <sys/stat.h>
#include <unistd.h>

static const char hostile[] = "</script><script>alert(1)</script><!-- \" ' &";

typedef struct Fixture {
    Arena arena;
    Diag diag;
    Buf out;
} Fixture;

static void begin(Fixture *f) {
    *f = (Fixture){0};
    f->diag.arena = &f->arena;
}

static void end(Fixture *f) {
    buf_free(&f->out);
    arena_free(&f->arena);
}

/* How often `what` stands in `text`. */
static int count(const char *text, const char *what) {
    int found = 0;
    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
        found++;
    return found;
}

static void texts_cannot_leave_their_place(void **state) {
    Fixture f;
    begin(&f);
    Buf data = {0};
    Jsonw json;
    jsonw_begin(&json, &data);
    jsonw_array(&json, true);
    jsonw_string(&json, hostile);
    jsonw_string(&json, "a \\ b\" c  d");
    jsonw_end(&json);
    Page page = {.template = "show.html", .title = hostile, .data = data.data};
    assert_int_equal(page_write(&page, NULL, &f.out, &f.diag), STATUS_OK);
    assert_null(strstr(f.out.data, "<script>alert"));
    assert_int_equal(count(f.out.data, "</script>"), 2); /* the data's and the program's */
    assert_non_null(strstr(f.out.data, "&lt;/script&gt;&lt;script&gt;alert(1)"));
    assert_non_null(strstr(f.out.data, "\\u003c/script>\\u003cscript>alert(1)"));
    assert_non_null(strstr(f.out.data, ",\"a \\\\ b\\\" c  d\"]"));
    assert_non_null(strstr(f.out.data, "default-src 'none'"));
    assert_null(strstr(f.out.data, "<!--{"));
    buf_free(&data);
    end(&f);
}

static void a_text_is_escaped_for_elements_and_attributes(void **state) {
    Buf out = {0};
    page_escape("a<b>&\"c'", &out);
    assert_string_equal(out.data, "a&lt;b&gt;&amp;&quot;c&#39;");
    buf_free(&out);
}

/* A page of --share DIR whose template is `text`. */
static Status of_share(Fixture *f, const char *text) {
    char folder[] = "/tmp/test-page-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const char *templates = fs_join(&f->arena, folder, "templates");
    const char *show = fs_join(&f->arena, templates, "show");
    const char *file = fs_join(&f->arena, show, "show.html");
    assert_int_equal(mkdir(templates, 0700) + mkdir(show, 0700), 0);
    assert_int_equal(fs_write(file, text, strlen(text), &f->diag), STATUS_OK);
    Page page = {.template = "show.html", .title = "t", .body = "<p>b</p>", .data = "{}"};
    Status status = page_write(&page, folder, &f->out, &f->diag);
    unlink(file);
    rmdir(show);
    rmdir(templates);
    rmdir(folder);
    return status;
}

static void a_folder_of_ones_own_replaces_pieces(void **state) {
    Fixture f;
    begin(&f);
    assert_int_equal(of_share(&f, "<!--{title}-->|<!--{body}-->|<!--{data}-->|<!-- kept -->\n"),
                     STATUS_OK);
    assert_string_equal(f.out.data, "t|<p>b</p>|{}|<!-- kept -->\n");
    end(&f);
}

static void a_piece_that_is_not_there_is_named(void **state) {
    Fixture f;
    begin(&f);
    assert_int_equal(of_share(&f, "one\ntwo <!--{nothing.css}-->\n"), STATUS_DATA);
    assert_string_equal(f.diag.messages[0].code, "E0701");
    assert_non_null(strstr(f.diag.messages[0].text, "templates/show/nothing.css"));
    assert_int_equal(f.diag.messages[0].place.line, 2);
    end(&f);
    begin(&f);
    assert_int_equal(of_share(&f, "<!--{title"), STATUS_DATA);
    assert_string_equal(f.diag.messages[0].code, "E0701");
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_cannot_leave_their_place),
        cmocka_unit_test(a_text_is_escaped_for_elements_and_attributes),
        cmocka_unit_test(a_folder_of_ones_own_replaces_pieces),
        cmocka_unit_test(a_piece_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
