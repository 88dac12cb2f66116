# $1 is `hold` or `release`; then, for each job, a kind and four words:
#   cron FILE SCHEDULE COMMAND USER    a line of a crontab, or a script of /etc/cron.daily and the like
#   timer UNIT - - -                   a timer of systemd
#   updates - - - -                    automatic updates of apt and dnf
# What is held is kept below /var/lib/stopgap/held, so that both can be said twice and survive a restart.
what=$1
shift
held=/var/lib/stopgap/held
mkdir -p "$held"
mark='#held by stopgap# '

# Runs a program once a second until it fails, at most five minutes.
while_running() {
    for second in $(seq 300); do
        "$@" >/dev/null || return 0
        sleep 1
    done
    echo "still running: $*" >&2
    return 1
}

name_of() { printf '%s' "$1" | sha256sum | cut -c 1-24; }

# Is `line` of a crontab this job? A crontab of the system names the user after the schedule.
cron_awk='
function squeezed(text) { gsub(/[ \t]+/, " ", text); gsub(/^ | $/, "", text); return text }
BEGIN {
    want = squeezed(ENVIRON["SCHEDULE"] " " ENVIRON["COMMAND"])
    want_user = squeezed(ENVIRON["SCHEDULE"] " " ENVIRON["USER_NAME"] " " ENVIRON["COMMAND"])
    mark = ENVIRON["MARK"]
}
{
    held = index($0, mark) == 1
    line = held ? substr($0, length(mark) + 1) : $0
    ours = squeezed(line) == want || squeezed(line) == want_user
    if (ours) found = 1
    print ours ? (ENVIRON["WHAT"] == "hold" ? mark line : line) : $0
}
END { exit !found }'

# The table $1 with this job held or released; fails if the job is not there.
rewritten() { WHAT=$what SCHEDULE=$2 COMMAND=$3 USER_NAME=$4 MARK=$mark awk "$cron_awk" "$1"; }

literally() { printf '%s' "$1" | sed 's/[][\.*^$+?(){}|\\]/\\&/g'; }

# As a shell runs a line of a crontab, or run-parts a script; the arguments of this script name both, too.
is_running() { pgrep -f -x -- "(/bin/)?(ba|da)?sh -c $(literally "$1")"; }
is_script_running() { pgrep -f -- "^([^ ]+ )?$(literally "$1")( |\$)"; }

cron() {
    file=$1
    case $file in
    /etc/cron.hourly/* | /etc/cron.daily/* | /etc/cron.weekly/* | /etc/cron.monthly/*)
        # run-parts leaves out what cannot be executed.
        if [ "$what" = hold ]; then
            [ -x "$file" ] && : >"$held/$(name_of "$file")"
            chmod a-x "$file"
            while_running is_script_running "$file"
        elif [ -e "$held/$(name_of "$file")" ]; then
            chmod a+x "$file"
            rm "$held/$(name_of "$file")"
        fi
        ;;
    *)
        # cron reads a table again when its folder has changed, and ignores names with a dot.
        new=$(dirname "$file")/.stopgap.new
        cp -p "$file" "$new"
        if ! rewritten "$@" >"$new"; then
            rm "$new"
            echo "was not found in $file: $2 $3" >&2
            return 1
        fi
        cmp -s "$new" "$file" && rm "$new" || mv "$new" "$file"
        if [ "$what" = hold ]; then
            while_running is_running "$3"
        else
            # Other jobs of the table may still be held.
            rewritten "$@" | cmp -s - "$file" || return 1
        fi
        ;;
    esac
    if [ "$what" = release ]; then
        for daemon in cron crond; do
            systemctl is-active --quiet "$daemon" && echo "released $file: $2 $3 ($daemon runs)" && return 0
        done
        echo "no cron runs" >&2
        return 1
    fi
    echo "held $file: $2 $3"
}

# A condition keeps a timer from starting, also after a restart; a mask would need its file's place.
timer() {
    unit=$1
    drop=/etc/systemd/system/$unit.d
    if [ "$what" = hold ]; then
        systemctl cat -- "$unit" >/dev/null
        if ! [ -e "$drop/stopgap-hold.conf" ]; then
            state=$(systemctl is-active -- "$unit" || true)
            printf '%s\n' "$state" >"$held/$(name_of "$unit")"
            mkdir -p "$drop"
            printf '[Unit]\nConditionPathExists=!/var/lib/stopgap/held\n' >"$drop/stopgap-hold.conf"
            systemctl daemon-reload
        fi
        systemctl stop -- "$unit"
        service=$(systemctl show -p Unit --value -- "$unit")
        while_running systemctl is-active -- "$service"
        while_running sh -c '[ "$(systemctl is-active "$1")" = activating ]' - "$service"
        echo "held $unit"
        return 0
    fi
    [ -e "$drop/stopgap-hold.conf" ] || { echo "was not held: $unit" && return 0; }
    before=$(cat "$held/$(name_of "$unit")" 2>/dev/null || echo active)
    rm "$drop/stopgap-hold.conf"
    rmdir --ignore-fail-on-non-empty "$drop"
    systemctl daemon-reload
    if [ "$before" = active ]; then
        systemctl start -- "$unit"
        systemctl is-active --quiet -- "$unit"
    fi
    rm -f "$held/$(name_of "$unit")"
    echo "released $unit: $(systemctl is-active -- "$unit" || true), next $(systemctl show -p NextElapseUSecRealtime --value -- "$unit")"
}

updates() {
    # apt's own switch, for whatever calls it; its settings stay as they are.
    if [ -d /etc/apt/apt.conf.d ]; then
        if [ "$what" = hold ]; then
            printf 'APT::Periodic::Enable "0";\nAPT::Periodic::Unattended-Upgrade "0";\n' \
                >/etc/apt/apt.conf.d/99stopgap-hold
        else
            rm -f /etc/apt/apt.conf.d/99stopgap-hold
        fi
    fi
    for unit in apt-daily.timer apt-daily-upgrade.timer dnf-automatic.timer \
        dnf-automatic-install.timer dnf5-automatic.timer; do
        # One that was off stays off.
        if systemctl cat -- "$unit" >/dev/null 2>&1; then timer "$unit"; fi
    done
}

ended=0
while [ $# -ge 5 ]; do
    # In a shell of its own it ends at its first fault, and the others are still released.
    set +e
    (
        set -e
        "$1" "$2" "$3" "$4" "$5"
    )
    failed=$?
    set -e
    [ $failed = 0 ] || ended=$failed
    [ $ended = 0 ] || [ "$what" = release ] || break
    shift 5
done
exit $ended
