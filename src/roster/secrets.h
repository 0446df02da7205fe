/* Devices that prove themselves by a shared secret of their own, which the registry has.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ROSTER_SECRETS_H
#define ROSTER_SECRETS_H

#include "roster/inside.h"

/* Provides for CV_NEED_PSK: the file's secrets go before the registry's. */
void secrets_provide(struct roster *r);
/* What the clerk has found. */
void secrets_answer(struct roster *r, const struct clerk_answer *a);

/* The octets of a secret as the registry has it: "0x" and hexadecimal, else the text itself.
 * false: hexadecimal that is none, or nothing. */
bool secret_decode(const char *text, uint8_t *out, size_t room, size_t *n);

#endif
