# The versions of packages, a line each: NAME VERSION, or NAME alone if it is not installed. Then whether
# the system must restart for what was installed.
for package; do
    if command -v dpkg-query >/dev/null; then
        version=$(dpkg-query -W -f '${db:Status-Abbrev}\t${Version}' -- "$package" 2>/dev/null |
            sed -n 's/^.i.*\t//p' | head -n 1)
    else
        version=$(rpm -q --qf '%{EVR}\n' -- "$package" 2>/dev/null | grep -v ' is not installed' | tail -n 1) || version=
    fi
    echo "$package $version"
done
restarting=
if command -v needs-restarting >/dev/null; then
    restarting=needs-restarting
elif command -v dnf >/dev/null && dnf -q needs-restarting --help >/dev/null 2>&1; then
    restarting='dnf -q needs-restarting'
fi
# Other faults end with the same status.
if [ -e /run/reboot-required ] ||
    { [ -n "$restarting" ] && LC_ALL=C $restarting -r 2>/dev/null | grep -q 'eboot is required'; }; then
    echo REBOOT
fi
