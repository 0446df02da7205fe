#!/bin/sh
# What the VM's kernel says about its SAs, for the log of a failed case.
# SPDX-License-Identifier: Apache-2.0
PATH=/bin
/sbin/ip -s xfrm state
/sbin/ip xfrm policy
grep -v ' 0$' /proc/net/xfrm_stat
dmesg | tail -n 5
