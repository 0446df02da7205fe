/* Owns secrets sections: shared secrets and their owners, and the passphrases of private
 * keys.  Secrets are never copied but to the credential store, and never shown in messages;
 * what is decoded here is wiped.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "config/conf_secret.h"
#include "config/inside.h"
#include "kit/suggest.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- encodings -------------------------------------------------------------- */

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 10;
    return -1;
}

static bool decode_hex(const char *in, size_t n, uint8_t *out, size_t *len)
{
    for (size_t i = 0; i + 1 < n; i += 2) {
        int hi = digit_value(in[i]), lo = digit_value(in[i + 1]);

        if (hi < 0 || hi > 15 || lo < 0 || lo > 15)
            return false;
        out[i / 2] = (uint8_t)(hi << 4 | lo);
    }
    *len = n / 2;
    return n % 2 == 0;
}

static int base64_value(char c)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(alphabet, c) : NULL;

    return at != NULL ? (int)(at - alphabet) : -1;
}

/* RFC 4648 section 4; the padding may be left out. */
static bool decode_base64(const char *in, size_t n, uint8_t *out, size_t *len)
{
    uint32_t bits = 0;
    unsigned have = 0;

    for (unsigned pad = 0; n > 0 && pad < 2 && in[n - 1] == '='; pad++)
        n--;
    *len = 0;
    for (size_t i = 0; i < n; i++) {
        int v = base64_value(in[i]);

        if (v < 0)
            return false;
        bits = (bits << 6 | (uint32_t)v) & 0xffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[(*len)++] = (uint8_t)(bits >> have);
        }
    }
    return n % 4 != 1;
}

bool conf_secret_decode(struct conf_reader *r, const struct node *n, struct cv_span *out)
{
    uint8_t *octets = mem_new(n->value_len + 1, 1);
    const char *text = n->value;
    size_t len = n->value_len;
    bool ok = true;

    if (len >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        ok = decode_hex(text + 2, len - 2, octets, &len) ||
             problem_at(r->why, n, "expected an even number of hexadecimal digits after 0x");
    } else if (len >= 2 && text[0] == '0' && (text[1] == 's' || text[1] == 'S')) {
        ok = decode_base64(text + 2, len - 2, octets, &len) ||
             problem_at(r->why, n, "expected Base64 after 0s");
    } else {
        memcpy(octets, text, len);
    }
    if (ok && len == 0)
        ok = problem_at(r->why, n, "the secret is empty");
    *out = (struct cv_span){octets, len};
    if (!ok)
        conf_secret_free(out, n->value_len);
    return ok;
}

void conf_secret_free(struct cv_span *secret, size_t room)
{
    uint8_t *octets = (uint8_t *)(uintptr_t)secret->p;

    wipe(octets, room);
    free(octets);
    *secret = (struct cv_span){NULL, 0};
}

/* ---- shared secrets --------------------------------------------------------- */

struct shared_draft {
    const struct node *secret;
    struct cv_id *ids;
    unsigned n_ids;
};

static bool take_owner(struct conf_reader *r, const struct node *n, void *field,
                       const void *arg)
{
    struct shared_draft *d = field;

    if (!take_id(r, n, &d->ids[d->n_ids], arg))
        return false;
    d->n_ids++;
    return true;
}

static bool load_shared(struct conf_reader *r, const struct node *section,
                        enum shared_kind kind)
{
    static const struct conf_key keys[] = {
        {"secret", take_node, offsetof(struct shared_draft, secret), NULL},
        {"id*",        take_owner,             0,                        NULL                 },
    };
    static const struct conf_table table = {.keys = keys, .n_keys = COUNT(keys)};
    struct shared_draft d = {0};
    struct cv_span secret;
    struct problem why;
    unsigned members = 1;
    bool ok;

