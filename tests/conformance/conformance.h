/* Does a crypto port do what the engine relies on?  For whoever writes one: published values of
 * every algorithm that it lists, in place and at any alignment, several keys at one time, what
 * must be refused, and what it does when it has no more room for keys.
 *
 * No heap, no framework: it runs on the microcontroller itself, too.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_CONFORMANCE_H
#define TESTS_CONFORMANCE_H

#include <culvert/crypto.h>

/* Hears of each fault: what went wrong, and with which algorithm (its IANA number). */
typedef void (*conformance_say)(const char *what, unsigned id);

/* How many checks ran, and how many of them failed; a list of the port that is empty is not
 * checked, an algorithm for which there is no published value is a fault. */
struct conformance {
    unsigned checks, faults;
};

struct conformance conformance_run(const struct cv_crypto *crypto, conformance_say say);

#endif
