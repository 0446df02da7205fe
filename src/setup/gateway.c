/* Owns what a gateway is made of, and in which order.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "setup/gateway.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enrol/bundle.h"
#include "fleet/registry_group.h"
#include "kit/clock.h"
#include "kit/file.h"
#include "pki/authority.h"
#include "pki/pin.h"
#include "pki/pkey.h"

/* A gateway's certificate lasts as long as its authority's: devices that slept for years accept
 * it, and the registry takes back what is lost. */
#define GATEWAY_LIFETIME_S (INT64_C(3650) * 86400)

struct making {
    const struct gateway_plan *plan;
    const struct places *p;
    struct authority ca;
    unsigned made;
    struct problem *why;
};

/* Is that file still to be made?  Then its path is in path. */
static bool lacks(struct making *m, const char *name, char path[PLACE_MAX])
{
    return !file_is_there(place_of(path, m->p, name));
}

static bool count(struct making *m, bool ok)
{
    m->made += ok;
    return ok;
}

/* ---- the authority ---------------------------------------------------------------------- */

/* Key first: a certificate without its key would be there for good. */
static bool make_authority(struct making *m)
{
    char key[PLACE_MAX], cert[PLACE_MAX], name[PLAN_TEXT + 8];
    const bool lacks_key = lacks(m, "ca/ca.key", key), lacks_cert = lacks(m, "ca/ca.pem", cert);

    if (!lacks_key && !lacks_cert)
        return authority_load(&m->ca, cert, key, m->why);
    if (lacks_key != lacks_cert && !lacks_cert)
        return problem_set(m->why, "%s is there and %s is not: bring it back from a backup",
                           cert, key);
    if (!lacks_key && remove(key) != 0) /* nothing was signed with it yet */
        return problem_set(m->why, "%s cannot be made anew", key);
    (void)snprintf(name, sizeof(name), "%s fleet", m->plan->name);
    return authority_make(&m->ca, name, clock_unix_s(), m->why) &&
           count(m, pkey_write(key, m->ca.key, m->why)) &&
           count(m, cert_file_write(cert, m->ca.cert, false, m->why));
}

static bool trust_authority(struct making *m)
{
    char path[PLACE_MAX];

    return !lacks(m, "x509ca/fleet.pem", path) ||
           count(m, cert_file_write(path, m->ca.cert, false, m->why));
}

/* ---- the gateway's own certificates -------------------------------------------------------
 */

/* Names and addresses by which it is reached, from outside and from inside the tunnels. */
static void describe(const struct making *m, struct leaf *out, char own[PLAN_TEXT],
                     char host[BUNDLE_HOST])
{
    uint8_t addr[16];
    uint16_t port;
    char others[PLAN_TEXT];

    gateway_plan_inside(m->plan, own, others);
    *out = (struct leaf){.use = LEAF_GATEWAY,
                         .common_name = m->plan->name,
                         .dns = {m->plan->name},
                         .n_dns = 1,
                         .ip = {own},
                         .n_ip = 1,
                         .from_s = clock_unix_s(),
                         .lifetime_s = GATEWAY_LIFETIME_S};
    if (!bundle_read_host(m->plan->address, host, &port) || strcmp(host, m->plan->name) == 0)
        return;
    if (inet_pton(AF_INET, host, addr) == 1 || inet_pton(AF_INET6, host, addr) == 1)
        out->ip[out->n_ip++] = host;
    else
        out->dns[out->n_dns++] = host;
}

static X509 *issue(struct making *m, EVP_PKEY *key)
{
    char own[PLAN_TEXT], host[BUNDLE_HOST];
    struct leaf leaf;

    describe(m, &leaf, own, host);
    return authority_issue(&m->ca, &leaf, key, m->why);
}

/* A chain as TLS servers send it, the authority's certificate at its end: that is what devices
 * know by its fingerprint. */
static bool write_chain(struct making *m, const char *path, X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    bool ok = bio != NULL && PEM_write_bio_X509(bio, cert) == 1 &&
              PEM_write_bio_X509(bio, m->ca.cert) == 1;
    const long n = ok ? BIO_get_mem_data(bio, &text) : 0;

    ok =
        ok ? file_create(path, (struct cv_span){(const uint8_t *)text, (size_t)n}, 0644, m->why)
           : problem_set(m->why, "%s: the certificates could not be written", path);
    BIO_free(bio);
    return ok;
}

/* The key first: what is certified is on the disk.  A key without its certificate is of a try
 * that was cut short. */
