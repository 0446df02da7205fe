/* A connection from configuration text, as VICI's load-conn builds one, and the text
 * forms inside it: identities, proposals, selectors, addresses.
 *
 * The first octet chooses what the rest is.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"
#include "fuzz.h"
#include "text/text.h"
#include "wire/ip.h"

enum { TEXT_MAX = 2048 };

enum kind { CONNECTION, IDENTITY, PROPOSAL, SELECTOR, ADDRESS, KINDS };

static void read_connection(const char *text, size_t n)
{
    struct problems found = {0};
    struct node *root = tree_read_text(text, n, "/nonexistent/fuzz.conf", &found);
    struct creds *creds;

    FUZZ_CHECK((root == NULL) == (found.errors > 0));
    if (root == NULL) {
        problems_free(&found);
        return;
    }
    creds = creds_new();
    for (const struct node *s = root->first; s != NULL; s = s->next) {
        unsigned before = found.errors;
        struct conn *c = s->kind == NODE_SECTION ? conn_build(s, creds, NULL, &found) : NULL;

        FUZZ_CHECK(s->kind != NODE_SECTION || (c == NULL) == (found.errors > before));
        if (c == NULL)
            continue;
        FUZZ_CHECK(c->cv.n_proposals > 0 && c->cv.name != NULL);
        (void)conn_check(c, s, creds, &found);
        conn_free(c);
    }
    creds_free(creds);
    problems_free(&found);
    tree_free(root);
}

static void read_identity(const char *text)
{
    struct problem why;
    struct cv_id id;
    char out[1024];

    if (!id_parse(&id, text, &why))
        return;
    FUZZ_CHECK(id.n <= CV_ID_MAX);
    id_format(out, sizeof(out), &id);
    FUZZ_CHECK(out[0] != '\0' || id.n == 0);
}

static void read_proposal(const char *text, enum cv_protocol protocol)
{
    struct cv_proposal p;
    struct problem why;
    char out[2048];

    if (!proposal_parse(&p, protocol, text, &why))
        return;
    FUZZ_CHECK(p.protocol == protocol && p.n > 0 && p.n <= CV_TRANSFORMS_MAX);
    proposal_format(out, sizeof(out), &p);
    FUZZ_CHECK(out[0] != '\0');
}

static void read_selector(const char *text)
{
    struct cv_ts_config ts;
    struct problem why;
    char out[256];

    if (!ts_parse(&ts, text, &why) || ts.dynamic)
        return;
    FUZZ_CHECK(addr_len(ts.ts.family) > 0);
    FUZZ_CHECK(memcmp(ts.ts.lo, ts.ts.hi, sizeof(ts.ts.lo)) <= 0);
    ts_format(out, sizeof(out), &ts.ts);
    FUZZ_CHECK(out[0] != '\0');
}

static void read_address(const char *text)
{
    struct cv_addr_range range;
    struct cv_addr a, again;
    char out[64];

    if (range_parse(&range, text))
        FUZZ_CHECK(memcmp(range.lo, range.hi, sizeof(range.lo)) <= 0);
    if (!addr_parse(&a, text))
        return;
    addr_format(out, sizeof(out), &a);
    FUZZ_CHECK(addr_parse(&again, out) && addr_equal(&a, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char text[TEXT_MAX + 1];
    enum kind kind;

    if (n < 1 || n - 1 > TEXT_MAX)
        return 0;
    kind = data[0] % KINDS;
    n--;
    if (n > 0)
        memcpy(text, data + 1, n);
    text[n] = '\0';
    switch (kind) {
    case CONNECTION:
        if (strstr(text, "include") == NULL && strlen(text) == n)
            read_connection(text, n);
        break;
    case IDENTITY:
        read_identity(text);
        break;
    case PROPOSAL:
        read_proposal(text, data[0] & 0x80 ? CV_PROTO_ESP : CV_PROTO_IKE);
        break;
    case SELECTOR:
        read_selector(text);
        break;
    default:
        read_address(text);
        break;
    }
    return 0;
}
