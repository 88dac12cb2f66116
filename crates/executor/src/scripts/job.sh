# Runs a job once, to its end: $1 names this run for good, then as for holds.sh. A run that was begun
# by a controller that is gone is waited for.
run=stopgap-$1
mkdir -p /var/lib/stopgap/ran
[ ! -e "/var/lib/stopgap/ran/$run" ] || { echo "has run: $3 $5" && exit 0; }
state() { systemctl show -p ActiveState --value "$run"; }
case $2 in
timer)
    systemctl start -- "$(systemctl show -p Unit --value -- "$3")"
    ;;
cron)
    case $3 in
    /etc/cron.hourly/* | /etc/cron.daily/* | /etc/cron.weekly/* | /etc/cron.monthly/*) command=$3 ;;
    *) command=$5 ;;
    esac
    if [ "$(state)" = inactive ]; then
        # It remains, once it has ended, until that is written down below.
        systemd-run --quiet --unit="$run" --uid="${6:-root}" --property=RemainAfterExit=yes \
            --property=Type=oneshot --no-block /bin/sh -c "$command"
    fi
    while [ "$(state)" = activating ]; do sleep 0.2; done
    [ "$(state)" = active ]
    ;;
esac
: >"/var/lib/stopgap/ran/$run"
systemctl stop "$run" 2>/dev/null || true
echo "ran $3 $5"
