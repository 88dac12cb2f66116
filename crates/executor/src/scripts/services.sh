# $1 is `stop` or `start`, the rest are units. Shows their states.
what=$1
shift
systemctl "$what" -- "$@"
for unit; do
    state=$(systemctl is-active -- "$unit" || true)
    echo "$unit $state"
    case $what/$state in
    stop/inactive | stop/failed | stop/unknown | start/active) ;;
    *) exit 1 ;;
    esac
done
