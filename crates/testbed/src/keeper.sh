# Keeps the hosts of a test: keeper.sh FOLDER BASE HOST...
#
# Runs in namespaces of its own for mounts, processes and the network, and ends with whoever has
# started it; then the kernel ends every process and every mount with it. The network between the hosts is
# 10.77.0.0/24; here is .1, the first host .11, the second .12.
#
# FOLDER/NAME/ of a host: `upper` is what it has changed of BASE, `log` what its console
# said, `boots` how often it has started. What is written there asks for something: `cut` to
# take its power away, `restore` the path of an earlier `upper` to start again from; `on` starts a host that
# has shut down.
set -eu
folder=$1 base=$2
shift 2

mount --make-rprivate /
mkdir -p /run/netns
mount -t tmpfs tmpfs /run/netns
ip link set lo up
ip link add lan type bridge
ip address add 10.77.0.1/24 dev lan
ip link set lan up

# A host has a place of its own among the control groups, or one could end another's services.
enter_group() {
    for tree in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
        [ -e "$tree/cgroup.procs" ] || continue
        mkdir -p "$tree/testbed-$keeper-$1"
        echo 0 >"$tree/testbed-$keeper-$1/cgroup.procs"
    done
}

boot() {
    here=$folder/$1
    if [ -s "$here/restore" ]; then
        rm -rf "$here/upper"
        cp -a "$(cat "$here/restore")" "$here/upper"
        rm "$here/restore"
    fi
    rm -rf "$here/work" "$here/cut" "$here/on"
    mkdir -p "$here/work" "$here/root"
    mount -t overlay overlay \
        -o "lowerdir=$base,upperdir=$here/upper,workdir=$here/work" "$here/root"
    echo $(($(cat "$here/boots") + 1)) >"$here/boots.new"
    mv "$here/boots.new" "$here/boots"
    systemd-nspawn --quiet --directory="$here/root" --boot --machine="$1" --register=no \
        --keep-unit --network-namespace-path="/run/netns/$1" --capability=CAP_NET_ADMIN \
        </dev/null >>"$here/log" 2>&1 &
    machine=$!
    while kill -0 $machine 2>/dev/null; do
        if [ -e "$here/cut" ] || [ -e "$here/restore" ]; then
            # The container outlives who has started it.
            kill -9 $machine $(ip netns pids "$1")
        fi
        sleep 0.1
    done
    code=0
    wait $machine || code=$?
    # A host whose power was cut may still answer for a moment.
    until [ -z "$(ip netns pids "$1")" ]; do sleep 0.1; done
    umount "$here/root"
    # A reboot is 133; a host that has shut down waits until it is asked for.
    [ $code = 0 ] || return 0
    until [ -e "$here/on" ] || [ -e "$here/restore" ]; do sleep 0.1; done
}

keeper=$(basename "$folder")
number=10
for host; do
    number=$((number + 1))
    ip netns add "$host"
    ip link add "lan$number" type veth peer name host0 netns "$host"
    ip link set "lan$number" master lan up
    ip netns exec "$host" ip address add "10.77.0.$number/24" dev host0
    ip netns exec "$host" ip link set host0 up
    ip netns exec "$host" ip link set lo up
    ip netns exec "$host" ip route add default via 10.77.0.1
    (
        enter_group "$host"
        while :; do boot "$host"; done
    ) &
done
: >"$folder/ready"
wait
