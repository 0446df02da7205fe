/* Entries with fields for systemd's journal, by its native protocol.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef KIT_JOURNAL_H
#define KIT_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

struct journal_field {
    const char *name;  /* capitals, digits and '_' */
    const char *value; /* one line; "": the field is left out */
};

/* Is stderr the journal's (sd_journal(3), JOURNAL_STREAM)? */
bool journal_is_there(void);
/* Never waits.  False: the journal did not take it. */
bool journal_send(const char *socket_path, const struct journal_field *v, size_t n);

#endif
