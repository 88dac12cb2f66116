#!/bin/sh
# Tells what this host runs, without changing anything: packages, jobs, automatic updates, whether
# it waits for a reboot. Needs no root; without it the tables of other users' jobs are not seen.
#
# Format, version 1: a line `@@ NAME` begins a section, every line of a section begins with one
# space, `@@ end` is the last line. A section whose tool is not there is left out; where one did not
# end in time, its section has a line `@ended TOOL`. `@short` says that the name is its first part alone.
PATH=/usr/sbin:/usr/bin:/sbin:/bin; export PATH
LC_ALL=C; export LC_ALL
tab=$(printf '\t')
has() { command -v "$1" >/dev/null 2>&1; }
section() { echo "@@ $1"; sed 's/^/ /'; }
# A tool that hangs keeps no other from telling: `within SECONDS TOOL…` ends with 124 then.
within() {
    seconds=$1; shift
    if has timeout; then timeout -s KILL "$seconds" "$@"; else "$@"; fi
    status=$?
    case $status in 124|137) printf '\n@ended %s\n' "$1"; return 124 ;; esac
    return $status
}

echo '@@ stopgap-collection 1'
# Asks the resolver, which may be slow, or not there today: the name must not become another by that.
{ has timeout && within 5 hostname -f 2>/dev/null || { uname -n; echo @short; }; } | section hostname
# By which it is known again without its whole name.
has ip && within 5 ip -o addr show 2>/dev/null | sed -n 's/^.* inet6\{0,1\} \([^ /]*\).*$/\1/p; /^@ended /p' | section addresses
date +%s | section time
{ uname -s; uname -r; uname -m; } | section uname
[ -r /etc/os-release ] && section os-release </etc/os-release

has dpkg-query && within 30 dpkg-query -W -f='${db:Status-Abbrev}\t${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n' | section dpkg
# BusyBox has a program of that name that knows of no packages.
has rpm && rpm --eval 1 >/dev/null 2>&1 && within 30 rpm -qa --qf '%{NAME}\t%{EPOCHNUM}\t%{VERSION}-%{RELEASE}\t%{ARCH}\t%{SOURCERPM}\n' | section rpm
# Where apk keeps it up to its version 2, and since.
for file in /lib/apk/db/installed /usr/lib/apk/db/installed; do
    [ -r "$file" ] && sed -n '/^[PVAo]:/p; /^$/p' "$file" | section apk && break
done

# A routing suite says its version as network devices do, to who may ask it.
has vtysh && within 10 vtysh -c 'show version' 2>/dev/null | sed -n '/^FRRouting /p; /^@ended /p' | section show-version

# Each line of a table with the file that it is in.
for file in /etc/crontab /etc/cron.d/* /var/spool/cron/crontabs/* /var/spool/cron/* /etc/crontabs/*; do
    [ -f "$file" ] && [ -r "$file" ] && sed "s|^|$file$tab|" "$file"
done | section cron
for folder in hourly daily weekly monthly; do
    for file in /etc/cron.$folder/* /etc/periodic/$folder/*; do
        [ -x "$file" ] && [ -f "$file" ] && printf '%s\t%s\n' "$folder" "$file"
    done
done | section cron-scripts

if has systemctl; then
    within 10 systemctl list-units --type=timer --all --plain --no-legend 2>/dev/null | while read -r timer tool; do
        case $timer in '') continue ;; @ended) echo "@ended $tool"; break ;; esac
        within 10 systemctl show -p Id -p ActiveState -p Unit -p FragmentPath -p TimersCalendar -p TimersMonotonic "$timer"
        [ $? = 124 ] && break
        service=$(within 10 systemctl show -p Unit --value "$timer")
        [ $? = 124 ] && { echo; echo '@ended systemctl'; break; }
        within 10 systemctl show -p ExecStart "$service"
        [ $? = 124 ] && break
        echo
    done | section timers
    for unit in apt-daily-upgrade.timer unattended-upgrades.service dnf-automatic.timer dnf-automatic-install.timer dnf5-automatic.timer yum-cron.service packagekit-offline-update.service; do
        printf '%s\t' "$unit"
        within 10 systemctl is-enabled "$unit" 2>/dev/null
        [ $? = 124 ] && break
        echo
    done | section update-units
fi
has apt-config && within 10 apt-config dump APT::Periodic 2>/dev/null | section apt-config
has unattended-upgrade && echo installed | section unattended-upgrades
for file in /etc/dnf/automatic.conf /etc/dnf/dnf5-plugins/automatic.conf; do
    [ -r "$file" ] && sed -n '/^[[:space:]]*apply_updates/p' "$file"
done | section dnf-automatic

{
    if [ -e /run/reboot-required ] || [ -e /var/run/reboot-required ]; then echo needed; fi
    [ -r /run/reboot-required.pkgs ] && sort -u /run/reboot-required.pkgs | sed 's/^/package /'
    # A program of its own, or a command of dnf, where that plugin is there.
    restarting=
    if has needs-restarting; then
        restarting=needs-restarting
    elif has dnf && within 30 dnf -q needs-restarting --help >/dev/null 2>&1; then
        restarting='dnf -q needs-restarting'
    fi
    if [ -n "$restarting" ]; then
        says=$(within 30 $restarting -r 2>/dev/null)
        case $?:$says in
        0:*) echo not-needed ;;
        1:*'eboot is required'*) echo needed ;;
        124:*) echo "@ended $restarting" ;;
        esac
    fi
    has dpkg-query && echo not-needed-unless-said
} | section reboot

# Whatever backs this host up touches this file when it is done.
[ -e /var/lib/stopgap/last-backup ] && date -r /var/lib/stopgap/last-backup +%s | section backup
echo '@@ end'
