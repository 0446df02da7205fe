/* src/creds/creds_revocation.c, creds_lookup.c, creds_status.c: what is asked about the status
 * of certificates, in which order, and which answers count.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/creds_fixture.h"

#include <openssl/ocsp.h>

#define OCSP_A "http://ocsp-a.example/"
#define OCSP_B "http://ocsp-b.example/"
#define LIST_A "http://ca.example/a.crl"
#define LIST_B "http://ca.example/b.crl"
#define DELTA "http://ca.example/delta.crl"

static struct inquiry inquiry;

/* One look; the inquiry goes on where it was. */
static enum cv_err look(struct sides *s)
{
    return creds_inquire(s->ours, &s->check, PKI_NOW, &inquiry, &s->why);
}

/* It wants that document. */
static struct lookup *wants(struct sides *s, const char *uri)
{
    struct lookup *l;

    assert_int_equal(look(s), CV_ERR_CERT_STATUS);
    l = inquiry.want;
    assert_non_null(l);
    assert_string_equal(l->uri, uri);
    inquiry.want = NULL;
    return l;
}

/* The document cannot be had. */
static void lacks(struct sides *s, const char *uri)
{
    struct lookup *l = wants(s, uri);

    lookup_failed(l, "is broken", PKI_NOW);
    lookup_free(l);
}

/* The document is this one. */
static bool gets(struct sides *s, const char *uri, struct cv_span body)
{
    struct lookup *l = wants(s, uri);
    bool ok = lookup_take(l, body, PKI_NOW, &s->why);

    lookup_free(l);
    return ok;
}

static struct pki begin(struct sides *s, struct pki_spec spec)
{
    struct pki p = equip(s, P_256, spec);

    inquiry = (struct inquiry){.closed = false};
    assert_int_equal(sign(s), CV_OK);
    return p;
}

static const struct pki_spec with_both = {.access = "OCSP;URI:" OCSP_A,
                                          .points = "URI:" LIST_A ",URI:" LIST_B};

/* ---- OCSP answers ---- */

struct answer {
    const struct pki *signer; /* NULL: the root */
    int status;
    int64_t from_s, until_s; /* relative to PKI_NOW; until_s 0: not given */
    bool other_nonce, no_nonce, sha1, about_other;
};

static OCSP_CERTID *copy_id(OCSP_REQUEST *req, const struct answer *a)
{
    OCSP_CERTID *id = OCSP_onereq_get0_id(OCSP_request_onereq_get0(req, 0));

    return a->about_other ? OCSP_cert_to_id(EVP_sha1(), root.cert, root.cert)
                          : OCSP_CERTID_dup(id);
}

static void add_single(OCSP_BASICRESP *basic, OCSP_REQUEST *req, const struct answer *a)
{
    ASN1_TIME *from = ASN1_TIME_set(NULL, PKI_NOW + a->from_s), *until = NULL;
    ASN1_TIME *revoked = ASN1_TIME_set(NULL, PKI_NOW - PKI_DAY);
    OCSP_CERTID *id = copy_id(req, a);

    if (a->until_s != 0)
        until = ASN1_TIME_set(NULL, PKI_NOW + a->until_s);
    assert_non_null(OCSP_basic_add1_status(
        basic, id, a->status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
        a->status == V_OCSP_CERTSTATUS_REVOKED ? revoked : NULL, from, until));
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    ASN1_TIME_free(revoked);
}

/* What a responder says to the request. */
static struct cv_span answer_to(const struct lookup *l, struct answer a,
                                uint8_t buf[PKI_DER_MAX])
{
    const struct pki *signer = a.signer != NULL ? a.signer : &root;
    const unsigned char *p = l->request.p;
    OCSP_REQUEST *req = d2i_OCSP_REQUEST(NULL, &p, (long)l->request.n);
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_RESPONSE *resp;
    uint8_t *at = buf;
    int n;

    assert_non_null(req);
    add_single(basic, req, &a);
    if (a.other_nonce)
        assert_int_equal(OCSP_basic_add1_nonce(basic, NULL, 32), 1);
    else if (!a.no_nonce)
        assert_int_equal(OCSP_copy_nonce(basic, req), 1);
    assert_int_equal(OCSP_basic_sign(basic, signer->cert, signer->key,
                                     a.sha1 ? EVP_sha1() : EVP_sha256(), NULL, 0),
                     1);
    resp = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    n = i2d_OCSP_RESPONSE(resp, &at);
    assert_true(n > 0 && n <= PKI_DER_MAX);
    OCSP_RESPONSE_free(resp);
    OCSP_BASICRESP_free(basic);
    OCSP_REQUEST_free(req);
    return span(buf, (size_t)n);
}

