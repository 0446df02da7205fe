# A page of docs/ as a manual page in mdoc(7): the docs are written once.  It knows the Markdown that they
# use: headings, paragraphs, lists, tables, code indented or fenced, `code`, **bold**, [text](place).
#   awk -v name=culvert -v section=1 -v what="..." -v date="..." -v also="culvertd 8,culvert.conf 5" -f man.awk docs/cli.md
# SPDX-License-Identifier: Apache-2.0

function inline(s) {
    gsub(/\\\|/, "|", s)
    gsub(/\\/, "\\e", s)
    while (match(s, /\[[^]]+\]\([^)]+\)/)) # the text alone: the place is a file of the source
        s = substr(s, 1, RSTART - 1) gensub_text(substr(s, RSTART, RLENGTH)) substr(s, RSTART + RLENGTH)
    while (match(s, /\*\*[^*]+\*\*/))
        s = substr(s, 1, RSTART - 1) "\\fB" substr(s, RSTART + 2, RLENGTH - 4) "\\fP" substr(s, RSTART + RLENGTH)
    while (match(s, /`[^`]+`/))
        s = substr(s, 1, RSTART - 1) "\\fB" dashes(substr(s, RSTART + 1, RLENGTH - 2)) "\\fP" substr(s, RSTART + RLENGTH)
    return s
}
function gensub_text(link) {
    sub(/^\[/, "", link)
    sub(/\]\(.*$/, "", link)
    return link
}
function dashes(s) { gsub(/-/, "\\-", s); return s }
function line(s) { # a line of text: what looks like a macro is none
    if (s ~ /^[.']/) s = "\\&" s
    print s
}
function literal(s) { gsub(/\\/, "\\e", s); line(s) }

# One block at a time is open: "", text, code, fence, list, table.
function open(kind, macro) {
    if (block == kind) return
    close_block()
    block = kind
    if (macro != "") print macro
    else if (kind == "text" && !fresh) print ".Pp"
    fresh = 0
}
function close_block() {
    if (block == "code" || block == "fence") print ".Ed"
    if (block == "bullet" || block == "enum" || block == "table") { print ".El"; fresh = 0 }
    block = ""
    blanks = 0
}
function cells(s,    n, i) { # to cell[1..n]
    gsub(/\\\|/, "\001", s)
    sub(/^\| */, "", s)
    sub(/ *\| *$/, "", s)
    n = split(s, cell, / *\| */)
    for (i = 1; i <= n; i++) gsub(/\001/, "|", cell[i])
    return n
}
function heading(macro, s) {
    close_block()
    gsub(/`/, "", s)
    print macro " " (macro == ".Sh" ? toupper(s) : s)
    fresh = 1
}

NR == 1 {
    print ".\\\" Made from the project's docs by packaging/man.awk."
    print ".Dd " date
    print ".Dt " toupper(name) " " section
    print ".Os Culvert"
    print ".Sh NAME"
    print ".Nm " name
    print ".Nd " what
    print ".Sh DESCRIPTION"
    fresh = 1
    next
}
block == "fence" {
    if ($0 ~ /^```/) close_block()
    else literal($0)
    next
}
/^```/ { close_block(); open("fence", ".Bd -literal -offset indent"); next }
/^### / { heading(".Ss", substr($0, 5)); next }
/^## / { heading(".Sh", substr($0, 4)); next }
/^$/ { blanks++; if (block == "text" || block == "table") close_block(); next }
/^    / && (block == "" || block == "code") {
    if (block == "code" && blanks > 0) print ""
    blanks = 0
    open("code", ".Bd -literal -offset indent")
    literal(substr($0, 5))
    next
}
/^\|[-|]+\|$/ { next }
/^\|/ {
    if (block != "table") { # the first row names the columns
        open("table", ".Bl -tag -width Ds")
        columns = cells($0)
        for (i = 1; i <= columns; i++) title[i] = cell[i]
        next
    }
    n = cells($0)
    print ".It " inline(cell[1])
    for (i = 2; i <= n; i++) {
        if (cell[i] == "") continue
        told = title[i] == "default" || title[i] == "where" || title[i] == "for" ? title[i] ": " : ""
        if (told != "") print ".Em " told
        line(inline(cell[i]) (i < n && told != "" ? "." : ""))
        if (i < n && cell[i + 1] != "") print ".br"
    }
    next
}
/^- / { if (block != "bullet") open("bullet", ".Bl -bullet -compact"); print ".It"; line(inline(substr($0, 3))); next }
/^[0-9]+\. / { if (block != "enum") open("enum", ".Bl -enum -compact"); print ".It"; sub(/^[0-9]+\. /, ""); line(inline($0)); next }
/^  / && (block == "bullet" || block == "enum") { sub(/^ +/, ""); line(inline($0)); next }
/^   / && block == "enum" { sub(/^ +/, ""); line(inline($0)); next }
{ if (block != "text") open("text", ""); line(inline($0)) }

END {
    close_block()
    print ".Sh SEE ALSO"
    n = split(also, pages, ",")
    for (i = 1; i <= n; i++) print ".Xr " pages[i] (i < n ? " ," : "")
}
