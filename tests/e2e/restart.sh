#!/bin/bash
# The gateway dies without a word and comes back: the device notices by its liveness check and
# sets the tunnel up again by itself (dpd_action), and so after a delete (close_action).
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

topology nat
gateway_conf
cat >>"$RUN/gw/swanctl.conf" <<C
culvert {
    retransmit_timeout = 0.3
    retransmit_tries = 2
}
C
CONN_EXTRA="dpd_delay = 1s
        keyingtries = 0" \
    CHILD_EXTRA="start_action = start
                dpd_action = restart
                close_action = start" device_conf
cat >>"$RUN/dev/swanctl.conf" <<C
culvert {
    retransmit_timeout = 0.3
    retransmit_tries = 2
}
C
daemon gw
daemon dev
wait_log dev "Child SA net established"
reaches "$DEV" "$APP_IP" || fail "no ping"

kill_hard gw
wait_log dev "ended: no answer after the last retransmission" 20
daemon gw
wait_log gw "Child SA net established" 30
reaches "$DEV" "$APP_IP" || fail "no ping after the gateway's crash"

stop gw || fail "culvertd (gw) ended with $?"
wait_log dev "Child SA net closed: peer deleted the SA"
daemon gw
wait_log gw "Child SA net established" 30
reaches "$DEV" "$APP_IP" || fail "no ping after the gateway's restart"
pass
