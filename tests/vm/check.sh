#!/bin/bash
# culvertd against the ESP and AH of the Linux kernel: Debian's own kernel in QEMU, charon in it
# for the keys.  Every suite the kernel has, tunnel and transport mode, IPv4 and IPv6, with and
# without ESN and UDP encapsulation, through a NAT, rekeyed from each side, either side
# initiating.  A case negotiates, pings (small ones and some that are fragmented), sends TCP data
# both ways, looks at what the kernel says it installed and carried, and deletes.  One line a
# case, the last one the sum.
#   tests/vm/check.sh [PATTERN]     only the cases whose line matches, e.g. 'ah .* tunnel'
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/lib-vm.sh"

PATTERN=${1:-.}
ESP_SUITES="aes128gcm16 aes256gcm16 aes128gcm12 aes128gcm8 aes128ccm16 aes128ccm12 aes256ccm8
    chacha20poly1305 aes128gmac aes128-sha256 aes192-sha384 aes256-sha512 aes128-sha1 aes128-md5
    aes128-aesxcbc aes128-aescmac aes128ctr-sha256 null-sha256 3des-sha1"
AH_SUITES="sha256 sha384 sha512 sha1 md5 aesxcbc aescmac"
ENCAP_SUITES="aes128gcm16 aes256-sha512 chacha20poly1305"
passed=0 failed=0 suites=0

# conf SIDE: of dev or far (culvertd) or vm (charon), from the case's variables.
conf() {
    local side=$1 us=1 them=2 me=dev.example peer=gw.example outer local remote selectors=''
    [ "$side" = vm ] && us=2 them=1 me=gw.example peer=dev.example
    outer=10.79.0.
    [ "$FAMILY" = 6 ] && outer=fd79::
    local=$outer$us remote=$outer$them
    [ "$side" = far ] && local=$FAR_IP
    [ "$side$US" = vmfar ] && remote=$FAR_SEEN_IP
    if [ "$MODE" = tunnel ]; then
        selectors="local_ts = 10.90.$us.1/32, fd90:$us::1/128
                remote_ts = 10.90.$them.1/32, fd90:$them::1/128"
    fi
    cat >"$RUN/$side/swanctl.conf" <<C
connections {
    t {
        version = 2
        mobike = no
        encap = $([ "$ENCAP" = yes ] && echo yes || echo no)
        local_addrs = $local
        remote_addrs = $remote
        proposals = aes128-sha256-x25519
        local {
            auth = psk
            id = $me
        }
        remote {
            auth = psk
            id = $peer
        }
        children {
            c {
                mode = $MODE
                $selectors
                ${PROTOCOL}_proposals = $SUITE-$ESN
            }
        }
    }
}
$(secrets)
C
}

ours() { SWANCTL_DIR=$RUN/$US swanctl "$US" "$@"; }
control() { if [ "$1" = culvertd ]; then ours "${@:2}"; else charonctl "${@:2}"; fi; }

load() { conf "$US" && conf vm && ours --load-all && charonctl --load-all; } >"$RUN/load.out" 2>&1

gone() { [ -z "$(ours --list-sas)$(charonctl --list-sas)" ]; }
end_sas() { # BY
    control "$1" --terminate --ike t --timeout 5 >>"$RUN/swanctl.out" 2>&1
    until_true 5 gone && return
    ours --terminate --ike t --force --timeout 1 >>"$RUN/swanctl.out" 2>&1
    charonctl --terminate --ike t --force --timeout 1 >>"$RUN/swanctl.out" 2>&1
    until_true 5 gone
    return 1
}

# A large one may be answered with Packet Too Big first: by then the sender knows.
pings() { # ADDRESS
    WHY="pings to $1 are lost"
    inns "$P-$US" ping -c2 -i0.2 -W3 -q "$1" 2>&1 | tee -a "$RUN/ping.out" | grep -q ' 0% packet loss' || return 1
    WHY="no large ping to $1"
    inns "$P-$US" ping -c3 -i0.2 -W3 -q -s 3001 "$1" >>"$RUN/ping.out" 2>&1
}
tcp() { # ADDRESS
    WHY="TCP to $1: $(inns "$P-$US" timeout 40 python3 "$VM_DIR/echo.py" "$1" 100000 2>&1 | tail -n 1)"
    [ "${WHY#*: }" = "" ]
}

# The kernel's SA is the one the case is about, and carried packets both ways.
carried() {
    local sa
    sa=$(charonctl --list-sas)
    WHY="the kernel has: $sa"
    grep -qi "INSTALLED, $MODE$([ "$ENCAP" = no ] || echo '-in-UDP'), .*$PROTOCOL:" <<<"$sa" || return 1
    { [ "$ESN" = esn ] && ! grep -q '/ESN' <<<"$sa"; } && return 1
    { [ "$ESN" = noesn ] && grep -q '/ESN' <<<"$sa"; } && return 1
    [ "$(grep -cE '^ *(in|out) .* [1-9][0-9]* packets' <<<"$sa")" = 2 ]
}

