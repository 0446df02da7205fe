#!/bin/sh
# What the VM's kernel says about its SAs, without their keys, for the log of a failed case.
# SPDX-License-Identifier: Apache-2.0
PATH=/bin
/sbin/ip -s xfrm state | grep -E '^src|proto|flag|esn|packets\)$|failed'
/sbin/ip xfrm policy | grep -B1 -A2 -E 'dir (in|out|fwd)'
grep -v '[^0-9]0$' /proc/net/xfrm_stat
dmesg | tail -n 5
