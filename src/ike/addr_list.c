/* See addr_list.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/addr_list.h"

#include "wire/ip.h"

bool addr_is_host(const struct cv_addr *a)
{
    if (addr_len(a->family) == 0 || addr_is_zero(a) || addr_is_group(a))
        return false;
    return a->family == CV_IPV6 ? !(a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80)
                                : a->b[0] != 0 && a->b[0] < 0xe0;
}

bool addr_list_has(const struct addr_list *l, const struct cv_addr *a)
{
    for (unsigned i = 0; i < l->n; i++)
        if (addr_equal(&l->a[i], a))
            return true;
    return false;
}

void addr_list_add(struct addr_list *l, const struct cv_addr *a)
{
    if (l->n < CV_ADDRS_MAX && !addr_list_has(l, a))
        l->a[l->n++] = *a;
}

void addr_list_take(struct addr_list *l, const struct cv_addr *addrs, size_t n)
{
    l->n = 0;
    for (size_t i = 0; i < n; i++)
        if (addr_is_host(&addrs[i]) && !addr_is_loopback(&addrs[i]))
            addr_list_add(l, &addrs[i]);
}
