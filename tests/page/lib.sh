# A browser for tests of the page.  Sourced.
# SPDX-License-Identifier: Apache-2.0
#
#   playwright DIR      puts playwright-core into DIR/node_modules; false when it cannot be had
#   browser_missing     says what is missing, and is true then
PLAYWRIGHT=1.65.1
PLAYWRIGHT_SHA256=6f5a60be62a4fddfbe7d10c448d8fbd54547da3358f2f8a04211440471ee863e

browser_missing() {
    local tool
    for tool in chromium node npm; do
        command -v $tool >/dev/null || { echo "no $tool: packaging/deps.sh page installs it"; return 0; }
    done
    return 1
}

playwright() {
    local dir=$1/node_modules/playwright-core file=playwright-core-$PLAYWRIGHT.tgz
    [ -r "$dir/index.js" ] && return 0
    mkdir -p "$dir"
    (cd "$1" && timeout 60 npm pack --silent "playwright-core@$PLAYWRIGHT" >/dev/null 2>&1) || return 1
    echo "$PLAYWRIGHT_SHA256  $1/$file" | sha256sum -c --status || return 1
    tar -xzf "$1/$file" -C "$dir" --strip-components=1
    [ -r "$dir/index.js" ]
}

# serve_sample BUILD DIR DEVICES: culvert-fleetd with a fleet of so many; sets PORT, LINK and TOKEN, adds to $pids.
serve_sample() {
    local words
    PORT=$((20000 + $$ % 20000))
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$2/key.pem" -out "$2/cert.pem" -days 2 \
        -subj /CN=gw -addext subjectAltName=IP:127.0.0.1 2>/dev/null
    words=$("$1/tests/page_fill" "$2/fleet.db" "$3")
    LINK=$(sed -n 's/^link //p' <<<"$words") TOKEN=$(sed -n 's/^token //p' <<<"$words")
    python3 "$(dirname "${BASH_SOURCE[0]}")/vici_figures.py" "$2/vici.sock" &
    pids="$pids $!"
    printf 'fleet {\n listen = 127.0.0.1:%s\n certificate = cert.pem\n key = key.pem\n registry = fleet.db\n vici = vici.sock\n}\n' \
        "$PORT" >"$2/fleet.conf"
    "$1/culvert-fleetd" -c "$2/fleet.conf" >"$2/fleetd.log" 2>&1 &
    pids="$pids $!"
    for _ in $(seq 50); do
        curl -sk -o /dev/null "https://127.0.0.1:$PORT/" && return 0
        sleep 0.1
    done
    cat "$2/fleetd.log"
    return 1
}