static bool make_pair(struct making *m, const char *key_name, const char *cert_name, bool chain)
{
    char key_path[PLACE_MAX], cert_path[PLACE_MAX];
    const bool lacks_key = lacks(m, key_name, key_path);
    EVP_PKEY *key;
    X509 *cert;
    bool ok;

    if (!lacks(m, cert_name, cert_path) && !lacks_key)
        return true;
    if (lacks_key && file_is_there(cert_path))
        return problem_set(m->why,
                           "%s is there and %s is not: move it away or bring the key back",
                           cert_path, key_path);
    key = lacks_key ? pkey_make(m->why) : pkey_read(key_path, m->why);
    if (key == NULL)
        return false;
    ok = !lacks_key || count(m, pkey_write(key_path, key, m->why));
    cert = ok ? issue(m, key) : NULL;
    ok = cert != NULL && count(m, chain ? write_chain(m, cert_path, cert)
                                        : cert_file_write(cert_path, cert, false, m->why));
    X509_free(cert);
    EVP_PKEY_free(key);
    return ok;
}

/* ---- configurations -----------------------------------------------------------------------
 */

static void put_list(FILE *f, const char *key, char (*list)[PLAN_TEXT], unsigned n)
{
    if (n > 0)
        fprintf(f, "%s = ", key);
    for (unsigned i = 0; i < n; i++)
        fprintf(f, "%s%s", i > 0 ? ", " : "", list[i]);
    if (n > 0)
        fputc('\n', f);
}

/* What a device reaches: the services, the gateway itself, DNS servers elsewhere. */
static void put_traffic(FILE *f, const struct gateway_plan *plan, const char *own)
{
    fprintf(f, "                local_ts = %s", own);
    for (unsigned i = 0; i < plan->n_service; i++)
        fprintf(f, ", %s", plan->service[i]);
    for (unsigned i = 0; i < plan->n_dns; i++)
        if (!gateway_plan_serves(plan, plan->dns[i]))
            fprintf(f, ", %s", plan->dns[i]);
    fputc('\n', f);
}

static void put_connection(FILE *f, const struct gateway_plan *plan, const char *own,
                           const char *name, const char *auth)
{
    fprintf(f,
            "    %s {\n"
            "        fleet = yes\n"
            "        pools = fleet\n"
            "        local {\n"
            "            auth = %s\n"
            "            id = %s\n"
            "        }\n"
            "        remote {\n"
            "            auth = %s\n"
            "        }\n"
            "        children {\n"
            "            fleet {\n",
            name, auth, plan->name, auth);
    put_traffic(f, plan, own);
    fputs("            }\n        }\n    }\n", f);
}

static void put_culvert_conf(FILE *f, struct making *m)
{
    struct gateway_plan plan = *m->plan;
    char own[PLAN_TEXT], others[PLAN_TEXT];

    gateway_plan_inside(&plan, own, others);
    fprintf(f,
            "# Written by `culvert init`, once; it is yours from now on.\n"
            "culvert {\n"
            "    registry = \"%s\"\n"
            "    tun_addrs = %s\n"
            "}\n"
            "connections {\n",
            plan.registry, own);
    put_connection(f, &plan, own, "fleet", "pubkey");
    put_connection(f, &plan, own, "fleet-psk", "psk");
    fprintf(f,
            "}\n"
            "pools {\n"
            "    fleet {\n"
            "        addrs = %s\n",
            others);
    put_list(f, "        dns", plan.dns, plan.n_dns);
    fputs("    }\n}\n", f);
}

/* In brackets where it is an IPv6 address. */
static const char *bracketed(char out[PLAN_TEXT + 2], const char *host)
{
    (void)snprintf(out, PLAN_TEXT + 2, strchr(host, ':') != NULL ? "[%.255s]" : "%.255s", host);
    return out;
}

/* Where bundles send devices: the address, and a port that fleetd listens at. */
static void find_address(const struct gateway_plan *plan, char out[PLAN_TEXT + 16],
                         uint16_t *listened)
{
    char host[BUNDLE_HOST], text[PLAN_TEXT + 2];
    uint16_t port;

    (void)bundle_read_host(plan->listen[0], host, listened);
    (void)bundle_read_host(plan->address, host, &port);
    if (strstr(plan->address, "]:") == NULL &&
        (strchr(plan->address, ':') == NULL || strchr(host, ':') != NULL))
        port = *listened; /* none was given */
    (void)snprintf(out, PLAN_TEXT + 16, "%s:%u", bracketed(text, host), port);
}

static void put_fleet_conf(FILE *f, struct making *m)
{
    struct gateway_plan plan = *m->plan;
    char own[PLAN_TEXT], others[PLAN_TEXT], address[PLAN_TEXT + 16], text[PLAN_TEXT + 2];
    uint16_t port;

    gateway_plan_inside(&plan, own, others);
    find_address(&plan, address, &port);
    fputs("# Written by `culvert init`, once; it is yours from now on.\nfleet {\n", f);
    put_list(f, "    listen", plan.listen, plan.n_listen);
    fprintf(f,
            "    certificate = %s/fleet/https.pem\n"
            "    key = %s/fleet/https.key\n"
            "    client_ca = %s/ca/ca.pem\n"
            "    registry = \"%s\"\n"
            "    vici = %s/vici.sock\n"
            "    ca_certificate = %s/ca/ca.pem\n"
            "    ca_key = %s/ca/ca.key\n"
            "    certificate_lifetime = %llds\n"
            "    est_inside = https://%s:%u\n"
            "}\n",
            m->p->conf, m->p->conf, m->p->conf, plan.registry, m->p->run, m->p->conf,
            m->p->conf, (long long)plan.lifetime_s, bracketed(text, own), port);
}

