/* Owns whole configuration files: the order in which their sections and the folders beside
 * them are loaded, and what an error keeps from loading.
 *
 * Certificates and keys come first, since connections refer to them; pools before the
 * connections that name them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "config/conf_secret.h"
#include "config/conf_settings.h"
#include "config/inside.h"
#include "kit/suggest.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- top level -------------------------------------------------------------- */

static const char *const top_sections[] = {"connections", "secrets", "pools", "authorities",
                                           "culvert"};

/* Sections that others inherit from may have any name. */
static bool check_top(const struct node *root, struct conf_reader *r)
{
    const unsigned before = r->found->errors;

    for (const struct node *n = root->first; n != NULL; n = n->next) {
        struct suggest near = suggest_init(n->name);
        bool known = n->kind == NODE_SECTION && n->base;
        char hint[80];

        for (size_t i = 0; i < COUNT(top_sections); i++) {
            known = known || (n->kind == NODE_SECTION && strcmp(n->name, top_sections[i]) == 0);
            suggest_try(&near, top_sections[i]);
        }
        if (known)
            continue;
        problem_at(r->why, n, "unknown %s '%s'%s", n->kind == NODE_SECTION ? "section" : "key",
                   n->name, suggest_hint(&near, hint, sizeof(hint)));
        conf_error(r);
    }
    return r->found->errors == before;
}

/* Loads what can be loaded, and notes the errors of the rest. */
static void each_section(const struct node *root, const char *name, struct conf_reader *r,
                         bool (*load)(struct conf_reader *r, const struct node *n, void *ctx),
                         void *ctx)
{
    const struct node *top = tree_find(root, name);

    for (const struct node *n = top != NULL ? top->first : NULL; n != NULL; n = n->next) {
        if (n->kind != NODE_SECTION)
            problem_at(r->why, n, "expected a section: '%s { }'", n->name);
        else if (load(r, n, ctx))
            continue;
        conf_error(r);
    }
}

/* ---- certificates and keys -------------------------------------------------- */

static bool add_cert_file(struct conf_reader *r, const char *path, bool ca)
{
    const char *reason;
    struct conf_file f;
    struct problem why;
    bool ok;

    if (!conf_file_read(&f, path, &reason))
        return problem_set(r->why, "cannot read certificate '%s': %s", path, reason);
    creds_set_file(r->creds, path);
    ok = creds_add_cert(r->creds, (struct cv_span){f.p, f.n}, ca, &why) != NULL;
    creds_set_file(r->creds, NULL);
    conf_file_free(&f);
    return ok || problem_set(r->why, "certificate '%s': %s", path, why.text);
}

static bool load_ca_file(struct conf_reader *r, const char *path)
{
    return add_cert_file(r, path, true);
}

static bool load_cert_file(struct conf_reader *r, const char *path)
{
    return add_cert_file(r, path, false);
}

static bool load_crl_file(struct conf_reader *r, const char *path)
{
    const char *reason;
    struct conf_file f;
    struct problem why;
    bool ok;

    if (!conf_file_read(&f, path, &reason))
        return problem_set(r->why, "cannot read revocation list '%s': %s", path, reason);
    ok = creds_add_crl(r->creds, (struct cv_span){f.p, f.n}, &why);
    conf_file_free(&f);
    return ok || problem_set(r->why, "revocation list '%s': %s", path, why.text);
}

static bool load_key_file(struct conf_reader *r, const char *path)
{
    /* Its section loads it, with the passphrase. */
    if (conf_names_key(r, path))
        return true;
    return conf_load_key(r, NULL, path, NULL);
}

static bool load_pkcs12_file(struct conf_reader *r, const char *path)
{
    return conf_names_key(r, path) || conf_load_pkcs12(r, path, NULL);
}

static bool load_pubkey_file(struct conf_reader *r, const char *path)
{
    const char *reason;
    struct conf_file f;
    struct problem why;
    bool ok;

    if (!conf_file_read(&f, path, &reason))
        return problem_set(r->why, "cannot read public key '%s': %s", path, reason);
    creds_set_file(r->creds, path);
    ok = creds_add_pubkey(r->creds, (struct cv_span){f.p, f.n}, &why) != NULL;
    creds_set_file(r->creds, NULL);
    conf_file_free(&f);
    return ok || problem_set(r->why, "public key '%s': %s", path, why.text);
}

static void load_folders(struct conf_reader *r)
{
    conf_load_folder(r, "x509ca", load_ca_file);
    conf_load_folder(r, "x509", load_cert_file);
    conf_load_folder(r, "x509crl", load_crl_file);
    for (size_t i = 0; conf_key_folders[i] != NULL; i++)
        conf_load_folder(r, conf_key_folders[i], load_key_file);
    conf_load_folder(r, "pkcs12", load_pkcs12_file);
    conf_load_folder(r, "pubkey", load_pubkey_file);
}

/* ---- sections --------------------------------------------------------------- */

struct authority_draft {
    const char *cacert, *file, *cert_uri_base;
    struct conf_texts crl_uris, ocsp_uris;
};

