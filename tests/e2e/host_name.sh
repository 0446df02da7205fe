#!/bin/bash
# remote_addrs may be a name.  It is resolved beside the loop, again and again until that works.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

topology direct
gateway_conf
CHILD_EXTRA="start_action = start" device_conf
sed -i 's/remote_addrs = .*/remote_addrs = gw.culvert.test/' "$RUN/dev/swanctl.conf"
# ip netns exec shows the files of /etc/netns/NAME in /etc
mkdir -p "/etc/netns/$DEV"
AT_EXIT='rm -rf "/etc/netns/$DEV"; rmdir /etc/netns 2>/dev/null'
echo "127.0.0.1 localhost" >"/etc/netns/$DEV/hosts"
: >"/etc/netns/$DEV/resolv.conf"
daemon gw
daemon dev
wait_log dev "cannot resolve gw.culvert.test"
wait_log dev "next attempt in [12]"
echo "$GW_IP gw.culvert.test" >"/etc/netns/$DEV/hosts"
wait_log dev "Child SA net established" 15
reaches "$DEV" "$APP_IP" || fail "no ping"
pass
