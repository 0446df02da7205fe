/* What travels while a device enrols: bundles, HTTP answers, PKCS #10, PKCS #7, URLs.  The
 * first octet says which.
 *
 * What is read as a bundle is written again and must be the same bundle; a request that is
 * accepted names whom it may.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "enrol/bundle.h"
#include "pki/certs_only.h"
#include "pki/csr.h"
#include "setup/est_client.h"

enum { TEXT_MAX = 4096 };

static void read_bundle(const char *text)
{
    char again[BUNDLE_TEXT];
    struct bundle one, two;
    struct problem why;

    if (!bundle_read(text, &one, &why))
        return;
    FUZZ_CHECK(bundle_text(again, &one)[0] != '\0');
    FUZZ_CHECK(bundle_read(again, &two, &why));
    FUZZ_CHECK(strcmp(one.name, two.name) == 0 && strcmp(one.code, two.code) == 0);
    FUZZ_CHECK(strcmp(one.host, two.host) == 0 && one.port == two.port);
    FUZZ_CHECK(pin_equal(&one.pin, &two.pin) && one.until_s == two.until_s);
}

static void read_answer(const char *text, size_t n)
{
    struct https_answer a = {.status = 0};
    struct problem why;
    char detail[64];

    if (https_parse(text, n, &a, &why)) {
        FUZZ_CHECK(a.status >= 200 && a.status < 600 && a.n <= n);
        FUZZ_CHECK(strlen(https_detail(detail, sizeof(detail), &a)) < sizeof(detail));
    }
    https_answer_free(&a);
}

static void read_request(struct cv_span body)
{
    const struct csr_subject subject = {"sensor-17", "sensor-17"};
    struct problem why;
    X509_REQ *req = csr_read(body, &why);
    char name[128];

    if (req != NULL && csr_check(req, &subject, &why)) {
        FUZZ_CHECK(X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(req), NID_commonName,
                                             name, sizeof(name)) == 9);
    }
    X509_REQ_free(req);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char text[TEXT_MAX + 1];
    struct problem why;
    struct est_url url;

    if (n < 1 || n > TEXT_MAX)
        return 0;
    memcpy(text, data + 1, n - 1);
    text[n - 1] = '\0';
    switch ((uint8_t)(data[0] - '0') % 5) {
    case 0:
        read_bundle(text);
        break;
    case 1:
        read_answer(text, n - 1);
        break;
    case 2:
        read_request(span(text, n - 1));
        break;
    case 3:
        sk_X509_pop_free(certs_only_read(span(text, n - 1), &why), X509_free);
        break;
    default:
        (void)est_url_read(text, &url);
        break;
    }
    return 0;
}