static bool is_usable_uri(const char *uri)
{
    return strncasecmp(uri, "http://", 7) == 0 || strncasecmp(uri, "https://", 8) == 0 ||
           strncasecmp(uri, "file://", 7) == 0;
}

/* Others of the list may do, so one that does not is no error. */
static bool take_uris(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    struct conf_texts *t = field;
    unsigned kept = 0;

    if (!take_texts(r, n, t, arg))
        return false;
    for (unsigned i = 0; i < t->n; i++) {
        if (is_usable_uri(t->v[i])) {
            t->v[kept++] = t->v[i];
            continue;
        }
        problem_at(r->why, n, "'%s' is not used: expected http://, https:// or file://",
                   t->v[i]);
        conf_warning(r);
    }
    t->n = kept;
    return true;
}

/* RFC 7296 section 3.6: implementations "MUST support the http: scheme"; peers have us ask
 * there, so it is the only one. */
static bool take_base(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    const char *text = conf_text(r, n);

    if (text == NULL)
        return false;
    if (strncmp(text, "http://", 7) != 0 || text[7] == '\0' || strlen(text) > 400)
        return problem_at(r->why, n, "expected http://HOST/PATH/, not '%s'", text);
    return take_text(r, n, field, arg);
}

/* clang-format off */
#define FIELD(name) offsetof(struct authority_draft, name)
static const struct conf_key authority_keys[] = {
    {"cacert",        take_text,    FIELD(cacert), NULL},
    {"file",          take_text,    FIELD(file),   NULL},
    {"crl_uris",      take_uris, FIELD(crl_uris),  NULL},
    {"ocsp_uris",     take_uris, FIELD(ocsp_uris), NULL},
    {"cert_uri_base", take_base,    FIELD(cert_uri_base), NULL},
    {"handle",        take_foreign, 0,             NULL},
    {"slot",          take_foreign, 0,             NULL},
    {"module",        take_foreign, 0,             NULL},
};
/* clang-format on */

static const struct conf_table authority_table = {.keys = authority_keys,
                                                  .n_keys = COUNT(authority_keys)};

static bool load_authority(struct conf_reader *r, const struct node *n, void *ctx)
{
    struct authority_draft d = {0};
    struct authority_conf a = {.name = n->name};
    const char *name;

    (void)ctx;
    if (!conf_read(r, n, &authority_table, &d))
        return false;
    if ((d.cacert == NULL) == (d.file == NULL))
        return problem_at(r->why, n, "needs 'cacert' or 'file', the CA's certificate");
    name = d.cacert != NULL ? d.cacert : d.file;
    a.cert = conf_load_cert(r, n, "x509ca", name, true);
    if (a.cert == NULL)
        return false;
    a.crl_uris = d.crl_uris.v;
    a.n_crl_uris = d.crl_uris.n;
    a.ocsp_uris = d.ocsp_uris.v;
    a.n_ocsp_uris = d.ocsp_uris.n;
    a.cert_uri_base = d.cert_uri_base;
    creds_set_authority(r->creds, &a);
    return true;
}

static bool load_secret(struct conf_reader *r, const struct node *n, void *ctx)
{
    (void)ctx;
    return conf_load_secret(n, r->creds, r->dir, r->found);
}

static bool load_pool(struct conf_reader *r, const struct node *n, void *ctx)
{
    return conf_load_pool(ctx, n, r->found);
}

static void refuse(struct conf *conf, const char *name)
{
    conf->refused = mem_grow(conf->refused, &conf->cap_refused, conf->n_refused + 1,
                             sizeof(*conf->refused));
    conf->refused[conf->n_refused++] = mem_text(name);
}

/* Every pool that a connection names exists: a slip here would only show when a device
 * connects. */
static bool check_pools(struct conf_reader *r, const struct node *section, const struct conn *c,
                        const struct pools *pools)
{
    bool ok = true;

    for (unsigned i = 0; i < c->n_pools; i++) {
        struct suggest near = suggest_init(c->pools[i]);
        struct pool_view view;
        char hint[80];

        if (pools_has(pools, c->pools[i]))
            continue;
        for (unsigned at = 0; pools_next(pools, &at, &view);)
            suggest_try(&near, view.name);
        problem_at(r->why, tree_find(section, "pools"), "there is no pool '%s'%s", c->pools[i],
                   suggest_hint(&near, hint, sizeof(hint)));
        ok = conf_error(r);
    }
    return ok;
}

struct conn_list {
    struct conf *conf;
    struct conn **end;
    const struct pools *pools;
};

static bool load_conn(struct conf_reader *r, const struct node *n, void *ctx)
{
    struct conn_list *list = ctx;
    struct conn *c = conn_build(n, r->creds, r->dir, r->found);

    if (c == NULL || !check_pools(r, n, c, list->pools)) {
        conn_free(c);
        refuse(list->conf, n->name);
        return false;
    }
    *list->end = c;
    list->end = &c->next;
    return true;
}

