/* Owns: the files of culvert.save_keys: xfrm_state in the notation of `ip xfrm state`, esp_sa
 * and ikev2_decryption_table in Wireshark's. Invariant: a file that gets keys is a regular one
 * that nobody but its owner may read, in a directory that nobody but its owner may change; a
 * record is written whole, and its copy wiped.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keylog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "daemon/inside.h"
#include "text/text.h"

enum { RECORD = 2048, HEX = 2 * 128 + 1, NAME = 64 };

/* ---- names ---- */

/* How Linux and Wireshark call an algorithm; bits: of the ICV, in the kernel's notation. */
struct title {
    uint16_t id;
    unsigned bits, salt;
    const char *xfrm, *esp;
    const char *ike_before,
        *ike_after; /* around the key length in bits; NULL: not known there */
};

static const struct title encrs[] = {
    {CV_ENCR_3DES,                  0,   0, "cbc(des3_ede)",                 "TripleDES-CBC [RFC2451]",             "3DES [RFC2451]", NULL                          },
    {CV_ENCR_NULL,                  0,   0, "ecb(cipher_null)",              "NULL",                                "NULL [RFC2410]", NULL                          },
    {CV_ENCR_AES_CBC,               0,   0, "cbc(aes)",                      "AES-CBC [RFC3602]",                   "AES-CBC-",       " [RFC3602]"                  },
    {CV_ENCR_AES_CTR,               0,   4, "rfc3686(ctr(aes))",             "AES-CTR [RFC3686]",                   "AES-CTR-",       " [RFC5930]"                  },
    {CV_ENCR_AES_GCM_8,             64,  4, "rfc4106(gcm(aes))",             "AES-GCM with 8 octet ICV [RFC4106]",
     "AES-GCM-",                                                                                                                      " with 8 octet ICV [RFC5282]" },
    {CV_ENCR_AES_GCM_12,            96,  4, "rfc4106(gcm(aes))",             "AES-GCM with 12 octet ICV [RFC4106]",
     "AES-GCM-",                                                                                                                      " with 12 octet ICV [RFC5282]"},
    {CV_ENCR_AES_GCM_16,            128, 4, "rfc4106(gcm(aes))",             "AES-GCM with 16 octet ICV [RFC4106]",
     "AES-GCM-",                                                                                                                      " with 16 octet ICV [RFC5282]"},
    {CV_ENCR_AES_CCM_8,             64,  3, "rfc4309(ccm(aes))",             NULL,                                  "AES-CCM-",
     " with 8 octet ICV [RFC5282]"                                                                                                                                  },
    {CV_ENCR_AES_CCM_12,            96,  3, "rfc4309(ccm(aes))",             NULL,                                  "AES-CCM-",
     " with 12 octet ICV [RFC5282]"                                                                                                                                 },
    {CV_ENCR_AES_CCM_16,            128, 3, "rfc4309(ccm(aes))",             NULL,                                  "AES-CCM-",
     " with 16 octet ICV [RFC5282]"                                                                                                                                 },
    {CV_ENCR_NULL_GMAC,             128, 4, "rfc4543(gcm(aes))",             NULL,                                  NULL,             NULL                          },
    {CV_ENCR_CHACHA20_POLY1305,     128, 4, "rfc7539esp(chacha20,poly1305)",
     "ChaCha20 with Poly1305 [RFC7634]",                                                                            NULL,             NULL                          },
    {CV_ENCR_AES_GCM_16_IIV,        128, 4, "rfc8750(gcm(aes))",             NULL,                                  NULL,             NULL                          },
    {CV_ENCR_AES_CCM_8_IIV,         64,  3, "rfc8750(ccm(aes))",             NULL,                                  NULL,             NULL                          },
    {CV_ENCR_CHACHA20_POLY1305_IIV, 128, 4, "rfc8750(chacha20,poly1305)",    NULL,                                  NULL,             NULL                          },
};

