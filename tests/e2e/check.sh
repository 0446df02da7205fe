#!/bin/bash
# culvert check: all that is wrong in a configuration, without root, without a daemon.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
[ -x "$CULVERT" ] || skip "no culvert at $CULVERT"

chmod 755 "$RUN"
mkdir -p "$RUN/conf" && cd "$RUN/conf" || fail "no directory"

# check CODE WORD...: as nobody, and in a network namespace without anything, where it can be.
check() {
    local expected=$1 status
    shift
    OUT=$(setpriv --reuid=65534 --regid=65534 --clear-groups "$CULVERT" check "$@" 2>&1)
    status=$?
    [ $status = "$expected" ] || fail "culvert check $*: exit $status instead of $expected: $OUT"
}
says() { grep -qE -- "$1" <<<"$OUT" || fail "expected '$1' in: $OUT"; }

cat >good.conf <<'EOF'
connections {
    home {
        remote_addrs = gw.example
        local { auth = psk }
        remote { auth = psk }
        children { net { remote_ts = 10.0.0.0/8 } }
    }
}
secrets { ike { secret = "some secret" } }
EOF
check 0 good.conf
says "^good.conf: 0 errors, 0 warnings$"

cat >bad.conf <<'EOF'
connections {
    home {
        remote_adrs = gw.example
        proposals = 3des-sha256-modp2048
        local { auth = pks }
    }
    phone {
        remote { auth = eap-tls }
    }
    weak {
        proposals = 3des-sha256-modp2048
        local { auth = psk }
        remote { auth = psk }
    }
}
EOF
check 1 bad.conf
says "^error: bad.conf:3: connections.home.remote_adrs: .*did you mean 'remote_addrs'"
says "^error: bad.conf:5: connections.home.local.auth: expected psk, pubkey"
says "^error: bad.conf:8: connections.phone.remote.auth: EAP"
says "^warning: bad.conf:10: connections.weak: '3des' is weak"
says "^warning: bad.conf:12: connections.weak.local: no secret is loaded for our identity"
says "^bad.conf: 3 errors, 2 warnings; nothing of it is loaded, with --lenient what has none$"

check 1 --json bad.conf
command -v python3 >/dev/null && { python3 -c "import json, sys
j = json.load(sys.stdin)
f = j['findings']
assert not j['loads'] and j['loads_lenient'] and j['errors'] == 3 and j['warnings'] == 2 and len(f) == 5
assert f[0]['level'] == 'error' and f[0]['file'] == 'bad.conf' and f[0]['line'] == 3
assert f[0]['key'] == 'connections.home.remote_adrs'
assert f[0]['text'].startswith('unknown key')
assert all('secret' in x['text'] or 'weak' in x['text'] for x in f if x['level'] == 'warning')
" <<<"$OUT" || fail "not so: $OUT"; }

printf 'connections {\n  a\n  = b\n' >torn.conf
check 1 torn.conf
says "^error: torn.conf:3: expected '=' or '\{' after 'a'|^error: torn.conf:2: expected '='"
check 1 no-such-file.conf
says "no-such-file.conf: cannot read: No such file or directory"
pass
