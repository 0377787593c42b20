# Feeds named pipes to the command that it becomes: Pipe mode of a job's inputs.
#
#   feed_pipes.sh COUNT (PIPE STREAM)... COMMAND...
#
# Each epoch N has a pipe PIPE_N, which gives the file STREAM once and is gone then; that of the next
# epoch is there before one can be read. Where STREAM is a folder its file order-N, with N below 32,
# lists which other files of it the epoch gives. A feeder is no child of the command, which may wait
# for its own, but one of its process group and namespaces: it needs no runner, and ends with the job.
# Reasons: docs/adr/0019-jobs-and-pipes.md.
#
# The job's environment passes through this shell, so its variables have names that no job uses.

give() (
    [ -d "$1" ] || exec cat "$1"
    cd "$1" || exit
    while read -r pipetui_parts; do
        cat $pipetui_parts || exit
    done <"order-$(($2 % 32))"
)

feed() {
    pipetui_epoch=0
    while
        # A reader that closes early ends what gives, and nothing else.
        give "$2" "$pipetui_epoch" 2>/dev/null >"$1_$pipetui_epoch"
        rm -f "$1_$pipetui_epoch"
        pipetui_epoch=$((pipetui_epoch + 1))
        mkfifo "$1_$((pipetui_epoch + 1))"
    do :; done
}

pipetui_count=$1
shift
while [ "$pipetui_count" -gt 0 ]; do
    mkfifo "$1_0" "$1_1" || exit 126
    (feed "$1" "$2" &)
    shift 2
    pipetui_count=$((pipetui_count - 1))
done
unset PWD OLDPWD SHLVL
exec "$@"