static bool responds(struct sides *s, const char *uri, struct answer a)
{
    uint8_t buf[PKI_DER_MAX];
    struct lookup *l = wants(s, uri);
    bool ok = lookup_take(l, answer_to(l, a, buf), PKI_NOW, &s->why);

    assert_true(l->ocsp);
    lookup_free(l);
    return ok;
}

static const struct answer good = {.until_s = PKI_DAY};

static void a_good_answer_needs_no_list(void **state)
{
    struct sides *s = *state;
    struct pki p = begin(s, with_both);

    assert_true(responds(s, OCSP_A, good));
    assert_int_equal(look(s), CV_OK);
    assert_null(inquiry.want);
    assert_string_equal(s->why.text, "");
    /* It is remembered. */
    inquiry = (struct inquiry){.closed = false};
    assert_int_equal(look(s), CV_OK);
    assert_null(inquiry.want);
    creds_flush(s->ours, false, true);
    lacks(s, OCSP_A);
    pki_free(&p);
}

static void a_revoked_certificate_is_refused_with_its_date(void **state)
{
    struct sides *s = *state;
    struct pki p = begin(s, with_both);

    assert_true(responds(
        s, OCSP_A, (struct answer){.status = V_OCSP_CERTSTATUS_REVOKED, .until_s = PKI_DAY}));
    assert_int_equal(look(s), CV_ERR_CERT_REVOKED);
    assert_null(inquiry.want);
    assert_string_equal(s->why.text, "certificate 'O=Culvert, CN=a' was revoked on "
                                     "2023-11-13 22:13:20 UTC, keyCompromise (OCSP)");
    pki_free(&p);
}

static void a_delegated_signer_is_named_by_the_issuer(void **state)
{
    struct sides *s = *state;
    struct pki delegate = pki_make(
        keys[P_384],
        (struct pki_spec){.name = "Responder", .issuer = &root, .purpose = "OCSPSigning"});
    struct pki p = begin(s, with_both);
    struct answer a = good;

    a.signer = &delegate;
    assert_true(responds(s, OCSP_A, a));
    assert_int_equal(look(s), CV_OK);
    pki_free(&delegate);
    pki_free(&p);
}

/* Each is refused, counts as no answer, and the list is asked instead. */
static void refuses(struct sides *s, struct answer a, const char *why)
{
    uint8_t crl[PKI_DER_MAX];
    struct pki p = begin(s, with_both);

    assert_false(responds(s, OCSP_A, a));
    assert_string_equal(s->why.text, why);
    assert_true(gets(s, LIST_A, pki_crl(&root, NULL, PKI_DAY, crl)));
    assert_int_equal(look(s), CV_OK);
    creds_flush(s->ours, true, true);
    creds_clear(s->peer);
    pki_free(&p);
}

static void answers_that_do_not_count_are_refused(void **state)
{
    struct sides *s = *state;
    struct pki other = pki_make(keys[P_384], (struct pki_spec){.name = "b", .issuer = &root});
    struct pki foreign =
        pki_make(keys[P_384],
                 (struct pki_spec){.name = "c", .issuer = &stranger, .purpose = "OCSPSigning"});

    refuses(s, (struct answer){.until_s = PKI_DAY, .signer = &other},
            "has an answer that the issuer does not vouch for: root ca not trusted");
    refuses(s, (struct answer){.until_s = PKI_DAY, .signer = &foreign},
            "has an answer that the issuer does not vouch for: certificate verify error");
    refuses(s, (struct answer){.until_s = PKI_DAY, .signer = &stranger},
            "has an answer that the issuer does not vouch for: certificate verify error");
    refuses(s, (struct answer){.until_s = PKI_DAY, .other_nonce = true},
            "answers another question (nonce)");
    refuses(s, (struct answer){.until_s = PKI_DAY, .sha1 = true},
            "signs its answers with SHA-1 or MD5");
    refuses(s, (struct answer){.until_s = PKI_DAY, .about_other = true},
            "answers about other certificates");
    refuses(s, (struct answer){.from_s = -PKI_DAY, .until_s = -1000},
            "has an answer that is too old");
    refuses(s, (struct answer){.from_s = 1000, .until_s = PKI_DAY},
            "has an answer from the future");
    refuses(s, (struct answer){.until_s = PKI_DAY, .status = V_OCSP_CERTSTATUS_UNKNOWN},
            "does not know the certificate");
    pki_free(&other);
    pki_free(&foreign);
}

