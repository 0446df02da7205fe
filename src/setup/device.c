/* Owns what is on a device, and in which order it comes there: the key first, the configuration
 * last, so that whatever ends the try can be begun again.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "setup/device.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/clock.h"
#include "kit/file.h"
#include "kit/tree.h"
#include "pki/authority.h"
#include "pki/pkey.h"
#include "setup/service.h"

#define WRITTEN_BY "# Written by `culvert join`, which may write it anew."

enum { CLOCK_TOLERANCE_S = 300 };

static const char standard_path[] = "/.well-known/est";

/* ---- time ------------------------------------------------------------------------------ */

static void time_file(const struct places *p, char out[PLACE_MAX])
{
    (void)snprintf(out, PLACE_MAX, "%.440s/%s", p->state, CLOCK_FLOOR_FILE);
}

int64_t device_now_s(const struct places *p)
{
    char path[PLACE_MAX];

    time_file(p, path);
    clock_read_floor(path);
    return clock_unix_s();
}

/* The gateway's time, which came over the pinned connection, is the earliest that it can be
 * from now on (kit/clock.h): a clock that says less was not set since the power came. */
static bool keep_time(const struct places *p, int64_t gateway_s, device_say *say,
                      struct problem *why)
{
    const int64_t behind_s = gateway_s - device_now_s(p);
    char path[PLACE_MAX], text[160];
    int n;

    if (gateway_s == 0)
        return true;
    if (behind_s > CLOCK_TOLERANCE_S) {
        snprintf(text, sizeof(text),
                 "this clock is %lld days late: certificates are judged by the gateway's",
                 (long long)behind_s / 86400);
        say(text);
    }
    time_file(p, path);
    if (!file_make_dir(p->state, 0700, why))
        return false;
    n = snprintf(text, sizeof(text), "%lld\n", (long long)gateway_s);
    if (!file_replace(path, (struct cv_span){(const uint8_t *)text, (size_t)n}, 0644, why))
        return false;
    clock_read_floor(path);
    return true;
}

/* ---- files ----------------------------------------------------------------------------- */

static bool make_dirs(const struct places *p, struct problem *why)
{
    char path[PLACE_MAX];

    return file_make_dir(p->conf, 0755, why) &&
           file_make_dir(place_of(path, p, "private"), 0700, why) &&
           file_make_dir(place_of(path, p, "x509"), 0755, why) &&
           file_make_dir(place_of(path, p, "x509ca"), 0755, why);
}

/* The one of an earlier try, or a new one that is on the disk before anybody hears of it. */
static EVP_PKEY *have_key(const struct places *p, device_say *say, struct problem *why)
{
    char path[PLACE_MAX];
    EVP_PKEY *key;

    place_of(path, p, "private/device.key");
    if (file_is_there(path)) {
        say("the key of an earlier try is used again");
        return pkey_read(path, why);
    }
    key = pkey_make(why);
    if (key != NULL && !pkey_write(path, key, why)) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

static bool put_text(const struct places *p, const char *name, const char *text,
                     struct problem *why)
{
    char path[PLACE_MAX];

    return file_replace(place_of(path, p, name),
                        (struct cv_span){(const uint8_t *)text, strlen(text)}, 0644, why);
}

/* A configuration that somebody else wrote is not ours to replace. */
static bool may_write_conf(const struct places *p, struct problem *why)
{
    struct file_text text;
    char path[PLACE_MAX];
    bool ours;

    if (!file_is_there(place_of(path, p, "culvert.conf")))
        return true;
    if (!file_read(path, &text, why))
        return false;
    ours = strncmp(text.p, WRITTEN_BY, strlen(WRITTEN_BY)) == 0;
    file_text_free(&text);
    return ours ||
           problem_set(why,
                       "%s is there already and was not written by `culvert join`: move "
                       "it away, or give another place with --root",
                       path);
}

/* How the certificate says that we are called in IKE. */
static void read_identity(X509 *cert, char out[HTTPS_NAME])
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    const GENERAL_NAME *name =
        sk_GENERAL_NAME_num(names) > 0 ? sk_GENERAL_NAME_value(names, 0) : NULL;
    int type = -1;
    const ASN1_STRING *value = name != NULL ? GENERAL_NAME_get0_value(name, &type) : NULL;

    out[0] = '\0';
    if (type == GEN_DNS || type == GEN_EMAIL)
        (void)snprintf(out, HTTPS_NAME, "%.*s", ASN1_STRING_length(value),
                       (const char *)ASN1_STRING_get0_data(value));
    GENERAL_NAMES_free(names);
}

/* Both go between quotes into a configuration; names have nothing that ends one. */
static bool is_plain(const char *text)
{
    return text[0] != '\0' && strpbrk(text, "\"'\\\n\r{}#") == NULL;
}

