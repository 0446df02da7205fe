/* The files of page/, as the build embeds them (packaging/embed.sh).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef WEB_PAGE_FILES_H
#define WEB_PAGE_FILES_H

#include <stddef.h>

struct page_file {
    const char *name; /* NULL at the end */
    const unsigned char *octets;
    size_t n;
};

extern const struct page_file page_files[];

#endif