static void an_answer_without_a_nonce_counts(void **state)
{
    struct sides *s = *state;
    struct pki p = begin(s, with_both);

    assert_true(responds(s, OCSP_A, (struct answer){.until_s = PKI_DAY, .no_nonce = true}));
    assert_int_equal(look(s), CV_OK);
    pki_free(&p);
}

static void garbage_is_no_answer(void **state)
{
    struct sides *s = *state;
    struct pki p = begin(s, with_both);
    uint8_t buf[PKI_DER_MAX];
    struct lookup *l = wants(s, OCSP_A);
    struct cv_span whole = answer_to(l, good, buf);

    for (size_t n = 0; n < whole.n; n++)
        assert_false(lookup_take(l, span(buf, n), PKI_NOW, &s->why));
    buf[whole.n] = 0;
    assert_false(lookup_take(l, span(buf, whole.n + 1), PKI_NOW, &s->why));
    assert_string_equal(s->why.text, "answers with what is no OCSP answer");
    assert_true(lookup_take(l, whole, PKI_NOW, &s->why));
    lookup_free(l);
    pki_free(&p);
}

/* ---- order and policy ---- */

static void what_is_configured_is_asked_first(void **state)
{
    struct sides *s = *state;
    struct pki p = begin(s, with_both);
    char *crls[] = {LIST_B}, *ocsps[] = {OCSP_B};
    struct authority_conf a = {"ca", add(s, s->ours, &root, true), crls, ocsps, 1, 1, NULL};

    creds_set_authority(s->ours, &a);
    lacks(s, OCSP_B);
    lacks(s, OCSP_A);
    lacks(s, LIST_B);
    lacks(s, LIST_A);
    assert_int_equal(look(s), CV_OK);
    assert_true(creds_remove_authority(s->ours, "ca"));
    assert_false(creds_remove_authority(s->ours, "ca"));
    pki_free(&p);
}

/* A snapshot asks the same, and stays when the authority goes. */
static void snapshots_know_the_authorities(void **state)
{
    struct sides *s = *state;
    struct pki p = begin(s, (struct pki_spec){.ca = false});
    char *crls[] = {LIST_B};
    struct authority_conf a = {"ca", add(s, s->ours, &root, true), crls, NULL, 1, 0, NULL};
    struct creds *copy;

    creds_set_authority(s->ours, &a);
    copy = creds_snapshot(s->ours);
    assert_true(creds_remove_authority(s->ours, "ca"));
    assert_int_equal(creds_inquire(copy, &s->check, PKI_NOW, &inquiry, &s->why),
                     CV_ERR_CERT_STATUS);
    assert_string_equal(inquiry.want->uri, LIST_B);
    assert_true(inquiry.want->ours);
    lookup_free(inquiry.want);
    creds_release(copy);
    pki_free(&p);
}

static void nobody_tells(struct sides *s, enum revocation policy, enum cv_err with_uris,
                         enum cv_err without)
{
    struct pki p = begin(s, with_both);

    s->remote.revocation = policy;
    lacks(s, OCSP_A);
    lacks(s, LIST_A);
    lacks(s, LIST_B);
    assert_int_equal(look(s), with_uris);
    assert_null(inquiry.want);
    assert_string_equal(s->why.text,
                        "certificate 'O=Culvert, CN=a': whether it is revoked is not known: "
                        "http://ocsp-a.example/ is broken; http://ca.example/a.crl is broken; "
                        "http://ca.example/b.crl is broken");
    pki_free(&p);
    creds_clear(s->peer);
    p = begin(s, (struct pki_spec){.ca = false});
    assert_int_equal(look(s), without);
    pki_free(&p);
    creds_clear(s->peer);
    creds_flush(s->ours, true, true);
}

static void the_policy_decides_when_nobody_tells(void **state)
{
    struct sides *s = *state;

    nobody_tells(s, REVOCATION_RELAXED, CV_OK, CV_OK);
    nobody_tells(s, REVOCATION_IFURI, CV_ERR_CERT_STATUS, CV_OK);
    nobody_tells(s, REVOCATION_STRICT, CV_ERR_CERT_STATUS, CV_ERR_CERT_STATUS);
}