/* What is not said here the gateway decides: it narrows the traffic to what the device may
 * reach, and assigns address and DNS servers. */
static bool write_conf(const struct places *p, const struct bundle *b,
                       const struct est_got *got, struct problem *why)
{
    char *text = NULL;
    size_t n;
    char identity[HTTPS_NAME], program[PLACE_MAX];
    FILE *f;
    bool ok;

    read_identity(got->cert, identity);
    if (!is_plain(identity) || !is_plain(got->gateway))
        return problem_set(why, "the certificates of device and gateway do not name them");
    f = open_memstream(&text, &n);
    fprintf(f,
            WRITTEN_BY "\n"
                       "culvert {\n"
                       "    renew = \"%s renew --root %s\"\n"
                       "}\n"
                       "connections {\n"
                       "    fleet {\n"
                       "        remote_addrs = \"%s\"\n"
                       "        vips = 0.0.0.0, ::\n"
                       "        local {\n"
                       "            auth = pubkey\n"
                       "            id = \"%s\"\n"
                       "        }\n"
                       "        remote {\n"
                       "            auth = pubkey\n"
                       "            cacerts = fleet.pem\n"
                       "            id = \"%s\"\n"
                       "        }\n"
                       "        children {\n"
                       "            fleet {\n"
                       "                remote_ts = 0.0.0.0/0, ::/0\n"
                       "                start_action = start\n"
                       "            }\n"
                       "        }\n"
                       "    }\n"
                       "}\n",
            service_program(program, "culvert"), p->root, b->host, identity, got->gateway);
    fclose(f);
    ok = put_text(p, "culvert.conf", text, why);
    free(text);
    return ok;
}

/* ---- where to renew -------------------------------------------------------------------- */

struct standing {
    char name[BUNDLE_NAME];
    char est[2 * HTTPS_NAME];    /* where it has enrolled */
    char inside[2 * HTTPS_NAME]; /* through the tunnel; "" when the gateway named none */
    struct pin pin;
};

static bool write_standing(const struct places *p, const struct standing *s,
                           struct problem *why)
{
    char text[1600], pin[PIN_TEXT];

    (void)snprintf(text, sizeof(text),
                   "# Where `culvert renew` asks: through the tunnel, else where it has "
                   "enrolled.\nname = %s\nest = %s\ninside = \"%s\"\npin = %s\n",
                   s->name, s->est, s->inside, pin_text(pin, &s->pin));
    return put_text(p, "join.conf", text, why);
}

static bool read_standing(const struct places *p, struct standing *out, struct problem *why)
{
    struct problems found = {0};
    struct node *tree;
    const char *pin;
    char path[PLACE_MAX];
    bool ok;

    *out = (struct standing){.name = ""};
    if (!file_is_there(place_of(path, p, "join.conf")))
        return problem_set(why, "this host has joined no fleet: %s is not there", path);
    tree = tree_read_file(path, &found);
    if (tree == NULL) {
        *why = *problems_first_error(&found);
        problems_free(&found);
        return false;
    }
    pin = tree_get(tree, "pin", "");
    snprintf(out->name, sizeof(out->name), "%s", tree_get(tree, "name", ""));
    snprintf(out->est, sizeof(out->est), "%s", tree_get(tree, "est", ""));
    snprintf(out->inside, sizeof(out->inside), "%s", tree_get(tree, "inside", ""));
    ok = pin_read(pin, strlen(pin), &out->pin) && out->name[0] != '\0' && out->est[0] != '\0';
    tree_free(tree);
    problems_free(&found);
    return ok || problem_set(why, "%s: name, est or pin is missing or broken", path);
}

/* ---- joining ---------------------------------------------------------------------------- */

static bool put_cert(const struct places *p, const char *name, X509 *cert, struct problem *why)
{
    char path[PLACE_MAX];

    return cert_file_write(place_of(path, p, name), cert, true, why);
}

static bool write_all(const struct places *p, const struct bundle *b, const struct est_got *got,
                      struct problem *why)
{
    struct standing s = {.pin = b->pin};
    const bool six = strchr(b->host, ':') != NULL;

    snprintf(s.name, sizeof(s.name), "%s", b->name);
    snprintf(s.est, sizeof(s.est), "https://%s%s%s:%u%s", six ? "[" : "", b->host,
             six ? "]" : "", b->port, standard_path);
    snprintf(s.inside, sizeof(s.inside), "%s", got->link);
    return put_cert(p, "x509ca/fleet.pem", got->authority, why) &&
           put_cert(p, "x509/device.pem", got->cert, why) && write_standing(p, &s, why) &&
           write_conf(p, b, got, why);
}

