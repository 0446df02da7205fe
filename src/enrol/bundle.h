/* A bundle: all that a device needs to enrol, in one line without a blank, a quote or a letter
 * that a shell would take for its own.
 *
 *   culvert://NAME:CODE@HOST:PORT/PIN/UNTIL
 *
 * PIN is the fingerprint of the fleet's authority (pki/pin.h), UNTIL the code's end in Unix
 * seconds.  HOST in brackets is an IPv6 address.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ENROL_BUNDLE_H
#define ENROL_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "kit/problem.h"
#include "pki/pin.h"

enum { BUNDLE_NAME = 64, BUNDLE_CODE = 64, BUNDLE_HOST = 256, BUNDLE_TEXT = 512 };

struct bundle {
    char name[BUNDLE_NAME];
    char code[BUNDLE_CODE];
    char host[BUNDLE_HOST]; /* without brackets */
    uint16_t port;
    struct pin pin;
    int64_t until_s;
};

/* Returns out; "" for what cannot be written. */
const char *bundle_text(char out[BUNDLE_TEXT], const struct bundle *b);
/* Blanks around it are passed over.  false: why says which part is missing or wrong; the code
 * is never in it. */
bool bundle_read(const char *text, struct bundle *out, struct problem *why);

/* "gw.example", "gw.example:8443", "192.0.2.1", "[2001:db8::1]:8443" into host and port (the
 * default one when none is given). */
enum { ENROL_PORT = 8443 };
bool bundle_read_host(const char *text, char host[BUNDLE_HOST], uint16_t *port);

#endif