    for (const struct node *n = section->first; n != NULL; n = n->next)
        members++;
    d.ids = mem_take(r->mem, members, sizeof(*d.ids));
    if (!conf_read(r, section, &table, &d))
        return false;
    if (d.secret == NULL)
        return problem_at(r->why, section, "needs 'secret = ...'");
    if (d.secret->kind != NODE_VALUE)
        return problem_at(r->why, d.secret, "expected one value, not a list");
    if (!conf_secret_decode(r, d.secret, &secret))
        return false;
    ok = creds_add_shared(r->creds, kind, section->name, d.ids, d.n_ids, secret, &why);
    conf_secret_free(&secret, d.secret->value_len);
    if (!ok)
        return problem_at(r->why, section, "%s", why.text);
    return true;
}

/* ---- private keys ----------------------------------------------------------- */

struct key_draft {
    const char *file;
    const struct node *secret;
};

static const struct conf_key key_keys[] = {
    {"file",   take_text, offsetof(struct key_draft, file),   NULL},
    {"secret", take_node, offsetof(struct key_draft, secret), NULL},
};
static const struct conf_table key_table = {.keys = key_keys, .n_keys = COUNT(key_keys)};

/* The folders of private keys, which are also the prefixes of their sections. */
const char *const conf_key_folders[] = {"private", "rsa", "ecdsa", "pkcs8", NULL};

bool conf_load_key(struct conf_reader *r, const struct node *n, const char *path,
                   const char *passphrase)
{
    const char *reason;
    struct conf_file f;
    struct problem why;
    bool ok;

    if (!conf_file_read(&f, path, &reason)) {
        problem_set(&why, "cannot read private key '%s': %s", path, reason);
        return n != NULL ? problem_at(r->why, n, "%s", why.text)
                         : problem_set(r->why, "%s", why.text);
    }
    creds_set_file(r->creds, path);
    ok = creds_add_key(r->creds, (struct cv_span){f.p, f.n}, passphrase, NULL, &why);
    creds_set_file(r->creds, NULL);
    conf_file_free(&f);
    if (ok)
        return true;
    return n != NULL ? problem_at(r->why, n, "private key '%s': %s", path, why.text)
                     : problem_set(r->why, "private key '%s': %s", path, why.text);
}

/* A section's own folder first, then the others: charon finds the passphrase by the file's
 * name, whatever the section is called. */
static const char *key_path(struct conf_reader *r, const struct node *section,
                            const char *folder, const char *file)
{
    const char *path = conf_path(r, section, folder, file);

    if (path == NULL || access(path, F_OK) == 0)
        return path;
    for (size_t i = 0; conf_key_folders[i] != NULL; i++) {
        const char *other = conf_path(r, section, conf_key_folders[i], file);

        if (other != NULL && access(other, F_OK) == 0)
            return other;
    }
    return path;
}

static bool load_key_section(struct conf_reader *r, const struct node *section,
                             const char *folder)
{
    struct key_draft d = {0};
    const char *path;

    if (!conf_read(r, section, &key_table, &d))
        return false;
    if (d.file == NULL)
        return problem_at(r->why, section, "needs 'file', the name of a file in %s/", folder);
    path = key_path(r, section, folder, d.file);
    if (path == NULL)
        return false;
    return conf_load_key(r, section, path, d.secret != NULL ? conf_text(r, d.secret) : NULL);
}

/* ---- PKCS #12 ---------------------------------------------------------------- */

bool conf_load_pkcs12(struct conf_reader *r, const char *path, const char *passphrase)
{
    const char *reason;
    struct conf_file f;
    struct problem why;
    bool ok;

    if (!conf_file_read(&f, path, &reason))
        return problem_set(r->why, "cannot read '%s': %s", path, reason);
    creds_set_file(r->creds, path);
    ok = creds_add_pkcs12(r->creds, (struct cv_span){f.p, f.n}, passphrase, &why);
    creds_set_file(r->creds, NULL);
    conf_file_free(&f);
    return ok || problem_set(r->why, "'%s': %s", path, why.text);
}

