#!/bin/sh
# Carries out tasks by writing them down in $STOPGAP_WORLD: what it has begun and done.
read -r asked
key=$(printf %s "$asked" | sed 's/.*"key":"\([^"]*\)".*/\1/')
done="$STOPGAP_WORLD/$(printf %s "$key" | tr / _).done"
case "$1" in
inspect)
    if [ -e "$done" ]; then echo '{"done":{}}'; else echo '{"undone":{}}'; fi
    exit ;;
esac
[ -e "$STOPGAP_WORLD/fail" ] && grep -qx "$key" "$STOPGAP_WORLD/fail" && {
    echo '{"failed":{"class":"conflict","excerpt":"openssl conflicts with <b>libold</b>"}}'
    exit
}
sleep "${STOPGAP_SLEEP:-0}"
echo "$key" >>"$STOPGAP_WORLD/log"
: >"$done"
case "$key" in
*/apply) echo '{"done":{"reboot_needed":true}}' ;;
*) echo '{"done":{"evidence":"seen"}}' ;;
esac