static void what_failed_is_not_tried_again_for_a_while(void **state)
{
    struct sides *s = *state;
    struct pki p = begin(s, with_both);

    lacks(s, OCSP_A);
    inquiry = (struct inquiry){.closed = false};
    lacks(s, LIST_A); /* as OCSP_A was just tried for somebody else */
    inquiry = (struct inquiry){.closed = false};
    assert_int_equal(creds_inquire(s->ours, &s->check, PKI_NOW + 31, &inquiry, &s->why),
                     CV_ERR_CERT_STATUS);
    assert_string_equal(inquiry.want->uri, OCSP_A);
    lookup_free(inquiry.want);
    pki_free(&p);
}

static void a_closed_inquiry_wants_nothing(void **state)
{
    struct sides *s = *state;
    struct pki p = begin(s, with_both);

    inquiry = (struct inquiry){.closed = true, .why_not = "is late"};
    s->remote.revocation = REVOCATION_STRICT;
    assert_int_equal(look(s), CV_ERR_CERT_STATUS);
    assert_null(inquiry.want);
    assert_non_null(strstr(s->why.text, "http://ocsp-a.example/ is late"));
    assert_int_equal(verify(s), CV_ERR_CERT_STATUS);
    pki_free(&p);
}

/* Nobody makes us ask by a certificate alone. */
static void a_wrong_signature_asks_nobody(void **state)
{
    struct sides *s = *state;
    struct pki p = begin(s, with_both);

    s->data[20] ^= 1;
    assert_int_equal(look(s), CV_ERR_SIGNATURE);
    assert_null(inquiry.want);
    pki_free(&p);
}

static void authorities_between_are_asked_about_too(void **state)
{
    struct sides *s = *state;
    uint8_t crl[PKI_DER_MAX];
    struct pki between =
        pki_make(keys[OTHER_KEY],
                 (struct pki_spec){
                     .name = "Between", .ca = true, .issuer = &root, .points = "URI:" LIST_A});
    struct pki p;

    add(s, s->ours, &between, false);
    p = begin(s, (struct pki_spec){.issuer = &between, .points = "URI:" LIST_B});
    assert_true(gets(s, LIST_B, pki_crl(&between, NULL, PKI_DAY, crl)));
    assert_true(gets(s, LIST_A, pki_crl(&root, &between, PKI_DAY, crl)));
    assert_int_equal(look(s), CV_ERR_CERT_REVOKED);
    assert_non_null(strstr(s->why.text, "CN=Between' was revoked on"));
    pki_free(&p);
    pki_free(&between);
}

/* ---- lists ---- */

static bool takes(struct sides *s, struct pki_list l)
{
    uint8_t crl[PKI_DER_MAX];
    struct pki p = begin(s, (struct pki_spec){.points = "URI:" LIST_A});
    bool ok = gets(s, LIST_A, pki_list(&l, crl));

    creds_clear(s->peer);
    pki_free(&p);
    return ok;
}

static void lists_that_do_not_count_are_refused(void **state)
{
    struct sides *s = *state;
    struct pki twin = pki_make(keys[OTHER_KEY], (struct pki_spec){.name = "Root", .ca = true});
    static const struct {
        int64_t from_s, until_s;
        const char *why;
    } times[] = {
        {-PKI_DAY, -1,      "has a list that ended on 2023-11-14 22:13:19 UTC"},
        {1000,     PKI_DAY, "has a list from the future"                      },
    };

    for (unsigned i = 0; i < COUNT_OF(times); i++) {
        assert_false(takes(s, (struct pki_list){.issuer = &root,
                                                .from_s = times[i].from_s,
                                                .until_s = times[i].until_s}));
        assert_string_equal(s->why.text, times[i].why);
        creds_flush(s->ours, true, true);
    }
    assert_false(takes(s, (struct pki_list){.issuer = &twin, .until_s = PKI_DAY}));
    assert_string_equal(s->why.text,
                        "has a list that is not signed by the certificate's issuer");
    creds_flush(s->ours, true, true);
    assert_false(takes(s, (struct pki_list){.issuer = &stranger, .until_s = PKI_DAY}));
    assert_string_equal(s->why.text, "has the list of another authority");
    pki_free(&twin);
}

