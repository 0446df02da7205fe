/* enrol: bundles come back as they were written, and broken ones say what is broken; QR codes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enrol/bundle.h"
#include "enrol/qr.h"

static struct bundle example(const char *host)
{
    struct bundle b = {
        .name = "sensor-17", .code = "ABCDEFGHJKMNPQRSTVWXYZ234567ABCD", .port = 8443};

    snprintf(b.host, sizeof(b.host), "%s", host);
    b.until_s = 1780000000;
    for (int i = 0; i < PIN_LEN; i++)
        b.pin.sha256[i] = (uint8_t)(i * 37);
    return b;
}

static void a_bundle_comes_back(void **state)
{
    static const char *const hosts[] = {"gw.example", "192.0.2.1", "2001:db8::1"};
    struct problem why = {.text = ""};
    struct bundle back;
    char text[BUNDLE_TEXT], padded[BUNDLE_TEXT + 8];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const struct bundle b = example(hosts[i]);

        snprintf(padded, sizeof(padded), " %s\r\n", bundle_text(text, &b));
        if (!bundle_read(padded, &back, &why))
            fail_msg("%s: %s", text, why.text);
        assert_string_equal(back.name, b.name);
        assert_string_equal(back.code, b.code);
        assert_string_equal(back.host, b.host);
        assert_int_equal(back.port, b.port);
        assert_int_equal(back.until_s, b.until_s);
        assert_true(pin_equal(&back.pin, &b.pin));
    }
}

/* What is cut off while it is copied is refused, and no refusal shows the code. */
static void every_prefix_is_refused_without_telling_the_code(void **state)
{
    const struct bundle b = example("gw.example");
    struct problem why;
    struct bundle back;
    char text[BUNDLE_TEXT];
    size_t n;

    (void)state;
    n = strlen(bundle_text(text, &b));
    /* A shorter end is an end, too: the last digits are the only part that may be missing. */
    n -= strlen("780000000");
    for (; n-- > 0;) {
        text[n] = '\0';
        why = (struct problem){.text = ""};
        assert_false(bundle_read(text, &back, &why));
        assert_true(why.text[0] != '\0');
        assert_null(strstr(why.text, "ABCDEF"));
    }
}

static void what_a_shell_would_take_is_in_no_bundle(void **state)
{
    static const char *const wrong[] = {
        "http://sensor-17:AB@gw.example:8443/x/1",
        "culvert://sensor 17:AB@gw.example:8443/x/1",
        "culvert://$(id):AB@gw.example:8443/x/1",
        "culvert://a:B@gw.example:0/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/1",
        "culvert://a:B@gw.example:65536/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/1",
        "culvert://a:B@gw.example:1/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/-1",
        "culvert://a:B@gw.example:1/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/1/2",
    };
    struct bundle b = example("gw.example"), back;
    struct problem why;
    char text[BUNDLE_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(bundle_read(wrong[i], &back, &why));
    strcpy(b.name, "a;b");
    assert_string_equal(bundle_text(text, &b), "");
    b = example("gw.example/../..");
    assert_string_equal(bundle_text(text, &b), "");
}

static void hosts_have_a_port_or_the_usual_one(void **state)
{
    char host[BUNDLE_HOST];
    uint16_t port;

    (void)state;
    assert_true(bundle_read_host("gw.example", host, &port));
    assert_int_equal(port, ENROL_PORT);
    assert_true(bundle_read_host("[2001:db8::1]:99", host, &port));
    assert_string_equal(host, "2001:db8::1");
    assert_int_equal(port, 99);
    assert_true(bundle_read_host("2001:db8::1", host, &port));
    assert_string_equal(host, "2001:db8::1");
    assert_false(bundle_read_host("", host, &port));
    assert_false(bundle_read_host("gw.example:", host, &port));
    assert_false(bundle_read_host("gw.example:x", host, &port));
    assert_false(bundle_read_host("[::1", host, &port));
    assert_false(bundle_read_host("a b", host, &port));
}

/* The three finder patterns stand in their corners, with a quiet zone around. */
static void a_qr_code_is_drawn(void **state)
{
    const struct bundle b = example("gw.example");
    char text[BUNDLE_TEXT], *drawn = NULL;
    size_t n;
    struct qr q;
    FILE *f = open_memstream(&drawn, &n);

    (void)state;
    assert_true(qr_make(bundle_text(text, &b), &q));
    for (int i = 0; i < 7; i++) {
        assert_true(qr_black(&q, i, 0) && qr_black(&q, (int)q.width - 1 - i, 0));
        assert_true(qr_black(&q, i, (int)q.width - 1));
    }
    assert_false(qr_black(&q, -1, 0) || qr_black(&q, 0, (int)q.width));
    qr_print(&q, f);
    qr_svg(&q, f);
    fclose(f);
    assert_non_null(strstr(drawn, "\xe2\x96\x88\xe2\x96\x80\xe2\x96\x80"));
    assert_non_null(strstr(drawn, "</svg>"));
    free(drawn);
    qr_free(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bundle_comes_back),
        cmocka_unit_test(every_prefix_is_refused_without_telling_the_code),
        cmocka_unit_test(what_a_shell_would_take_is_in_no_bundle),
        cmocka_unit_test(hosts_have_a_port_or_the_usual_one),
        cmocka_unit_test(a_qr_code_is_drawn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
