/* One-time codes by which a device enrols, and the certificates that it got.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLEET_REGISTRY_CODE_H
#define FLEET_REGISTRY_CODE_H

#include "fleet/registry_device.h"

enum { CODE_TEXT = 33 }; /* 160 bits in base32, and a NUL */

/* A new code for the device until ends_s, in place of any before.  Only its hash is kept. */
enum registry_err registry_code_make(struct registry *r, int64_t device, int64_t ends_s,
                                     char out[CODE_TEXT]);
/* The same for many, in one transaction. */
enum registry_err registry_code_make_many(struct registry *r, const int64_t *devices, size_t n,
                                          int64_t ends_s, char (*out)[CODE_TEXT]);

/* Who tries a code: where from ("198.51.100.7"), for which device (a name; "": whichever it is
 * for), and with which key: until the code's end the one that used it may use it again, for an
 * answer that was lost.  NULL or "": no key. */
enum { CODE_KEY = 64 };
struct code_try {
    const char *code, *device, *from, *key;
};
/* Looks without using it up.  A right code is right even from where wrong ones come: whoever
 * guesses cannot lock out a neighbour.  Wrong ones are counted by source and in all; from the
 * fifth on a source is REGISTRY_SLOW for a time that doubles up to a minute
 * (registry_code_wait_s), and an event tells of it. */
enum registry_err registry_code_look(struct registry *r, const struct code_try *t,
                                     struct device *out);
/* The same, and nobody can use it again.  To be called in one registry_together with what it
 * is used for. */
enum registry_err registry_code_use(struct registry *r, const struct code_try *t,
                                    struct device *out);
int64_t registry_code_wait_s(const struct registry *r); /* after REGISTRY_SLOW */
/* How many wrong ones there have been in all. */
enum registry_err registry_code_wrong_ones(struct registry *r, int64_t *out);

struct certificate {
    char serial[64]; /* hex */
    int64_t device;
    char fingerprint[65]; /* SHA-256 in hex */
    int64_t issued_s, ends_s;
    int64_t revoked_s; /* 0: is not */
};
enum registry_err registry_certificate_add(struct registry *r, const struct certificate *c);
/* REGISTRY_NONE: the registry has not seen it. */
enum registry_err registry_certificate_get(struct registry *r, const char *serial,
                                           struct certificate *out);
/* All certificates of the device. */
enum registry_err registry_certificate_revoke(struct registry *r, int64_t device);
/* The revoked ones that have not ended, for a revocation list; by serial number, behind after.
 */
typedef void certificate_each(void *ctx, const struct certificate *c);
enum registry_err registry_certificate_revoked(struct registry *r, const char *after,
                                               unsigned limit, certificate_each *each,
                                               void *ctx);

#endif
