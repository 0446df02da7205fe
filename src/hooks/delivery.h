/* One POST, with an end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef HOOKS_DELIVERY_H
#define HOOKS_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>

struct delivery;

struct delivery_body {
    const char *text;
    size_t n;
    const char *signature;
};

struct delivery *delivery_new(void); /* NULL: libcurl does not work */
void delivery_free(struct delivery *d);
/* True: answered with 2xx.  said has how it ended, in words. */
bool delivery_post(struct delivery *d, const char *url, const struct delivery_body *body,
                   char *said, size_t n);
/* From another thread: the one under way ends soon, and none begins. */
void delivery_break_off(struct delivery *d);

#endif
