/* New devices: in the registry together with what they enrol by, and the words for both.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ENROL_ADMIT_H
#define ENROL_ADMIT_H

#include "enrol/bundle.h"
#include "fleet/registry_code.h"

enum { ADMIT_SECRET = 67, ADMIT_SECRET_OCTETS = 32 }; /* "0x" and 64 digits */

/* What a device has been given. */
struct admitted {
    struct device device;
    struct bundle bundle;      /* by certificate */
    char secret[ADMIT_SECRET]; /* by a shared secret; else "" */
};

struct admission {
    bool by_secret;
    int64_t ends_s; /* of the codes */
};

/* Adds devices, whose names and what else is wanted are in v[].device, with codes or secrets:
 * all of them or none.  The gateway's name is where `culvert init` left it (REGISTRY_NONE: it
 * was not run). */
enum registry_err admit_devices(struct registry *r, const struct admission *how,
                                struct admitted *v, size_t n);
/* A new code for one that is there; whatever it has it keeps. */
enum registry_err admit_again(struct registry *r, const char *name, int64_t ends_s,
                              struct admitted *out);
/* How the gateway is called in IKE. */
enum registry_err admit_gateway_name(struct registry *r, char out[BUNDLE_HOST]);

#endif