static void numbers_of_lists_do_not_go_down(void **state)
{
    struct sides *s = *state;
    uint8_t crl[PKI_DER_MAX];
    struct pki p = begin(s, (struct pki_spec){.points = "URI:" LIST_A});
    struct lookup *l = wants(s, LIST_A);
    const struct pki_list nine = {
        .issuer = &root, .revoked = &p, .number = 9, .until_s = PKI_DAY, .reason = 1};
    const struct pki_list eight = {.issuer = &root, .number = 8, .until_s = PKI_DAY};

    assert_true(lookup_take(l, pki_list(&nine, crl), PKI_NOW, &s->why));
    assert_false(lookup_take(l, pki_list(&eight, crl), PKI_NOW, &s->why));
    assert_string_equal(s->why.text, "has an older list than it had before");
    assert_int_equal(look(s), CV_ERR_CERT_REVOKED);
    assert_string_equal(s->why.text,
                        "certificate 'O=Culvert, CN=a' was revoked on 2023-11-13 22:13:20 "
                        "UTC, keyCompromise (revocation list)");
    lookup_free(l);
    pki_free(&p);
}

static void a_delta_adds_to_the_complete_list(void **state)
{
    struct sides *s = *state;
    uint8_t crl[PKI_DER_MAX];
    struct pki p = begin(s, (struct pki_spec){.points = "URI:" LIST_A});
    const struct pki_list base = {
        .issuer = &root, .number = 5, .until_s = PKI_DAY, .freshest = "URI:" DELTA};
    const struct pki_list delta = {
        .issuer = &root, .revoked = &p, .number = 6, .base = 5, .until_s = PKI_DAY};

    assert_true(gets(s, LIST_A, pki_list(&base, crl)));
    assert_true(gets(s, DELTA, pki_list(&delta, crl)));
    assert_int_equal(look(s), CV_ERR_CERT_REVOKED);
    pki_free(&p);
}

/* The complete list has said its word. */
static void a_delta_that_is_missing_is_not_missed(void **state)
{
    struct sides *s = *state;
    uint8_t crl[PKI_DER_MAX];
    struct pki p = begin(s, (struct pki_spec){.points = "URI:" LIST_A});
    const struct pki_list base = {
        .issuer = &root, .number = 5, .until_s = PKI_DAY, .freshest = "URI:" DELTA};

    s->remote.revocation = REVOCATION_STRICT;
    assert_true(gets(s, LIST_A, pki_list(&base, crl)));
    lacks(s, DELTA);
    assert_int_equal(look(s), CV_OK);
    pki_free(&p);
}

static void a_loaded_list_needs_no_fetching(void **state)
{
    struct sides *s = *state;
    uint8_t crl[PKI_DER_MAX], *der = NULL;
    struct pki p = begin(s, (struct pki_spec){.points = "URI:" LIST_A});
    unsigned at = 0;
    size_t n = 0;

    assert_true(creds_add_crl(s->ours, pki_crl(&root, NULL, PKI_DAY, crl), &s->why));
    assert_int_equal(look(s), CV_OK);
    assert_null(inquiry.want);
    assert_true(creds_next_crl(s->ours, &at, &der, &n));
    free(der);
    assert_false(creds_next_crl(s->ours, &at, &der, &n));
    pki_free(&p);
}

static void fetched_lists_are_listed_and_kept(void **state)
{
    char dir[] = "/tmp/culvert-lists-XXXXXX", command[128];
    struct sides *s = *state;
    uint8_t crl[PKI_DER_MAX], *der = NULL;
    unsigned at = 0;
    struct pki p;
    size_t n = 0;

    assert_non_null(mkdtemp(dir));
    creds_keep_lists(s->ours, dir);
    p = begin(s, (struct pki_spec){.points = "URI:" LIST_A});
    assert_true(gets(s, LIST_A, pki_crl(&root, NULL, PKI_DAY, crl)));
    assert_true(creds_next_crl(s->ours, &at, &der, &n));
    free(der);
    assert_false(creds_next_crl(s->ours, &at, &der, &n));
    snprintf(command, sizeof(command), "openssl crl -in %s/*.crl -inform DER -noout", dir);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof(command), "rm -r %s", dir);
    assert_int_equal(system(command), 0);
    pki_free(&p);
}

/* ---- answers and URLs in IKE ---- */

#define BASE "http://certs.example/"

