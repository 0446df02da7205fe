#!/bin/bash
# packaging/updown/dns with each of the three that know a system's DNS servers: systemd-resolved and
# resolvconf by programs that stand in for them and note what they are told, resolv.conf by a file.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 1
RUN=$(mktemp -d)
trap 'rm -rf "$RUN"' EXIT
DNS=$PWD/packaging/updown/dns
mkdir "$RUN/none" "$RUN/resolved" "$RUN/resolvconf"
for tool in sh grep sed; do
    for dir in none resolved resolvconf; do ln -s "$(command -v $tool)" "$RUN/$dir/$tool"; done
done

fail() {
    echo "dns: FAILED: $1"
    exit 1
}

# stand_in DIR NAME: notes its arguments and its input; KNOWS is the device that resolved manages.
stand_in() {
    cat >"$RUN/$1/$2" <<S
#!/bin/sh
case "\$1" in
status) [ "\$2" = "\${KNOWS:-}" ]; exit ;;
-a) input=\$(while read -r line; do printf ' <%s>' "\$line"; done) ;;
esac
echo "$2 \$*\${input:-}" >>"$RUN/told"
S
    chmod 755 "$RUN/$1/$2"
}
stand_in resolved resolvectl
stand_in resolved resolvconf
stand_in resolvconf resolvconf

# dns DIR ARGUMENT...: with the programs of DIR alone.
dns() {
    : >"$RUN/told"
    local dir=$1
    shift
    PATH=$RUN/$dir CULVERT_RESOLV_CONF=$RUN/resolv.conf KNOWS=${KNOWS:-} "$DNS" "$@" || fail "dns $* with $dir: $?"
}
told() { [ "$(cat "$RUN/told")" = "$1" ] || fail "expected '$1', told was: $(cat "$RUN/told")"; }
file() { [ "$(cat "$RUN/resolv.conf")" = "$1" ] || fail "expected '$1' in the file: $(cat "$RUN/resolv.conf")"; }
printf 'search example\nnameserver 192.0.2.53\n' >"$RUN/resolv.conf"
before=$(cat "$RUN/resolv.conf")

KNOWS=culvert0
dns resolved up culvert0 10.0.0.53 2001:db8::53
told "resolvectl dns culvert0 10.0.0.53 2001:db8::53
resolvectl domain culvert0 
resolvectl default-route culvert0 yes"
dns resolved down culvert0
told "resolvectl revert culvert0"
file "$before"

KNOWS="" # resolved is there and manages nothing: the next one is asked
dns resolved up culvert0 10.0.0.53
told "resolvconf -a culvert0.culvert <nameserver 10.0.0.53>"
dns resolvconf up culvert0 10.0.0.53 2001:db8::53
told "resolvconf -a culvert0.culvert <nameserver 10.0.0.53> <nameserver 2001:db8::53>"
dns resolvconf down culvert0
told "resolvconf -d culvert0.culvert"
file "$before"

dns none up culvert0 10.0.0.53 2001:db8::53
file "nameserver 10.0.0.53 # by culvert culvert0
nameserver 2001:db8::53 # by culvert culvert0
$before"
dns none up culvert1 10.1.0.53
dns none up culvert0 10.0.0.54 # another lease: its own lines alone
file "nameserver 10.0.0.54 # by culvert culvert0
nameserver 10.1.0.53 # by culvert culvert1
$before"
dns none down culvert1
dns none down culvert0
file "$before"
dns none down culvert0
file "$before"
echo "dns: ok"