static bool make_conf(struct making *m, const char *name,
                      void (*put)(FILE *f, struct making *m))
{
    char path[PLACE_MAX], *text = NULL;
    size_t n;
    FILE *f;
    bool ok;

    if (!lacks(m, name, path))
        return true;
    f = open_memstream(&text, &n);
    put(f, m);
    fclose(f);
    ok = file_create(path, (struct cv_span){(const uint8_t *)text, n}, 0644, m->why);
    free(text);
    return count(m, ok);
}

/* ---- the registry ------------------------------------------------------------------------ */

static enum registry_err set(struct making *m, struct registry *r, const char *name,
                             const char *value)
{
    char was[PLAN_TEXT * 2];
    const enum registry_err err = registry_setting_get(r, name, was, sizeof(was));

    if (err == REGISTRY_OK && strcmp(was, value) == 0)
        return REGISTRY_OK;
    if (err != REGISTRY_OK && err != REGISTRY_NONE)
        return err;
    m->made++;
    return registry_setting_put(r, name, value);
}

/* One to begin with. */
static enum registry_err make_profile(struct making *m, struct registry *r)
{
    const struct group sensor = {.name = "sensor", .notes = "devices that report"};
    struct group was;
    enum registry_err err = registry_group_get(r, GROUP_PROFILE, sensor.name, &was);
    bool made = false;

    if (err == REGISTRY_NONE)
        err = registry_group_put(r, GROUP_PROFILE, &sensor, &made);
    m->made += made;
    return err;
}

/* What bundles are made of, so that whoever reaches the registry can make them. */
static bool make_registry(struct making *m)
{
    const struct registry_config c = {.uri = m->plan->registry};
    char address[PLAN_TEXT + 16], pin[PIN_TEXT];
    enum registry_err err;
    struct registry *r = registry_open(&c, &err, m->why);
    uint16_t port;
    struct pin of_ca;

    if (r == NULL)
        return false;
    find_address(m->plan, address, &port);
    err = set(m, r, "gateway", address);
    if (err == REGISTRY_OK)
        err = set(m, r, "gateway-name", m->plan->name);
    if (err == REGISTRY_OK && pin_of_cert(m->ca.cert, &of_ca))
        err = set(m, r, "pin", pin_text(pin, &of_ca));
    if (err == REGISTRY_OK && m->made > 0)
        err = make_profile(m, r);
    if (err != REGISTRY_OK)
        problem_set(m->why, "the registry %s: %s", registry_name(r), registry_why(r));
    registry_close(r);
    return err == REGISTRY_OK;
}

/* ---- all of it ----------------------------------------------------------------------------
 */

static bool make_dirs(struct making *m)
{
    static const struct {
        const char *name;
        mode_t mode;
    } dirs[] = {
        {"ca",      0700},
        {"private", 0700},
        {"fleet",   0700},
        {"x509",    0755},
        {"x509ca",  0755},
    };
    char path[PLACE_MAX];

    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
        if (!file_make_dir(place_of(path, m->p, dirs[i].name), dirs[i].mode, m->why))
            return false;
    return file_make_dir(m->p->state, 0700, m->why);
}

/* A configuration that was there before stays whose it is. */
static bool may_begin(struct making *m)
{
    char path[PLACE_MAX];

    return lacks(m, "culvert.conf", path) ||
           problem_set(m->why,
                       "%s is there already and was not written by `culvert init`: move it "
                       "away, or give another place with --root",
                       path);
}

bool gateway_make(const struct gateway_plan *plan, const struct places *p, unsigned *made,
                  struct problem *why)
{
    struct making m = {.plan = plan, .p = p, .why = why};
    char path[PLACE_MAX];
    const bool is_new = lacks(&m, "init.conf", path);
    bool ok = (!is_new || may_begin(&m)) && make_dirs(&m);

    ok = ok && (!is_new || count(&m, gateway_plan_write(plan, p, why)));
    ok = ok && make_authority(&m) && trust_authority(&m) &&
         make_pair(&m, "private/gateway.key", "x509/gateway.pem", false) &&
         make_pair(&m, "fleet/https.key", "fleet/https.pem", true) && make_registry(&m) &&
         make_conf(&m, "fleet.conf", put_fleet_conf) &&
         make_conf(&m, "culvert.conf", put_culvert_conf);
    authority_free(&m.ca);
    *made = m.made;
    return ok;
}
