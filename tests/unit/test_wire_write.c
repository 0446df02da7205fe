/* src/wire/ike_write.c: what is written is what the walk finds; and ike_names.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ike.h"
#include "wire_test.h"

static const uint8_t nonce[32] = {1, 2, 3};
static const uint8_t spis[8] = {0, 0, 0, 1, 0, 0, 0, 2};

static void put_every_payload(struct ike_chain *c)
{
    ike_put_payload(c, PL_SA, span("sa", 2));
    ike_put_ke(c, CV_KE_X25519, span("public", 6));
    ike_put_payload(c, PL_NONCE, ALL(nonce));
    ike_put_cert(c, 4, span("der", 3));
    ike_put_auth(c, 2, span("proof", 5));
    ike_put_notify(c, CV_PROTO_ESP, span(spis, 4), N_REKEY_SA, span("data", 4));
    ike_put_delete(c, CV_PROTO_ESP, 4, 2, ALL(spis));
    ike_payload_begin(c, PL_VENDOR);
    wr_copy(c->w, "vid", 3);
    ike_payload_end(c);
}

static void assert_every_payload(const struct ike_msg *m)
{
    assert_span_is(m->sa, "sa", 2);
    assert_int_equal(m->ke_group, CV_KE_X25519);
    assert_span_is(m->ke_data, "public", 6);
    assert_span_is(m->nonce, nonce, sizeof(nonce));
    assert_int_equal(m->n_cert, 1);
    assert_int_equal(m->cert[0].encoding, 4);
    assert_span_is(m->cert[0].data, "der", 3);
    assert_int_equal(m->auth_method, 2);
    assert_span_is(m->auth, "proof", 5);
    assert_int_equal(m->n_notify, 1);
    assert_int_equal(m->notify[0].protocol, CV_PROTO_ESP);
    assert_int_equal(m->notify[0].type, N_REKEY_SA);
    assert_span_is(m->notify[0].spi, spis, 4);
    assert_span_is(m->notify[0].data, "data", 4);
    assert_int_equal(m->n_del, 1);
    assert_int_equal(m->del[0].n, 2);
    assert_span_is(m->del[0].spis, spis, 8);
    assert_int_equal(m->n_vendor, 1);
    assert_span_is(m->vendor[0], "vid", 3);
}

static void a_written_message_is_read_back(void **state)
{
    struct ike_hdr hdr = {.version = 0x20, .exchange = EX_SA_INIT, .flags = IKE_F_INITIATOR};
    uint8_t buf[512];
    struct wr w = wr_init(buf, sizeof(buf));
    struct ike_chain c;
    struct ike_msg m;
    struct cv_span all;

    (void)state;
    ike_put_hdr(&w, &hdr);
    c = ike_chain_init(&w, 16);
    put_every_payload(&c);
    ike_msg_end(&w);
    all = wr_done(&w);
    assert_int_equal(ike_parse_hdr(&hdr, all), CV_OK);
    assert_int_equal(hdr.next, PL_SA);
    assert_int_equal(hdr.length, all.n);
    assert_int_equal(ike_parse_payloads(&m, hdr.next,
                                        span(all.p + IKE_HDR_LEN, all.n - IKE_HDR_LEN),
                                        IKE_HDR_LEN),
                     CV_OK);
    assert_every_payload(&m);
}

static void a_chain_without_header_keeps_its_first_type(void **state)
{
    uint8_t buf[512];
    struct wr w = wr_init(buf, sizeof(buf));
    struct ike_chain c = ike_chain_init(&w, SIZE_MAX);
    struct ike_msg m;

    (void)state;
    assert_int_equal(c.first, PL_NONE);
    put_every_payload(&c);
    assert_int_equal(c.first, PL_SA);
    assert_int_equal(ike_parse_payloads(&m, c.first, wr_done(&w), 0), CV_OK);
    assert_every_payload(&m);
}

static void a_chain_without_room_spoils_the_writer(void **state)
{
    uint8_t buf[512];
    struct wr whole = wr_init(buf, sizeof(buf));
    struct ike_chain c = ike_chain_init(&whole, SIZE_MAX);

    (void)state;
    put_every_payload(&c);
    for (size_t n = 0; n < whole.n; n++) {
        uint8_t *tight = malloc(n + 1);
        struct wr w = wr_init(tight, n);

        c = ike_chain_init(&w, SIZE_MAX);
        put_every_payload(&c);
        assert_false(wr_ok(&w));
        free(tight);
    }
}

static void a_payload_longer_than_its_length_field_spoils_the_writer(void **state)
{
    static uint8_t buf[70000], body[65535];
    struct wr w = wr_init(buf, sizeof(buf));
    struct ike_chain c = ike_chain_init(&w, SIZE_MAX);

    (void)state;
    ike_put_payload(&c, PL_VENDOR, span(body, 65535 - IKE_PAYLOAD_HDR_LEN));
    assert_true(wr_ok(&w));
    w = wr_init(buf, sizeof(buf));
    c = ike_chain_init(&w, SIZE_MAX);
    ike_put_payload(&c, PL_VENDOR, span(body, 65536 - IKE_PAYLOAD_HDR_LEN));
    assert_false(wr_ok(&w));
}

static void an_ike_delete_has_no_spis(void **state)
{
    static const uint8_t want[] = {0, 0, 0, 8, CV_PROTO_IKE, 0, 0, 0};
    uint8_t buf[16];
    struct wr w = wr_init(buf, sizeof(buf));
    struct ike_chain c = ike_chain_init(&w, SIZE_MAX);

    (void)state;
    ike_put_delete(&c, CV_PROTO_IKE, 0, 0, span(NULL, 0));
    assert_int_equal(c.first, PL_DELETE);
    assert_span_is(wr_done(&w), want, sizeof(want));
}

static void names_are_the_registrys_and_unknown_numbers_have_none(void **state)
{
    (void)state;
    assert_string_equal(ike_notify_name(N_NO_PROPOSAL_CHOSEN), "NO_PROPOSAL_CHOSEN");
    assert_string_equal(ike_notify_name(N_COOKIE), "COOKIE");
    assert_string_equal(ike_notify_name(N_SIGNATURE_HASH_ALGORITHMS),
                        "SIGNATURE_HASH_ALGORITHMS");
    assert_null(ike_notify_name(0));
    assert_null(ike_notify_name(N_ERROR_LAST));
    assert_string_equal(ike_exchange_name(EX_SA_INIT), "IKE_SA_INIT");
    assert_string_equal(ike_exchange_name(EX_AUTH), "IKE_AUTH");
    assert_string_equal(ike_exchange_name(EX_CREATE_CHILD), "CREATE_CHILD_SA");
    assert_string_equal(ike_exchange_name(EX_INFORMATIONAL), "INFORMATIONAL");
    assert_null(ike_exchange_name(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_written_message_is_read_back),
        cmocka_unit_test(a_chain_without_header_keeps_its_first_type),
        cmocka_unit_test(a_chain_without_room_spoils_the_writer),
        cmocka_unit_test(a_payload_longer_than_its_length_field_spoils_the_writer),
        cmocka_unit_test(an_ike_delete_has_no_spis),
        cmocka_unit_test(names_are_the_registrys_and_unknown_numbers_have_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
