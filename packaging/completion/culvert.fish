# Completion of culvert for fish: what it takes is what its --help says.
# SPDX-License-Identifier: Apache-2.0

function __culvert_command
    string match -v -- '-*' (commandline -opc)[2..-1] | head -n 1
end
function __culvert_options
    culvert (__culvert_command) --help 2>/dev/null | string match -ra -- '--[a-z][a-z-]*'
end
function __culvert_commands
    culvert help 2>/dev/null | string replace -rf '^  ([a-z]+) .*' '$1'
end

complete -c culvert -f
complete -c culvert -n 'test -z "$(__culvert_command)"' -a '(__culvert_commands)'
complete -c culvert -n 'string match -q -- "-*" (commandline -ct)' -a '(__culvert_options)'
complete -c culvert -n 'test "$(__culvert_command)" = packet' -F -a 'open seal explain'
