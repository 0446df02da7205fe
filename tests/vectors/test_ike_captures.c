/* IKEv2 messages of other implementations, read in place from captures/ike_messages of
 * the shared test material (its README says where each comes from).  Skipped when that
 * material is not there.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ident/proposal.h"
#include "wire/ike.h"

#define MESSAGES TEST_SHARED "/captures/ike_messages"
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum { SKIPPED = 77, VERSION_MAJOR_2 = 2, NEXT_AT = 16, BIGGEST = 65535 };

/* What tshark 4.0 says about these messages. */
static const struct known {
    const char *file;
    uint8_t exchange;
    bool response;
    unsigned n_notify, n_vendor, n_proposals, n_transforms; /* in the first proposal */
    uint16_t ke_group;
    size_t nonce_len;
} known[] = {
    {"1456aa91f2a1d620", EX_SA_INIT, false, 2, 0, 1, 4,  14, 32},
    {"2fe5fd4c96ad5ac1", EX_SA_INIT, false, 2, 0, 1, 12, 2,  32},
    {"5cdfc1f6506ad610", EX_SA_INIT, true,  3, 4, 1, 4,  19, 40},
    {"82e5b6d5128cf54a", EX_SA_INIT, false, 0, 1, 6, 4,  5,  16},
    {"d417cd9034621412", EX_SA_INIT, true,  1, 0, 0, 0,  0,  0 }, /* COOKIE */
    {"d4401801a4a7e7ea", EX_SA_INIT, false, 3, 0, 1, 12, 2,  32}, /* with that cookie */
};

struct message {
    uint8_t octets[BIGGEST];
    size_t n;
};

/* Reads a file without the non-ESP marker that it may begin with (RFC 3948). */
static bool read_message(struct message *out, const char *name)
{
    char path[512];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", MESSAGES, name);
    f = fopen(path, "rb");
    if (f == NULL)
        return false;
    out->n = fread(out->octets, 1, sizeof(out->octets), f);
    fclose(f);
    if (out->n > 4 && memcmp(out->octets, "\0\0\0\0", 4) == 0) {
        out->n -= 4;
        memmove(out->octets, out->octets + 4, out->n);
    }
    return true;
}

static enum cv_err parse(struct ike_hdr *h, struct ike_msg *m, const struct message *msg,
                         size_t n)
{
    enum cv_err err = ike_parse_hdr(h, span(msg->octets, msg->n));

    if (err != CV_OK)
        return err;
    return ike_parse_payloads(m, h->next, span(msg->octets + IKE_HDR_LEN, n - IKE_HDR_LEN),
                              IKE_HDR_LEN);
}

static void known_messages_read_as_another_reader_reads_them(void **state)
{
    static struct message msg;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        struct ike_hdr h;
        struct ike_msg m;
        struct ike_proposal p = {0};
        struct rd r;
        unsigned proposals = 0;

        assert_true(read_message(&msg, known[i].file));
        assert_int_equal(parse(&h, &m, &msg, msg.n), CV_OK);
        assert_int_equal(h.exchange, known[i].exchange);
        assert_int_equal((h.flags & IKE_F_RESPONSE) != 0, known[i].response);
        assert_int_equal(m.n_notify, known[i].n_notify);
        assert_int_equal(m.n_vendor, known[i].n_vendor);
        assert_int_equal(m.ke_group, known[i].ke_group);
        assert_int_equal(m.nonce.n, known[i].nonce_len);
        r = rd_init(m.sa);
        while (ike_next_proposal(&r, &p))
            if (proposals++ == 0)
                assert_int_equal(p.n_transforms, known[i].n_transforms);
        assert_int_equal(proposals, known[i].n_proposals);
    }
}

/* Rewrites a checked SA body with our encoder. */
static struct cv_span rewrite_sa(struct wr *w, struct cv_span body)
{
    struct rd r = rd_init(body);
    struct ike_proposal p;

    while (ike_next_proposal(&r, &p)) {
        struct cv_proposal copy = {.protocol = p.protocol};
        struct rd transforms = rd_init(p.transforms);
        bool unknown;

        assert_true(p.n_transforms <= CV_TRANSFORMS_MAX);
        while (ike_next_transform(&transforms, &copy.t[copy.n], &unknown)) {
            assert_false(unknown);
            copy.n++;
        }
        ike_put_proposal(w, &copy, p.number, p.spi, rd_left(&r) == 0);
    }
    return wr_done(w);
}

/* What other programs send is well within what a responder looks at. */
static void check_looked_at_whole(struct cv_span sa)
{
    struct rd r = rd_init(sa);
    struct ike_proposal p;
    struct offered o;
    unsigned proposals = 0, transforms = 0;

    while (ike_next_proposal(&r, &p)) {
        proposals++;
        transforms += p.n_transforms;
    }
    proposal_read(&o, NULL, sa);
    assert_int_equal(o.n, proposals);
    assert_int_equal(o.n_transforms, transforms);
    assert_true(2 * proposals <= OFFERED_PROPOSALS && 2 * transforms <= OFFERED_TRANSFORMS);
}

static void check_message(const struct message *msg)
{
    static uint8_t buf[BIGGEST];
    struct wr w = wr_init(buf, sizeof(buf));
    struct ike_hdr h;
    struct ike_msg m;

    assert_int_equal(parse(&h, &m, msg, msg->n), CV_OK);
    for (size_t n = IKE_HDR_LEN; n < msg->n; n++)
        assert_int_not_equal(parse(&h, &m, msg, n), CV_OK);
    assert_int_equal(parse(&h, &m, msg, msg->n), CV_OK);
    assert_true(ike_has(&m, PL_SK) || h.exchange == EX_SA_INIT);
    ike_put_hdr(&w, &h);
    wr_copy(&w, msg->octets + IKE_HDR_LEN, msg->n - IKE_HDR_LEN);
    ike_msg_end(&w);
    assert_int_equal(w.n, msg->n);
    assert_memory_equal(buf, msg->octets, msg->n);
    if (ike_has(&m, PL_SA)) {
        struct cv_span again;

        assert_int_equal(ike_check_sa(m.sa), CV_OK);
        w = wr_init(buf, sizeof(buf));
        again = rewrite_sa(&w, m.sa);
        assert_true(span_equal(again, m.sa));
        check_looked_at_whole(m.sa);
    }
}

static void every_captured_message_parses_whole_and_no_prefix_does(void **state)
{
    static struct message msg;
    DIR *dir = opendir(MESSAGES);
    unsigned checked = 0;
    struct dirent *entry;

    (void)state;
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.' || !read_message(&msg, entry->d_name))
            continue;
        if (msg.n < IKE_HDR_LEN || msg.octets[NEXT_AT + 1] >> 4 != VERSION_MAJOR_2 ||
            msg.octets[NEXT_AT + 2] < EX_SA_INIT) /* IKEv1, or ESP that looked like IKE */
            continue;
        check_message(&msg);
        checked++;
    }
    closedir(dir);
    assert_true(checked >= COUNT_OF(known));
    print_message("%u messages\n", checked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_messages_read_as_another_reader_reads_them),
        cmocka_unit_test(every_captured_message_parses_whole_and_no_prefix_does),
    };
    DIR *dir = opendir(MESSAGES);

    if (dir == NULL) {
        print_message("skipped: no captures at %s\n", MESSAGES);
        return SKIPPED;
    }
    closedir(dir);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