# Child SA and IKE SA, by each side, under pings of which none is lost.
spis() { charonctl --list-sas | grep -oE '[0-9a-f]{16}_[ir]|(in|out) +[0-9a-f]{8}'; }
rekeys() { # ADDRESS
    local by what before
    : >"$RUN/rekey-ping.log"
    spawn rekey-ping "$P-$US" ping -i0.1 -c60 -W5 -q "$1"
    for by in culvertd charon; do
        for what in "--child c" "--ike t"; do
            before=$(spis)
            WHY="no rekey of $what by $by"
            control "$by" --rekey $what >>"$RUN/swanctl.out" 2>&1 || return 1
            until_true 10 eval '[ "$(spis)" != "$before" ]' || return 1
        done
    done
    wait "$(pid_of rekey-ping)"
    WHY="rekeying loses packets: $(grep loss "$RUN/rekey-ping.log")"
    grep -q ' 0% packet loss' "$RUN/rekey-ping.log"
}

try() {
    local address addresses
    load || { WHY="not loaded: $(tail -n 1 "$RUN/load.out")"; return 1; }
    control "$INITIATOR" --initiate --child c --timeout 15 >"$RUN/initiate.out" 2>&1 ||
        { WHY="not negotiated: $(tail -n 1 "$RUN/initiate.out")"; return 1; }
    case $MODE$FAMILY in
        tunnel*) addresses="10.90.2.1 fd90:2::1" ;;
        *4) addresses=10.79.0.2 ;;
        *6) addresses=fd79::2 ;;
    esac
    for address in $addresses; do pings "$address" && tcp "$address" || return 1; done
    carried || return 1
    [ -z "$REKEY" ] || rekeys "${addresses%% *}" || return 1
    WHY="the SAs are not deleted"
}

evidence() { # of what went wrong
    sed 's/^/      /' <<<"$WHY"
    tail -c "+$((OURS_FROM + 1))" "$RUN/$US.log" | tail -n 12 | sed 's/^/      culvertd: /'
    tail -c "+$((CONSOLE_FROM + 1))" "$RUN/console.log" | tr -d '\r' | tail -n 12 | sed 's/^/      vm: /'
    diagnose | sed 's/^/      kernel: /'
} >&2

# one PROTOCOL MODE FAMILY SUITE ESN no|yes|nat INITIATOR [rekeyed]
one() {
    local line verdict=ok start=$SECONDS
    PROTOCOL=$1 MODE=$2 FAMILY=$3 SUITE=$4 ESN=$5 ENCAP=$6 INITIATOR=$7 REKEY=${8:-} US=dev
    [ "$ENCAP" = nat ] && US=far
    line=$(printf '%-3s %-9s IPv%s %-5s %-18s %-5s by %-8s %s' "$PROTOCOL" "$MODE" "$FAMILY" \
        "$(case $ENCAP in yes) echo UDP ;; nat) echo NAT ;; esac)" "$SUITE" "$ESN" "$INITIATOR" "$REKEY")
    grep -qE -- "$PATTERN" <<<"$line" || return
    alive qemu || fail "the VM is gone"
    alive "$US" || fail "culvertd is gone"
    OURS_FROM=$(stat -c %s "$RUN/$US.log") CONSOLE_FROM=$(stat -c %s "$RUN/console.log")
    if try; then
        end_sas "$INITIATOR" || verdict=FAILED
    else
        verdict=FAILED
    fi
    [ $verdict = ok ] && passed=$((passed + 1)) || failed=$((failed + 1))
    printf '%-6s %s %4ss\n' "$verdict" "$line" $((SECONDS - start))
    [ $verdict = ok ] || { evidence; end_sas culvertd; }
}

# Four cases a suite: each mode over each family, with and without ESN.  Initiator and ESN
# change sides from suite to suite.
four() { # PROTOCOL SUITE ENCAP
    local first=culvertd second=charon
    [ $((suites % 2)) = 0 ] || first=charon second=culvertd
    suites=$((suites + 1))
    one "$1" tunnel 4 "$2" noesn "$3" $first
    one "$1" transport 4 "$2" esn "$3" $second
    one "$1" tunnel 6 "$2" esn "$3" $second
    one "$1" transport 6 "$2" noesn "$3" $first
}

kernel
initramfs
host_network
cp "$VM_DIR/strongswan.conf" "$RUN/vm/strongswan.conf"
far_network
for side in dev far; do
    mkdir -p "$RUN/$side"
    secrets >"$RUN/$side/swanctl.conf"
    daemon $side
done
boot_vm
tr -d '\r' <"$RUN/console.log" | grep '^vm: Linux'
for suite in $ESP_SUITES; do four esp "$suite" no; done
for suite in $AH_SUITES; do four ah "$suite" no; done
for suite in $ENCAP_SUITES; do four esp "$suite" yes; done
for suite in $ENCAP_SUITES; do
    one esp tunnel 4 "$suite" noesn nat culvertd rekeyed
    one esp transport 4 "$suite" esn nat culvertd rekeyed
done
for by in culvertd charon; do
    one esp tunnel 6 aes128gcm16 esn no $by rekeyed
    one esp transport 4 aes128-sha256 noesn no $by rekeyed
    one ah tunnel 4 sha256 esn no $by rekeyed
    one ah transport 6 aescmac noesn no $by rekeyed
done
echo "against the kernel: $passed passed, $failed failed"
PASSED=yes # as far as the clean-up is concerned
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
exit