static bool load_pkcs12_section(struct conf_reader *r, const struct node *section)
{
    struct key_draft d = {0};
    struct problem why;
    const char *path;

    if (!conf_read(r, section, &key_table, &d))
        return false;
    if (d.file == NULL)
        return problem_at(r->why, section, "needs 'file', the name of a file in pkcs12/");
    path = conf_path(r, section, "pkcs12", d.file);
    if (path == NULL)
        return false;
    if (conf_load_pkcs12(r, path, d.secret != NULL ? conf_text(r, d.secret) : NULL))
        return true;
    why = *r->why;
    return problem_at(r->why, section, "%s", why.text);
}

static bool begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* The folder of a section of private keys; NULL for the others. */
static const char *key_folder(const struct node *section)
{
    for (size_t i = 0; section->kind == NODE_SECTION && conf_key_folders[i] != NULL; i++)
        if (begins(section->name, conf_key_folders[i]))
            return conf_key_folders[i];
    return NULL;
}

bool conf_names_key(struct conf_reader *r, const char *path)
{
    const struct node *secrets = r->secrets;

    for (const struct node *s = secrets != NULL ? secrets->first : NULL; s != NULL;
         s = s->next) {
        const char *folder = begins(s->name, "pkcs12") ? "pkcs12" : key_folder(s);
        const char *file = tree_get(s, "file", NULL);
        const char *named =
            folder != NULL && file != NULL ? key_path(r, s, folder, file) : NULL;

        if (named != NULL && strcmp(named, path) == 0)
            return true;
    }
    return false;
}

/* ---- sections --------------------------------------------------------------- */

static const struct {
    const char *prefix;
    enum shared_kind kind;
} shared_kinds[] = {
    {"ike",   SHARED_IKE  },
    {"eap",   SHARED_EAP  },
    {"xauth", SHARED_XAUTH},
    {"ppk",   SHARED_PPK  },
    {"ntlm",  SHARED_NTLM },
};

static const char *const foreign_kinds[] = {"token", "bliss"};

static bool unknown_kind(struct conf_reader *r, const struct node *section)
{
    struct suggest near = suggest_init(section->name);
    char hint[80];

    for (size_t i = 0; i < COUNT(foreign_kinds); i++)
        if (begins(section->name, foreign_kinds[i]))
            return problem_unsupported(r->why, section,
                                       "secrets '%s' of strongSwan are not supported",
                                       foreign_kinds[i]);
    for (size_t i = 0; i < COUNT(shared_kinds); i++)
        suggest_try(&near, shared_kinds[i].prefix);
    for (size_t i = 0; conf_key_folders[i] != NULL; i++)
        suggest_try(&near, conf_key_folders[i]);
    return problem_at(
        r->why, section,
        "the name of a secret begins with its kind: ike, eap, xauth, ntlm, ppk, private, "
        "rsa, ecdsa, pkcs8 or pkcs12; unknown kind '%s'%s",
        section->name, suggest_hint(&near, hint, sizeof(hint)));
}

static bool load_secret(struct conf_reader *r, const struct node *section)
{
    if (section->kind != NODE_SECTION)
        return problem_at(r->why, section, "expected a section: '%s { }'", section->name);
    for (size_t i = 0; i < COUNT(shared_kinds); i++)
        if (begins(section->name, shared_kinds[i].prefix))
            return load_shared(r, section, shared_kinds[i].kind);
    if (begins(section->name, "pkcs12"))
        return load_pkcs12_section(r, section);
    if (key_folder(section) != NULL)
        return load_key_section(r, section, key_folder(section));
    return unknown_kind(r, section);
}

bool conf_load_secret(const struct node *section, struct creds *creds, const char *file_dir,
                      struct problems *found)
{
    struct mem mem = {0};
    struct problem why = {.text = ""};
    struct conf_reader r = {
        .mem = &mem, .creds = creds, .dir = file_dir, .why = &why, .found = found};
    bool ok = load_secret(&r, section) || conf_error(&r);

    mem_drop(&mem);
    return ok;
}
