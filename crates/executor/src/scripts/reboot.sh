# Restarts the system, after this script has ended.
systemd-run --quiet --collect --on-active=1 systemctl reboot
