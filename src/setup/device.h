/* A device of a fleet: what `culvert join` and `culvert renew` leave on it.
 *
 *   private/device.key   born here, mode 0600, never leaves
 *   x509/device.pem      the certificate, renewed in place
 *   x509ca/fleet.pem     the fleet's authority
 *   join.conf            where to renew
 *   culvert.conf         the tunnel
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SETUP_DEVICE_H
#define SETUP_DEVICE_H

#include "enrol/bundle.h"
#include "setup/est_client.h"
#include "setup/places.h"

/* Says what happens, a line each; NULL: nobody listens. */
typedef void device_say(const char *text);

/* Enrols and writes all of the files.  What an earlier try left is used again: the key, so that
 * an answer that was lost comes again.  false: why, and the same bundle can be tried again. */
bool device_join(const struct places *p, const struct bundle *b, device_say *say,
                 struct problem *why);

enum renewed { RENEWED, NOT_DUE, RENEW_FAILED };

/* A new certificate for the same key, once two thirds of the old one's time have passed, or at
 * once.  The files are replaced together or not at all; the daemon is to read them again. */
enum renewed device_renew(const struct places *p, bool at_once, device_say *say,
                          struct problem *why);

/* When that certificate is to be renewed, and when it ends; false: there is none. */
bool device_due(const struct places *p, int64_t *due_s, int64_t *end_s, struct problem *why);

/* The time for certificates: this host's, but never before what the gateway last said. */
int64_t device_now_s(const struct places *p);

#endif
