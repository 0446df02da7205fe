# Helpers for end-to-end tests in network namespaces.  Sourced by bash scripts, never run.
# SPDX-License-Identifier: Apache-2.0
#
#   . "$(dirname "$0")/lib.sh"
#   topology nat            # or: direct
#   gateway_conf ...        # or write $RUN/gw/swanctl.conf yourself
#   daemon gw; daemon dev
#   ...
#   pass                    # prints ok; a script that ends without it has failed
#
# Topology, every link a veth pair with an MTU of 1500:
#
#   dev (10.77.1.2) -- nat -- (10.77.2.2) gw (10.77.3.1) -- (10.77.3.2) app
#   dev (10.77.2.1) ---------- (10.77.2.2) gw ...                          with "direct"
#   dev (10.77.2.1, fd77:2::1) ---------- (10.77.2.2, fd77:2::2) gw        with "hosts"
#
# The device's inner address is 10.77.10.2, on lo.  Names carry a prefix of their own per
# run, so runs beside each other do not meet.  Whatever ends the script, the trap takes down
# what it started, and only that.
set -u

E2E_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$E2E_DIR/../.." && pwd)
BUILD=${BUILD:-$ROOT/build}
CULVERTD=${CULVERTD:-$BUILD/culvertd}
CULVERT=${CULVERT:-$BUILD/culvert}
SWANCTL=${SWANCTL:-$(command -v swanctl || true)}
TEST=$(basename "$0" .sh)
P=e2e$$
RUN=$(mktemp -d "${TMPDIR:-/tmp}/culvert-$TEST.XXXXXX")

DEV=$P-dev NAT=$P-nat GW=$P-gw APP=$P-app
DEV_NAT_IP=10.77.1.2 DEV_DIRECT_IP=10.77.2.1
NAT_IN_IP=10.77.1.1 NAT_OUT_IP=10.77.2.1
GW_IP=10.77.2.2 GW_LAN_IP=10.77.3.1 APP_IP=10.77.3.2 APP_NET=10.77.3.0/24
DEV_INNER_IP=10.77.10.2
DEV6=fd77:2::1 GW6=fd77:2::2
PSK=0sAAECAwQFBgcICQoLDA0ODw==

NAMESPACES=()
PIDS=()
PASSED=

say() { printf '%s\n' "$*" >&2; }

# Ends a test that cannot run here; ctest counts 77 as skipped.
skip() {
    say "$TEST: skipped: $*"
    PASSED=77
    exit 77
}

