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
if [ -e /run/reboot-required ] || { command -v needs-restarting >/dev/null && ! needs-restarting -r >/dev/null; }; then
    echo REBOOT
fi