/* The peer shows an answer of its own, which it got lately. */
static void an_answer_in_ike_counts_when_it_was_asked_for(void **state)
{
    struct sides *s = *state;
    uint8_t buf[PKI_DER_MAX];
    struct pki p = begin(s, with_both);
    struct lookup *l = wants(s, OCSP_A);
    struct cv_cert_word word = {CV_CERT_OCSP, false, answer_to(l, good, buf)};

    lookup_free(l);
    s->check.u.verify.words = &word;
    s->check.u.verify.n_words = 1;
    inquiry = (struct inquiry){.closed = false};
    lookup_free(wants(s, OCSP_A)); /* it was not asked for */
    s->conn.ocsp_request = true;
    inquiry = (struct inquiry){.closed = false};
    assert_int_equal(look(s), CV_OK);
    assert_null(inquiry.want);
    pki_free(&p);
}

static void an_older_answer_does_not_undo_a_newer_one(void **state)
{
    struct sides *s = *state;
    uint8_t buf[PKI_DER_MAX];
    struct pki p = begin(s, with_both);
    struct lookup *l = wants(s, OCSP_A);
    struct answer old = {.from_s = -100, .until_s = PKI_DAY};
    struct cv_cert_word word = {CV_CERT_OCSP, false, answer_to(l, old, buf)};
    uint8_t later[PKI_DER_MAX];

    assert_true(lookup_take(
        l,
        answer_to(l, (struct answer){.status = V_OCSP_CERTSTATUS_REVOKED, .until_s = PKI_DAY},
                  later),
        PKI_NOW, &s->why));
    lookup_free(l);
    s->check.u.verify.words = &word;
    s->check.u.verify.n_words = 1;
    s->conn.ocsp_request = true;
    assert_int_equal(look(s), CV_ERR_CERT_REVOKED);
    pki_free(&p);
}

/* It is fetched, kept and shown to whoever asks. */
static void our_own_answer_is_shown(void **state)
{
    struct sides *s = *state;
    uint8_t buf[PKI_DER_MAX];
    struct cv_signature sig;
    struct pki p = equip(s, P_256, with_both);
    struct lookup *l;

    add(s, s->peer, &root, true);
    s->conn.send_cert = true;
    s->ask.u.sign.wants_ocsp = true;
    inquiry = (struct inquiry){.closed = false};
    assert_int_equal(creds_sign_inquire(s->peer, &s->ask, PKI_NOW, &inquiry, s->room, &sig),
                     CV_ERR_CERT_STATUS);
    l = inquiry.want;
    inquiry.want = NULL;
    assert_string_equal(l->uri, OCSP_A);
    assert_true(lookup_take(l, answer_to(l, good, buf), PKI_NOW, &s->why));
    lookup_free(l);
    assert_int_equal(creds_sign_inquire(s->peer, &s->ask, PKI_NOW, &inquiry, s->room, &sig),
                     CV_OK);
    assert_int_equal(sig.n_words, 1);
    assert_int_equal(sig.words[0].encoding, CV_CERT_OCSP);
    assert_int_equal(sig.n_certs, 1);
    /* Nobody tells: then there is none. */
    creds_flush(s->peer, true, true);
    inquiry.closed = true;
    assert_int_equal(creds_sign_inquire(s->peer, &s->ask, PKI_NOW, &inquiry, s->room, &sig),
                     CV_OK);
    assert_int_equal(sig.n_words, 0);
    inquiry_free(&inquiry);
    pki_free(&p);
}

static void set_base(struct sides *s, struct creds *c, const char *base)
{
    struct authority_conf a = {
        .name = "ca", .cert = add(s, c, &root, true), .cert_uri_base = base};

    creds_set_authority(c, &a);
}