static const struct title integs[] = {
    {CV_INTEG_NONE,              0,   0, NULL,                "NULL",                                    "NONE [RFC4306]",        NULL},
    {CV_INTEG_HMAC_MD5_96,       96,  0, "hmac(md5)",         "HMAC-MD5-96 [RFC2403]",                   "HMAC_MD5_96 [RFC2403]",
     NULL                                                                                                                             },
    {CV_INTEG_HMAC_SHA1_96,      96,  0, "hmac(sha1)",        "HMAC-SHA-1-96 [RFC2404]",
     "HMAC_SHA1_96 [RFC2404]",                                                                                                    NULL},
    {CV_INTEG_AES_XCBC_96,       96,  0, "xcbc(aes)",         "ANY 96 bit authentication [no checking]", NULL,
     NULL                                                                                                                             },
    {CV_INTEG_AES_CMAC_96,       96,  0, "cmac(aes)",         "ANY 96 bit authentication [no checking]", NULL,
     NULL                                                                                                                             },
    {CV_INTEG_AES_128_GMAC,      128, 4, "rfc4543(gcm(aes))",
     "ANY 192 bit authentication [no checking]",                                                         NULL,                    NULL},
    {CV_INTEG_AES_192_GMAC,      128, 4, "rfc4543(gcm(aes))",
     "ANY 192 bit authentication [no checking]",                                                         NULL,                    NULL},
    {CV_INTEG_AES_256_GMAC,      128, 4, "rfc4543(gcm(aes))",
     "ANY 192 bit authentication [no checking]",                                                         NULL,                    NULL},
    {CV_INTEG_HMAC_SHA2_256_128, 128, 0, "hmac(sha256)",      "HMAC-SHA-256-128 [RFC4868]",
     "HMAC_SHA2_256_128 [RFC4868]",                                                                                               NULL},
    {CV_INTEG_HMAC_SHA2_384_192, 192, 0, "hmac(sha384)",      "HMAC-SHA-384-192 [RFC4868]",
     "HMAC_SHA2_384_192 [RFC4868]",                                                                                               NULL},
    {CV_INTEG_HMAC_SHA2_512_256, 256, 0, "hmac(sha512)",      "HMAC-SHA-512-256 [RFC4868]",
     "HMAC_SHA2_512_256 [RFC4868]",                                                                                               NULL},
};

#define TITLE(table, id) find(table, sizeof(table) / sizeof((table)[0]), id)

static const struct title *find(const struct title *t, size_t n, uint16_t id)
{
    static const struct title unknown = {0};

    for (size_t i = 0; i < n; i++)
        if (t[i].id == id)
            return &t[i];
    return &unknown;
}

static bool ike_title(char out[NAME], const struct title *t, unsigned bits)
{
    if (t->ike_before == NULL)
        return false;
    if (t->ike_after == NULL)
        (void)snprintf(out, NAME, "%s", t->ike_before);
    else
        (void)snprintf(out, NAME, "%s%u%s", t->ike_before, bits, t->ike_after);
    return true;
}

/* ---- records ---- */

