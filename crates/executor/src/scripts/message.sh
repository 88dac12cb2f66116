# Shows $1 to whoever works here: in terminals and, where there is one, on the desktop.
printf '%s\n' "$1" | wall
for bus in /run/user/*/bus; do
    [ -S "$bus" ] && command -v notify-send >/dev/null || continue
    user=$(stat -c %U "$bus")
    runuser -u "$user" -- env "DBUS_SESSION_BUS_ADDRESS=unix:path=$bus" \
        notify-send --urgency=critical --app-name=Maintenance Maintenance "$1" || true
done