static void a_certificate_may_be_a_url(void **state)
{
    struct sides *s = *state;
    struct pki p = equip(s, P_256, (struct pki_spec){.ca = false});
    struct cv_signature sig;
    uint8_t der[PKI_DER_MAX];
    struct cv_span whole = pki_der(&p, der);
    struct lookup *l;

    set_base(s, s->peer, BASE);
    s->conn.send_cert = true;
    s->ask.u.sign.takes_urls = true;
    inquiry = (struct inquiry){.closed = false};
    assert_int_equal(creds_sign_inquire(s->peer, &s->ask, PKI_NOW, &inquiry, s->room, &sig),
                     CV_OK);
    assert_int_equal(sig.n_certs, 0);
    assert_int_equal(sig.n_words, 1);
    assert_true(sig.words[0].first && sig.words[0].encoding == CV_CERT_HASH_URL);
    assert_int_equal(sig.words[0].data.n, 20 + strlen(BASE) + 40);
    s->check.u.verify.words = sig.words;
    s->check.u.verify.n_words = 1;
    s->check.u.verify.method = sig.method;
    s->check.u.verify.signature = sig.data;

    /* Not a server of ours: we do not go there. */
    assert_int_equal(look(s), CV_ERR_CERT_CHAIN);
    assert_non_null(strstr(s->why.text, "which is below no cert_uri_base of ours"));
    set_base(s, s->ours, "http://certs.example.org/");
    assert_int_equal(look(s), CV_ERR_CERT_CHAIN);
    set_base(s, s->ours, BASE);
    assert_int_equal(look(s), CV_ERR_CERT_STATUS);
    l = inquiry.want;
    inquiry.want = NULL;
    assert_true(l->cert);
    assert_false(lookup_take(l, span(der, whole.n - 1), PKI_NOW, &s->why));
    assert_string_equal(s->why.text, "has something else than the certificate of that hash");
    assert_int_equal(look(s), CV_ERR_CERT_CHAIN); /* not again at once */
    assert_true(lookup_take(l, whole, PKI_NOW, &s->why));
    lookup_free(l);
    assert_int_equal(look(s), CV_OK);
    inquiry_free(&inquiry);
    pki_free(&p);
}

static void urls_that_lead_elsewhere_are_not_followed(void **state)
{
    static const char *const urls[] = {BASE,
                                       BASE "../secret",
                                       BASE "a/b",
                                       BASE "a?b",
                                       BASE "a#b",
                                       BASE "a%2fb",
                                       BASE "a b",
                                       "http://127.0.0.1/x",
                                       "file:///etc/x",
                                       BASE ".x",
                                       BASE "a@b",
                                       "http://certs.example",
                                       "HTTP://certs.example/x"};
    struct sides *s = *state;
    struct pki p = begin(s, (struct pki_spec){.ca = false});

    set_base(s, s->ours, BASE);
    for (unsigned i = 0; i < COUNT_OF(urls); i++) {
        uint8_t data[128] = {0};
        struct cv_cert_word word = {CV_CERT_HASH_URL, true, span(data, 20 + strlen(urls[i]))};

        memcpy(data + 20, urls[i], strlen(urls[i]));
        s->check.u.verify.words = &word;
        s->check.u.verify.n_words = 1;
        assert_int_equal(look(s), CV_ERR_CERT_CHAIN);
        assert_null(inquiry.want);
    }
    for (size_t n = 0; n <= 20; n++) {
        struct cv_cert_word word = {CV_CERT_HASH_URL, true, span(BASE BASE, n)};

        s->check.u.verify.words = &word;
        assert_int_equal(look(s), CV_ERR_CERT_CHAIN);
    }
    pki_free(&p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_good_answer_needs_no_list),
        TEST(a_revoked_certificate_is_refused_with_its_date),
        TEST(a_delegated_signer_is_named_by_the_issuer),
        TEST(answers_that_do_not_count_are_refused),
        TEST(an_answer_without_a_nonce_counts),
        TEST(garbage_is_no_answer),
        TEST(what_is_configured_is_asked_first),
        TEST(snapshots_know_the_authorities),
        TEST(the_policy_decides_when_nobody_tells),
        TEST(what_failed_is_not_tried_again_for_a_while),
        TEST(a_closed_inquiry_wants_nothing),
        TEST(a_wrong_signature_asks_nobody),
        TEST(authorities_between_are_asked_about_too),
        TEST(lists_that_do_not_count_are_refused),
        TEST(numbers_of_lists_do_not_go_down),
        TEST(a_delta_adds_to_the_complete_list),
        TEST(a_delta_that_is_missing_is_not_missed),
        TEST(a_loaded_list_needs_no_fetching),
        TEST(fetched_lists_are_listed_and_kept),
        TEST(an_answer_in_ike_counts_when_it_was_asked_for),
        TEST(an_older_answer_does_not_undo_a_newer_one),
        TEST(our_own_answer_is_shown),
        TEST(a_certificate_may_be_a_url),
        TEST(urls_that_lead_elsewhere_are_not_followed),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