/* What proves who we are is complete only now: a certificate may be another connection's. */
static void check_conns(struct conf *conf, const struct node *root, struct conf_reader *r)
{
    const struct node *sections = tree_find(root, "connections");
    struct conn **at = &conf->conns;
    unsigned key = 0;

    while (*at != NULL) {
        struct conn *c = *at;

        if (conn_check(c, tree_find(sections, c->cv.name), r->creds, r->found)) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        refuse(conf, c->cv.name);
        conn_free(c);
    }
    while (creds_next_lone_key(r->creds, &key, r->why))
        conf_warning(r);
}

/* What an error anywhere in the file does.  What we cannot do is no reason to do nothing of
 * what we can; a slip is one, since nobody knows what was meant. */
static bool is_usable(const struct conf *conf, bool lenient)
{
    const struct problems *found = &conf->found;

    if (found->errors == 0)
        return true;
    if (conf->settings.strict || conf->conns == NULL)
        return false;
    return lenient || found->errors == found->unsupported;
}

static uint32_t policies_of(const struct cv_child_config *const *children, unsigned n)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < n; i++)
        sum += children[i]->n_local_ts * children[i]->n_remote_ts;
    return sum;
}

/* Every connection of the file has room, and every policy that it may need. */
static void fit_tables(struct conf *conf)
{
    uint32_t conns = 0, policies = 0;

    for (const struct conn *c = conf->conns; c != NULL; c = c->next) {
        conns++;
        policies +=
            policies_of(c->cv.children, c->cv.n_children) + policies_of(c->shunts, c->n_shunts);
    }
    conf_size_tables(&conf->settings, conns, policies);
}

static bool load_tree(struct conf *out, const struct node *root, struct conf_reader *r,
                      struct pools *pools)
{
    struct pool_words common = {.n_dns = 0};
    struct conn_list list = {out, &out->conns, pools};
    bool ok;

    r->secrets = tree_find(root, "secrets");
    ok = check_top(root, r);
    ok = (conf_read_settings(r, tree_find(root, "culvert"), &out->settings) || conf_error(r)) &&
         ok;
    conf_read_common_words(r, &common);
    pools_tell_all(pools, &common);
    load_folders(r);
    each_section(root, "authorities", r, load_authority, NULL);
    each_section(root, "secrets", r, load_secret, NULL);
    each_section(root, "pools", r, load_pool, pools);
    each_section(root, "connections", r, load_conn, &list);
    check_conns(out, root, r);
    if (ok)
        fit_tables(out);
    return ok;
}

/* ---- files ------------------------------------------------------------------ */

static const char *directory_of(struct mem *mem, const char *path)
{
    char *dir = mem_take_text(mem, path), *slash = strrchr(dir, '/');

    if (slash == NULL)
        return ".";
    slash[slash == dir] = '\0'; /* "/" stays */
    return dir;
}

static void free_conns(struct conf *c)
{
    while (c->conns != NULL) {
        struct conn *gone = c->conns;

        c->conns = gone->next;
        conn_free(gone);
    }
}

bool conf_load(struct conf *out, const struct conf_source *from, struct creds *creds,
               struct pools *pools)
{
    struct mem mem = {0};
    struct problem why = {.text = ""};
    struct conf_reader r = {.mem = &mem, .creds = creds, .why = &why, .found = &out->found};
    struct node *root;
    bool ok = false;

    *out = (struct conf){.conns = NULL};
    root = tree_read_file(from->path, &out->found);
    if (root != NULL) {
        r.dir = directory_of(&mem, from->path);
        r.strongswan = conf_read_strongswan(&r, from);
        ok = load_tree(out, root, &r, pools) && is_usable(out, from->lenient);
    }
    tree_free(r.strongswan);
    tree_free(root);
    mem_drop(&mem);
    if (!ok)
        free_conns(out);
    return ok;
}

bool conf_refused(const struct conf *c, const char *name)
{
    for (size_t i = 0; i < c->n_refused; i++)
        if (strcmp(c->refused[i], name) == 0)
            return true;
    return false;
}

void conf_free(struct conf *c)
{
    free_conns(c);
    for (size_t i = 0; i < c->n_refused; i++)
        free(c->refused[i]);
    free(c->refused);
    problems_free(&c->found);
    free(c->settings.tun_name);
    free(c->settings.user);
    free(c->settings.registry);
    free(c->settings.gateway);
    free(c->settings.save_keys);
    free(c->settings.dns);
    free(c->settings.renew);
    *c = (struct conf){.conns = NULL};
}

bool conf_check(const struct conf_source *from, struct problems *found)
{
    struct creds *creds = creds_new();
    struct pools *pools = pools_new();
    struct conf conf;
    bool ok;

    ok = conf_load(&conf, from, creds, pools);
    *found = conf.found;
    conf.found = (struct problems){.v = NULL};
    conf_free(&conf);
    pools_free(pools);
    creds_free(creds);
    return ok;
}

char *conf_list_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *out = NULL;

    if (asprintf(&out, "%.*s/x509crl", slash != NULL ? (int)(slash - path) : 1,
                 slash != NULL ? path : ".") < 0)
        return NULL;
    return out;
}

const char *conf_default_file(void)
{
    static const char file[] = "/etc/culvert/culvert.conf";

    return access(file, F_OK) == 0 ? file : NULL;
}