/* A bundle that has ended is told of before anything is made; the gateway's clock decides. */
static bool meet(const struct places *p, const struct est_at *at, const struct bundle *b,
                 device_say *say, struct problem *why)
{
    struct est_got got;
    bool ok = est_meet(at, &got, why);

    ok = ok && keep_time(p, got.gateway_s, say, why);
    if (ok && device_now_s(p) >= b->until_s)
        ok = problem_set(why,
                         "the bundle's code has ended: ask for a new one (culvert device "
                         "add, or culvert device code %s)",
                         b->name);
    est_got_free(&got);
    return ok;
}

bool device_join(const struct places *p, const struct bundle *b, device_say *say,
                 struct problem *why)
{
    const struct est_at at = {.host = b->host,
                              .port = b->port,
                              .path = standard_path,
                              .pin = &b->pin,
                              .user = b->name,
                              .code = b->code};
    struct est_got got = {.cert = NULL};
    EVP_PKEY *key;
    bool ok;

    if (!may_write_conf(p, why) || !make_dirs(p, why) || !meet(p, &at, b, say, why))
        return false;
    say("the gateway is the one of the bundle");
    key = have_key(p, say, why);
    if (key == NULL)
        return false;
    ok = est_enroll(&at, key, b->name, device_now_s(p), &got, why);
    if (ok)
        say("the certificate is there");
    ok = ok && write_all(p, b, &got, why);
    est_got_free(&got);
    EVP_PKEY_free(key);
    return ok;
}

/* ---- renewing --------------------------------------------------------------------------- */

bool device_due(const struct places *p, int64_t *due_s, int64_t *end_s, struct problem *why)
{
    char path[PLACE_MAX];
    X509 *cert = cert_file_read(place_of(path, p, "x509/device.pem"), why);

    if (cert == NULL)
        return false;
    *end_s = cert_until_s(cert);
    *due_s = cert_due_s(cert);
    X509_free(cert);
    return true;
}

/* What a renewal works with. */
struct renewal {
    const struct places *p;
    struct standing standing;
    X509 *cert;
    EVP_PKEY *key;
    device_say *say;
};

static bool renew_open(struct renewal *r, struct problem *why)
{
    char path[PLACE_MAX];

    if (!read_standing(r->p, &r->standing, why))
        return false;
    r->cert = cert_file_read(place_of(path, r->p, "x509/device.pem"), why);
    if (r->cert != NULL)
        r->key = pkey_read(place_of(path, r->p, "private/device.key"), why);
    return r->key != NULL;
}

static void renew_close(struct renewal *r)
{
    X509_free(r->cert);
    EVP_PKEY_free(r->key);
}

static struct est_at place_at(const struct renewal *r, const struct est_url *url)
{
    return (struct est_at){.host = url->host,
                           .port = url->port,
                           .path = url->path,
                           .pin = &r->standing.pin,
                           .cert = r->cert,
                           .key = r->key};
}

/* Through the tunnel when there is such a way and it works; the gateway's time first. */
static bool find_way(const struct renewal *r, struct est_url *url, struct problem *why)
{
    const char *const ways[] = {r->standing.inside, r->standing.est};
    struct est_got got;

    for (int i = 0; i < 2; i++) {
        struct est_at at;
        bool ok;

        if (!est_url_read(ways[i], url)) {
            if (i == 1)
                problem_set(why, "join.conf: est = %s is no https URL", ways[i]);
            continue;
        }
        at = place_at(r, url);
        ok = est_meet(&at, &got, why) && keep_time(r->p, got.gateway_s, r->say, why);
        est_got_free(&got);
        if (ok)
            return true;
    }
    return false;
}

static bool renew_at(struct renewal *r, const struct est_url *url, struct problem *why)
{
    const struct est_at at = place_at(r, url);
    struct est_got got;
    bool ok = est_enroll(&at, r->key, r->standing.name, device_now_s(r->p), &got, why);

    if (ok)
        snprintf(r->standing.inside, sizeof(r->standing.inside), "%s", got.link);
    ok = ok && put_cert(r->p, "x509/device.pem", got.cert, why) &&
         put_cert(r->p, "x509ca/fleet.pem", got.authority, why) &&
         write_standing(r->p, &r->standing, why);
    est_got_free(&got);
    return ok;
}

enum renewed device_renew(const struct places *p, bool at_once, device_say *say,
                          struct problem *why)
{
    struct renewal r = {.p = p, .say = say};
    enum renewed result = RENEW_FAILED;
    struct est_url url;

    if (!renew_open(&r, why)) {
        renew_close(&r);
        return RENEW_FAILED;
    }
    /* A clock that was never set cannot tell what is due. */
    if (!at_once && !clock_is_late() && device_now_s(p) < cert_due_s(r.cert))
        result = NOT_DUE;
    else if (find_way(&r, &url, why)) {
        if (!at_once && device_now_s(p) < cert_due_s(r.cert))
            result = NOT_DUE;
        else
            result = renew_at(&r, &url, why) ? RENEWED : RENEW_FAILED;
    }
    renew_close(&r);
    return result;
}