static const char *hex(char out[HEX], struct cv_span s)
{
    size_t n = s.n < HEX / 2 ? s.n : HEX / 2;

    for (size_t i = 0; i < n; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", s.p[i]);
    out[2 * n] = '\0';
    return out;
}

/* The whole record at once; a disk that is full is told and stops nothing. */
static void put(struct daemon *d, enum keylog_file f, char record[RECORD])
{
    size_t n = strlen(record);

    if (write(d->keylog.fd[f], record, n) != (ssize_t)n)
        daemon_log(d, 0, LOG_CFG, 0, "save_keys: %s", strerror(errno));
    wipe(record, RECORD);
}

static void on_ike_keys(void *ctx, const struct cv_watched_keys *k)
{
    const struct title *encr = TITLE(encrs, k->suite.encr);
    const struct title *integ = TITLE(integs, k->suite.integ);
    char record[RECORD], encr_name[NAME], integ_name[NAME];
    char spi_i[HEX], spi_r[HEX], ei[HEX], er[HEX], ai[HEX], ar[HEX];

    if (!ike_title(encr_name, encr, k->suite.encr_bits) || !ike_title(integ_name, integ, 0))
        return; /* Wireshark cannot open these */
    hex(spi_i, (struct cv_span){k->spi_i, sizeof(k->spi_i)});
    hex(spi_r, (struct cv_span){k->spi_r, sizeof(k->spi_r)});
    (void)snprintf(record, sizeof(record), "%s,%s,%s,%s,\"%s\",%s,%s,\"%s\"\n", spi_i, spi_r,
                   hex(ei, k->ei), hex(er, k->er), encr_name, hex(ai, k->ai), hex(ar, k->ar),
                   integ_name);
    put(ctx, KEYLOG_IKE, record);
    wipe(ei, HEX), wipe(er, HEX), wipe(ai, HEX), wipe(ar, HEX);
}

/* One direction of a Child SA. */
struct one_way {
    const struct cv_pair_config *pair;
    const struct cv_endpoint *src, *dst;
    uint32_t spi;
    struct cv_span encr, integ;
};

static size_t integ_key_len(uint16_t integ)
{
    switch (integ) {
    case CV_INTEG_NONE:
        return 0;
    case CV_INTEG_HMAC_SHA1_96:
        return 20;
    case CV_INTEG_AES_128_GMAC:
        return 20;
    case CV_INTEG_AES_192_GMAC:
        return 28;
    case CV_INTEG_AES_256_GMAC:
        return 36;
    case CV_INTEG_HMAC_SHA2_256_128:
        return 32;
    case CV_INTEG_HMAC_SHA2_384_192:
        return 48;
    case CV_INTEG_HMAC_SHA2_512_256:
        return 64;
    default:
        return 16;
    }
}

static struct one_way way_of(const struct cv_pair_config *p, bool out)
{
    struct cv_span key = out ? p->key_out : p->key_in;
    size_t n =
        integ_key_len(p->suite.integ) < key.n ? key.n - integ_key_len(p->suite.integ) : 0;

    return (struct one_way){
        .pair = p,
        .src = out ? &p->local : &p->remote,
        .dst = out ? &p->remote : &p->local,
        .spi = out ? p->spi_out : p->spi_in,
        .encr = {key.p,     n        },
        .integ = {key.p + n, key.n - n}
    };
}

static void put_xfrm(struct daemon *d, const struct one_way *w, const char *src,
                     const char *dst)
{
    const struct cv_pair_config *p = w->pair;
    const struct title *encr = TITLE(encrs, p->suite.encr);
    const struct title *integ = TITLE(integs, p->suite.integ);
    char record[RECORD], key[HEX];
    size_t n;

    n = (size_t)snprintf(record, sizeof(record),
                         "src %s dst %s\n\tproto %s spi 0x%08x reqid %u mode %s\n"
                         "\treplay-window %u%s\n",
                         src, dst, p->protocol == CV_PROTO_AH ? "ah" : "esp", w->spi, p->id,
                         p->mode == CV_TRANSPORT ? "transport" : "tunnel", p->replay_window,
                         p->suite.esn == CV_ESN_YES ? " flag esn" : "");
    if (p->protocol == CV_PROTO_ESP && encr->bits != 0)
        n += (size_t)snprintf(record + n, sizeof(record) - n, "\taead %s 0x%s %u\n", encr->xfrm,
                              hex(key, w->encr), encr->bits);
    else if (p->protocol == CV_PROTO_ESP && w->encr.n > 0)
        n += (size_t)snprintf(record + n, sizeof(record) - n, "\tenc %s 0x%s\n", encr->xfrm,
                              hex(key, w->encr));
    else if (p->protocol == CV_PROTO_ESP)
        n += (size_t)snprintf(record + n, sizeof(record) - n, "\tenc %s ''\n", encr->xfrm);
    if (w->integ.n > 0)
        n += (size_t)snprintf(record + n, sizeof(record) - n, "\tauth-trunc %s 0x%s %u\n",
                              integ->xfrm, hex(key, w->integ), integ->bits);
    if (p->encap)
        (void)snprintf(record + n, sizeof(record) - n,
                       "\tencap type espinudp sport %u dport %u addr 0.0.0.0\n", w->src->port,
                       w->dst->port);
    wipe(key, HEX);
    put(d, KEYLOG_XFRM, record);
}

static void put_wireshark(struct daemon *d, const struct one_way *w, const char *src,
                          const char *dst)
{
    const struct title *encr = TITLE(encrs, w->pair->suite.encr);
    const struct title *integ = TITLE(integs, w->pair->suite.integ);
    char record[RECORD], key[HEX], mac[HEX];

    if (w->pair->protocol != CV_PROTO_ESP || encr->esp == NULL || integ->esp == NULL)
        return; /* AH hides nothing */
    (void)snprintf(record, sizeof(record),
                   "\"%s\",\"%s\",\"%s\",\"0x%08x\",\"%s\",\"%s%s\",\"%s\",\"%s%s\"\n",
                   w->src->addr.family == CV_IPV6 ? "IPv6" : "IPv4", src, dst, w->spi,
                   encr->esp, w->encr.n > 0 ? "0x" : "", hex(key, w->encr), integ->esp,
                   w->integ.n > 0 ? "0x" : "", hex(mac, w->integ));
    wipe(key, HEX), wipe(mac, HEX);
    put(d, KEYLOG_ESP, record);
}

static void on_child_keys(void *ctx, const struct cv_pair_config *pair)
{
    for (int out = 0; out <= 1; out++) {
        const struct one_way w = way_of(pair, out);
        char src[64], dst[64];

        addr_format(src, sizeof(src), &w.src->addr);
        addr_format(dst, sizeof(dst), &w.dst->addr);
        put_xfrm(ctx, &w, src, dst);
        put_wireshark(ctx, &w, src, dst);
    }
}

/* ---- files ---- */

static bool is_private(int fd, mode_t kind)
{
    struct stat st;

    return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == kind && st.st_uid == geteuid() &&
           (st.st_mode & (kind == S_IFDIR ? 022 : 077)) == 0 &&
           (kind == S_IFDIR || st.st_nlink == 1);
}

static bool open_file(struct daemon *d, int dir, enum keylog_file f)
{
    static const char *const names[] = {"xfrm_state", "esp_sa", "ikev2_decryption_table"};
    int *fd = &d->keylog.fd[f];

    *fd = openat(dir, names[f], O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*fd >= 0 && !is_private(*fd, S_IFREG)) {
        close(*fd);
        *fd = -1;
        errno = EPERM;
    }
    return *fd >= 0;
}

bool keylog_open(struct daemon *d, const char *path, struct problem *why)
{
    int dir;
    bool ok;

    if (path == NULL)
        return true;
    for (int f = 0; f < KEYLOG_FILES; f++)
        d->keylog.fd[f] = -1;
    d->keylog.is_on = true;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return problem_set(why, "save_keys: %s: %s", path, strerror(errno));
    dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    ok = dir >= 0 && is_private(dir, S_IFDIR);
    for (int f = 0; ok && f < KEYLOG_FILES; f++)
        ok = open_file(d, dir, (enum keylog_file)f);
    if (dir >= 0)
        close(dir);
    if (!ok)
        return problem_set(why,
                           "save_keys: %s and the files in it must belong to this user, and be "
                           "changed and read by nobody else",
                           path);
    d->watch.ctx = d;
    d->watch.ike_keys = on_ike_keys;
    d->watch.child_keys = on_child_keys;
    daemon_log(d, 0, LOG_CFG, 0,
               "save_keys is set: every key goes to %s, and who reads it reads all traffic",
               path);
    return true;
}

void keylog_close(struct daemon *d)
{
    for (int f = 0; d->keylog.is_on && f < KEYLOG_FILES; f++)
        if (d->keylog.fd[f] >= 0)
            close(d->keylog.fd[f]);
    d->keylog.is_on = false;
}