fail() {
    local log
    say "$TEST: FAILED: $*"
    for log in "$RUN"/*.log; do
        [ -s "$log" ] || continue
        say "--- $(basename "$log")"
        tail -n "${E2E_LOG_LINES:-40}" "$log" >&2
    done
    exit 1
}

pass() {
    PASSED=yes
    say "$TEST: ok"
    exit 0
}

cleanup() {
    local status=$? pid ns
    trap - EXIT INT TERM HUP
    eval "${AT_EXIT:-}" # what a script has made outside of $RUN
    for pid in ${PIDS[@]+"${PIDS[@]}"}; do stop_pid "$pid"; done
    for ns in ${NAMESPACES[@]+"${NAMESPACES[@]}"}; do ip netns del "$ns" 2>/dev/null; done
    if [ -n "${E2E_KEEP:-}" ]; then say "kept $RUN"; else rm -rf "$RUN"; fi
    [ -n "$PASSED" ] || [ "$status" -ne 0 ] || { say "$TEST: ended early"; status=1; }
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

[ "$(id -u)" = 0 ] || skip "needs root for network namespaces"
[ -c /dev/net/tun ] || skip "no /dev/net/tun"
ip netns add "$P-probe" 2>/dev/null || skip "cannot make network namespaces"
ip netns del "$P-probe"
[ -x "$CULVERTD" ] || skip "no culvertd at $CULVERTD (set BUILD or CULVERTD)"

# ---- processes ------------------------------------------------------------------------

# stop_pid PID: SIGTERM, SIGKILL after five seconds.
stop_pid() {
    local i
    kill -TERM "$1" 2>/dev/null || return 0
    for i in $(seq 50); do
        kill -0 "$1" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$1" 2>/dev/null
    wait "$1" 2>/dev/null
    return 0
}

# spawn NAME NAMESPACE COMMAND...: in the background, output in $RUN/NAME.log.
spawn() {
    local name=$1 ns=$2
    shift 2
    ip netns exec "$ns" "$@" >>"$RUN/$name.log" 2>&1 </dev/null &
    echo $! >"$RUN/$name.pid"
    PIDS+=($!)
}

pid_of() { cat "$RUN/$1.pid" 2>/dev/null; }
alive() { kill -0 "$(pid_of "$1")" 2>/dev/null; }
signal() { kill "-$2" "$(pid_of "$1")"; }

# stop NAME: ends it the way a service manager would; returns its exit code.
stop() {
    local pid status i
    pid=$(pid_of "$1")
    kill -TERM "$pid" 2>/dev/null
    for i in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null
    wait "$pid"
    status=$?
    rm -f "$RUN/$1.pid"
    return $status
}

# kill_hard NAME: as if the power went.
kill_hard() {
    kill -KILL "$(pid_of "$1")" 2>/dev/null
    wait "$(pid_of "$1")" 2>/dev/null
    rm -f "$RUN/$1.pid"
}

inns() {
    local ns=$1
    shift
    ip netns exec "$ns" "$@"
}

# until_true SECONDS COMMAND...: tries every 100 ms.
until_true() {
    local limit=$(($1 * 10)) i
    shift
    for ((i = 0; i < limit; i++)); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    return 1
}

logged() { grep -qE -- "$2" "$RUN/$1.log"; }                 # logged NAME REGEX
wait_log() { until_true "${3:-10}" logged "$1" "$2" || fail "$1 did not log: $2"; }

# ---- network --------------------------------------------------------------------------

namespace() {
    ip netns add "$1" || fail "namespace $1"
    NAMESPACES+=("$1")
    ip -n "$1" link set lo up
    inns "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 \
        net.ipv4.conf.default.rp_filter=0 2>/dev/null
}

veth() { # NS_A IF_A ADDR_A NS_B IF_B ADDR_B
    ip link add "$2" netns "$1" mtu 1500 type veth peer name "$5" netns "$4" mtu 1500 ||
        fail "veth $1 $4"
    ip -n "$1" addr add "$3/24" dev "$2"
    ip -n "$4" addr add "$6/24" dev "$5"
    ip -n "$1" link set "$2" up
    ip -n "$4" link set "$5" up
}

nat_rules() { # masquerade; nothing gets in unasked, as behind a carrier-grade NAT
    inns "$NAT" nft -f - <<N
table ip cgn {
    chain outward { type nat hook postrouting priority 100; oifname "out" masquerade; }
    chain through { type filter hook forward priority 0; policy drop;
        iifname "in" accept
        ct state established,related accept
    }
}
N
}

two_hosts() {
    local ns
    namespace "$DEV"
    namespace "$GW"
    veth "$DEV" wan "$DEV_DIRECT_IP" "$GW" wan "$GW_IP"
    for ns in "$DEV" "$GW"; do
        inns "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=0 || skip "no IPv6"
    done
    ip -n "$DEV" addr add "$DEV6/64" dev wan nodad || skip "no IPv6"
    ip -n "$GW" addr add "$GW6/64" dev wan nodad
    DEV_IP=$DEV_DIRECT_IP
    mkdir -p "$RUN/dev" "$RUN/gw"
}

topology() {
    if [ "$1" = hosts ]; then
        two_hosts
        return
    fi
    namespace "$DEV"
    namespace "$GW"
    namespace "$APP"
    if [ "$1" = nat ]; then
        namespace "$NAT"
        veth "$DEV" wan "$DEV_NAT_IP" "$NAT" in "$NAT_IN_IP"
        veth "$NAT" out "$NAT_OUT_IP" "$GW" wan "$GW_IP"
        ip -n "$DEV" route add default via "$NAT_IN_IP"
        nat_rules || skip "no nftables NAT"
        DEV_IP=$DEV_NAT_IP
    else
        veth "$DEV" wan "$DEV_DIRECT_IP" "$GW" wan "$GW_IP"
        DEV_IP=$DEV_DIRECT_IP
    fi
    veth "$GW" lan "$GW_LAN_IP" "$APP" lan "$APP_IP"
    ip -n "$APP" route add default via "$GW_LAN_IP"
    ip -n "$DEV" addr add "$DEV_INNER_IP/32" dev lo
    mkdir -p "$RUN/dev" "$RUN/gw"
}

ping_once() { inns "$1" ping -c1 -W1 -q ${3:+-I "$3"} "$2" >/dev/null 2>&1; }
reaches() { until_true 10 ping_once "$@"; } # NAMESPACE ADDRESS [SOURCE]

# ---- traffic --------------------------------------------------------------------------

url() { case $1 in *:*) echo "http://[$1]:8008/data" ;; *) echo "http://$1:8008/data" ;; esac; }

make_data() { # WHO: 10 MB that nobody has seen
    mkdir -p "$RUN/$1/www"
    head -c 10000000 /dev/urandom >"$RUN/$1/www/data"
}

serve_data() { # NAMESPACE ADDRESS WHO
    spawn "www-$3" "$1" python3 -m http.server -d "$RUN/$3/www" --bind "$2" 8008
    until_true 5 inns "$1" curl -sS -m 2 -o /dev/null -I "$(url "$2")" || fail "no HTTP server"
}

fetches() { # NAMESPACE ADDRESS WHO [CURL_OPTION...]
    inns "$1" curl -sS -m 30 "${@:4}" -o "$RUN/got" "$(url "$2")" || return 1
    cmp -s "$RUN/got" "$RUN/$3/www/data"
}

# carries_data WHAT NS_A ADDR_A WHO_A NS_B ADDR_B WHO_B: 10 MB by TCP each way, unchanged, and
# UDP datagrams of every size from B to A and back.
carries_data() {
    serve_data "$2" "$3" "$4"
    serve_data "$5" "$6" "$7"
    fetches "$5" "$3" "$4" || fail "$1: TCP from $3"
    fetches "$2" "$6" "$7" || fail "$1: TCP from $6"
    : >"$RUN/udp.log"
    spawn udp "$2" python3 "$E2E_DIR/udp_echo.py" serve "$3"
    wait_log udp serving
    inns "$5" python3 "$E2E_DIR/udp_echo.py" ask "$3" || fail "$1: UDP to $3"
    stop "www-$4"
    stop "www-$7"
    stop udp
}

# ---- culvertd -------------------------------------------------------------------------

# daemon SIDE [OPTION...]: SIDE is dev or gw; waits until it is ready.
daemon() {
    local side=$1
    shift
    # A second life has a log of its own: what is waited for must be said anew.
    [ ! -f "$RUN/$side.log" ] || cat "$RUN/$side.log" >>"$RUN/$side-before.log"
    : >"$RUN/$side.log"
    spawn "$side" "$P-$side" "$CULVERTD" -c "$RUN/$side/swanctl.conf" \
        --run-dir "$RUN/$side/run" --state-dir "$RUN/$side/state" "$@"
    until_true 10 logged "$side" 'culvertd .* ready' || fail "culvertd ($side) does not start"
}

swanctl() { # SIDE ARGUMENT...
    local side=$1
    shift
    [ -n "$SWANCTL" ] || skip "no swanctl"
    inns "$P-$side" "$SWANCTL" "$@" --uri "unix://$RUN/$side/run/vici.sock" 2> >(grep -v "opening directory" >>"$RUN/swanctl.log")
}

secrets() {
    cat <<C
secrets {
    ike-1 {
        id-1 = dev.example
        id-2 = gw.example
        secret = $PSK
    }
}
C
}

# The plain pair: PSK, device behind whatever is between, one child.  Extra lines for the
# connection and the child may be given in CONN_EXTRA and CHILD_EXTRA.
device_conf() {
    cat >"$RUN/dev/swanctl.conf" <<C
connections {
    home {
        version = 2
        remote_addrs = $GW_IP
        ${CONN_EXTRA:-}
        local {
            auth = psk
            id = dev.example
        }
        remote {
            auth = psk
            id = gw.example
        }
        children {
            net {
                local_ts = $DEV_INNER_IP/32
                remote_ts = $APP_NET
                ${CHILD_EXTRA:-}
            }
        }
    }
}
$(secrets)
C
}

gateway_conf() {
    cat >"$RUN/gw/swanctl.conf" <<C
connections {
    devices {
        version = 2
        local_addrs = $GW_IP
        ${CONN_EXTRA:-}
        local {
            auth = psk
            id = gw.example
        }
        remote {
            auth = psk
            id = dev.example
        }
        children {
            net {
                local_ts = $APP_NET
                remote_ts = $DEV_INNER_IP/32
                ${CHILD_EXTRA:-}
            }
        }
    }
}
$(secrets)
C
}

# host_conf SIDE LOCAL REMOTE CHILD_LINES: one child between two hosts' own addresses.
host_conf() {
    local ours=$1.example theirs
    case $1 in dev) theirs=gw.example ;; *) theirs=dev.example ;; esac
    cat >"$RUN/$1/swanctl.conf" <<C
connections {
    host {
        local_addrs = $2
        remote_addrs = $3
        ${CONN_EXTRA:-}
        local {
            auth = psk
            id = $ours
        }
        remote {
            auth = psk
            id = $theirs
        }
        children {
            net {
                $4
            }
        }
    }
}
$(secrets)
C
}
