/* A directory like /etc/swanctl, with certificates made for the test, and a configuration
 * loaded from it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_CONF_FIXTURE_H
#define TESTS_CONF_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "config/config.h"

static char fixture_dir[64];

static inline void fixture_path(char *out, size_t n, const char *name)
{
    snprintf(out, n, "%s/%s", fixture_dir, name);
}

static inline FILE *fixture_open(const char *name)
{
    char path[160];
    FILE *f;

    fixture_path(path, sizeof(path), name);
    f = fopen(path, "w");
    if (f == NULL)
        abort();
    return f;
}

static inline void fixture_write(const char *name, const char *text)
{
    FILE *f = fixture_open(name);

    fputs(text, f);
    fclose(f);
}

static inline void fixture_remove(const char *name)
{
    char path[160];

    fixture_path(path, sizeof(path), name);
    (void)unlink(path);
}

static inline void fixture_extension(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    X509_add_ext(cert, ext, -1);
    X509_EXTENSION_free(ext);
}

/* An unsigned certificate for "C=CH, O=Fleet, CN=cn". */
static inline X509 *fixture_cert(const char *cn, EVP_PKEY *key, long serial)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600L * 24 * 365);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(name, "C", MBSTRING_ASC, (const unsigned char *)"CH", -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"Fleet", -1, -1,
                               0);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
    return cert;
}

static inline void fixture_write_cert(const char *name, X509 *cert)
{
    FILE *f = fixture_open(name);

    PEM_write_X509(f, cert);
    fclose(f);
}

static inline void fixture_write_key(const char *name, EVP_PKEY *key, const char *passphrase)
{
    FILE *f = fixture_open(name);
    size_t n = passphrase != NULL ? strlen(passphrase) : 0;

    PEM_write_PKCS8PrivateKey(f, key, n > 0 ? EVP_aes_256_cbc() : NULL, passphrase, (int)n,
                              NULL, NULL);
    fclose(f);
}

/* x509ca/ca.pem, x509/gw.pem with its key in private/, and an encrypted key in rsa/. */
static inline int fixture_make(void **state)
{
    static const char *const folders[] = {"x509", "x509ca", "private", "rsa", "conf.d"};
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *gw_key = EVP_EC_gen("P-256");
    X509 *ca = fixture_cert("Root", ca_key, 1),
         *gw = fixture_cert("gw.fleet.example", gw_key, 2);
    char path[160];

    (void)state;
    snprintf(fixture_dir, sizeof(fixture_dir), "/tmp/culvert-conf-XXXXXX");
    if (mkdtemp(fixture_dir) == NULL)
        return -1;
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        fixture_path(path, sizeof(path), folders[i]);
        if (mkdir(path, 0700) != 0)
            return -1;
    }
    X509_set_issuer_name(ca, X509_get_subject_name(ca));
    X509_set_issuer_name(gw, X509_get_subject_name(ca));
    fixture_extension(ca, NID_basic_constraints, "critical,CA:TRUE");
    fixture_extension(gw, NID_subject_alt_name, "DNS:gw.fleet.example");
    X509_sign(ca, ca_key, EVP_sha256());
    X509_sign(gw, ca_key, EVP_sha256());
    fixture_write_cert("x509ca/ca.pem", ca);
    fixture_write_cert("x509/gw.pem", gw);
    fixture_write_key("private/gw.pem", gw_key, NULL);
    X509_free(ca);
    X509_free(gw);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(gw_key);
    return 0;
}

static inline int fixture_drop(void **state)
{
    char cmd[160];

    (void)state;
    snprintf(cmd, sizeof(cmd), "rm -rf '%s'", fixture_dir);
    return system(cmd);
}

/* What was loaded. */
struct fixture {
    struct creds *creds;
    struct pools *pools;
    struct conf conf;
    struct problem why;
    bool careful; /* a slip anywhere, and nothing loads */
};

/* why: the first error. */
static inline bool fixture_reload(struct fixture *f, const char *path)
{
    const struct problem *first;
    const struct conf_source from = {.path = path, .lenient = !f->careful};
    bool ok = conf_load(&f->conf, &from, f->creds, f->pools);

    first = problems_first_error(&f->conf.found);
    if (first != NULL)
        f->why = *first;
    return ok;
}

static inline bool fixture_load(struct fixture *f, const char *text)
{
    char path[160];

    fixture_write("swanctl.conf", text);
    fixture_path(path, sizeof(path), "swanctl.conf");
    f->creds = creds_new();
    f->pools = pools_new();
    f->why.text[0] = '\0';
    return fixture_reload(f, path);
}

static inline void fixture_unload(struct fixture *f)
{
    conf_free(&f->conf);
    pools_free(f->pools);
    creds_free(f->creds);
}

static inline const struct conn *fixture_conn(const struct fixture *f, const char *name)
{
    const struct conn *c = f->conf.conns;

    while (c != NULL && strcmp(c->cv.name, name) != 0)
        c = c->next;
    return c;
}

#endif
