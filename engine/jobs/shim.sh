# Runs one attempt of a step, outlives whoever started it, and leaves its exit code behind.
#
#   shim.sh process ID BOOT DIRECTORY WORKING_DIRECTORY COMMAND...
#   shim.sh enter   ID BOOT DIRECTORY WRAPPER...      (which ends in: sh shim.sh inside ...)
#   shim.sh inside  ID BOOT DIRECTORY LEFTOVERS MOUNT WORKING_DIRECTORY COMMAND...
#
# `process` does it all. `enter` claims the attempt and turns into WRAPPER, which builds namespaces
# and starts `inside` there: that mounts what the file `mounts` lists with the program MOUNT (empty:
# nothing to mount) and runs the command. LEFTOVERS is `kill` where the job's process group must be
# ended by hand, `contained` where the end of its namespace does it. ID and DIRECTORY also stand in
# the arguments so that the process can be told from any other. Reasons: docs/adr/0002-shim.md.
#
# Must be started as the leader of its session. Only builtins on the way, and relative paths: the
# working directory stays the attempt's own even where the mounts cover its path. The job's
# environment passes through this shell, so its variables have names that no job uses.

claim() {
    cd "$3" || exit 125
    set -C
    # Exclusive creation: a runner that has given this attempt up holds the file already.
    echo "$$ $2 $1" >pid || exit 125
}

record() {
    set -C
    echo "$1" >exit.json
}

# The traps are handlers, as exec resets those: the job starts with the default actions.
run() {
    pipetui_leftovers=$1
    shift
    trap : HUP INT QUIT TERM
    if [ -e stop ]; then
        record '{"code": 143}'
        exit 143
    fi
    (
        cd "$1" || {
            printf 'pipetui: cannot enter the working directory %s\n' "$1" >&2
            exit 126
        }
        shift
        unset PWD OLDPWD SHLVL
        exec "$@"
    )
    pipetui_code=$?
    record "{\"code\": $pipetui_code}" || pipetui_leftovers=ask
    # The last act, as KILL ends this shell too: nothing of the process group stays behind.
    case $pipetui_leftovers in
    kill) kill -KILL 0 ;;
    ask) kill -TERM 0 ;;
    esac
    exit "$pipetui_code"
}

mount_all() {
    pipetui_said=$(
        unset LD_PRELOAD LD_LIBRARY_PATH
        exec "$1" --all --fstab mounts 2>&1
    ) && return
    printf 'pipetui: cannot build /opt/ml: %s\n' "$pipetui_said" >&2
    record '{"code": 125, "failure": "mount"}'
    exit 125
}

main() {
    case $1 in
    process)
        claim "$2" "$3" "$4"
        shift 4
        run kill "$@"
        ;;
    enter)
        claim "$2" "$3" "$4"
        shift 4
        exec "$@"
        ;;
    inside)
        [ -z "$6" ] || mount_all "$6"
        pipetui_leftovers=$5
        shift 6
        run "$pipetui_leftovers" "$@"
        ;;
    esac
}

main "$@"
exit 125
