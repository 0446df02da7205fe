/* Owns a device's requests: what is asked, what an answer must hold, when to ask again.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "setup/est_client.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kit/clock.h"
#include "pki/base64.h"
#include "pki/certs_only.h"
#include "pki/csr.h"
#include "setup/https.h"

enum { ATTEMPT_MS = 10000, PATIENCE_MS = 30000, FIRST_WAIT_MS = 500, WAIT_MAX_S = 20 };

void est_got_free(struct est_got *g)
{
    X509_free(g->cert);
    X509_free(g->authority);
    *g = (struct est_got){.cert = NULL};
}

bool est_url_read(const char *text, struct est_url *out)
{
    char port[8] = "443";
    int n = 0;

    *out = (struct est_url){.port = 0};
    if (sscanf(text, "https://[%255[0-9a-fA-F:]]%n", out->host, &n) != 1 &&
        sscanf(text, "https://%255[A-Za-z0-9._-]%n", out->host, &n) != 1)
        return false;
    if (n == 0)
        return false;
    text = &text[n];
    n = 0;
    if (text[0] == ':' && (sscanf(text, ":%5[0-9]%n", port, &n) != 1 || n == 0))
        return false;
    if (text[n] != '/' || strlen(&text[n]) >= sizeof(out->path) || atoi(port) > UINT16_MAX)
        return false;
    strcpy(out->path, &text[n]);
    out->port = (uint16_t)atoi(port);
    return out->port != 0;
}

/* ---- one question ---------------------------------------------------------------------- */

static struct https_peer peer_of(const struct est_at *at, int64_t now_s)
{
    return (struct https_peer){.host = at->host,
                               .port = at->port,
                               .pin = at->pin,
                               .now_s = now_s,
                               .cert = at->cert,
                               .key = at->key,
                               .limit_ms = ATTEMPT_MS};
}

static void keep(struct est_got *out, struct https_answer *a)
{
    memcpy(out->gateway, a->gateway, sizeof(out->gateway));
    memcpy(out->link, a->link, sizeof(out->link));
    out->gateway_s = a->date_s;
    X509_free(out->authority);
    out->authority = a->authority;
    a->authority = NULL;
}

bool est_meet(const struct est_at *at, struct est_got *out, struct problem *why)
{
    const struct https_peer peer = peer_of(at, 0);
    struct https_answer a;
    char path[HTTPS_NAME + 32], detail[400];
    struct https_request req = {.method = "GET", .path = path};
    bool ok;

    *out = (struct est_got){.cert = NULL};
    (void)snprintf(path, sizeof(path), "%s/cacerts", at->path);
    ok = https_ask(&peer, &req, &a, why);
    if (ok && a.status != 200)
        ok = problem_set(why, "the gateway gives no certificate of its authority: %s",
                         https_detail(detail, sizeof(detail), &a));
    if (ok)
        keep(out, &a);
    https_answer_free(&a);
    return ok;
}

/* The one in the answer that is for key. */
static X509 *find_own(const struct https_answer *a, EVP_PKEY *key, struct problem *why)
{
    STACK_OF(X509) *certs =
        certs_only_read((struct cv_span){(const uint8_t *)a->body, a->n}, why);
    X509 *found = NULL;

    for (int i = 0; i < sk_X509_num(certs) && found == NULL; i++)
        if (EVP_PKEY_eq(X509_get0_pubkey(sk_X509_value(certs, i)), key) == 1)
            found = sk_X509_value(certs, i);
    if (found != NULL)
        X509_up_ref(found);
    else if (certs != NULL)
        problem_set(why, "the gateway's answer has no certificate for our key");
    sk_X509_pop_free(certs, X509_free);
    return found;
}

/* ---- enrolling -------------------------------------------------------------------------- */

enum outcome { DONE, FAILED, AGAIN };

struct attempt {
    const struct est_at *at;
    EVP_PKEY *key;
    int64_t now_s;
    char *body;      /* the request, Base64 */
    unsigned wait_s; /* the gateway asked for */
};

static enum outcome judge(struct attempt *t, struct https_answer *a, struct est_got *out,
                          struct problem *why)
{
    char detail[400];

    t->wait_s = a->retry_after_s;
    if (a->status == 200) {
        out->cert = find_own(a, t->key, why);
        if (out->cert == NULL)
            return FAILED;
        keep(out, a);
        return DONE;
    }
    problem_set(why, "the gateway refuses: %s", https_detail(detail, sizeof(detail), a));
    return a->status == 202 || a->status == 429 || a->status == 503 ? AGAIN : FAILED;
}

static enum outcome try_once(struct attempt *t, struct est_got *out, struct problem *why)
{
    const struct https_peer peer = peer_of(t->at, t->now_s);
    char path[HTTPS_NAME + 32];
    const struct https_request req = {.method = "POST",
                                      .path = path,
                                      .user = t->at->user,
                                      .password = t->at->code,
                                      .type = "application/pkcs10",
                                      .body = t->body};
    enum outcome result = AGAIN;
    struct https_answer a;

    t->wait_s = 0;
    (void)snprintf(path, sizeof(path), "%s/%s", t->at->path,
                   t->at->code != NULL ? "simpleenroll" : "simplereenroll");
    if (https_ask(&peer, &req, &a, why))
        result = judge(t, &a, out, why);
    https_answer_free(&a);
    return result;
}

static void wait_ms(uint64_t ms)
{
    const struct timespec t = {.tv_sec = (time_t)(ms / 1000),
                               .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)nanosleep(&t, NULL);
}

/* Every try is a connection and a look-up of the gateway's name of its own. */
static bool try_on(struct attempt *t, struct est_got *out, struct problem *why)
{
    const uint64_t end = clock_now_ms() + PATIENCE_MS;
    uint64_t wait = FIRST_WAIT_MS;
    enum outcome result;

    while ((result = try_once(t, out, why)) == AGAIN) {
        if (t->wait_s > WAIT_MAX_S || clock_now_ms() + wait >= end)
            return false;
        wait_ms(t->wait_s > 0 ? (uint64_t)t->wait_s * 1000 : wait);
        wait *= 2;
    }
    return result == DONE;
}

bool est_enroll(const struct est_at *at, EVP_PKEY *key, const char *name, int64_t now_s,
                struct est_got *out, struct problem *why)
{
    struct attempt t = {.at = at, .key = key, .now_s = now_s};
    const struct cv_span der = csr_make(key, name, why);
    bool ok;

    *out = (struct est_got){.cert = NULL};
    if (der.n == 0)
        return false;
    t.body = base64_lines(der);
    ok = try_on(&t, out, why);
    free(t.body);
    OPENSSL_free((void *)der.p);
    return ok;
}
