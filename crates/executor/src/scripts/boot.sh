# Which start of the system this is: the kernel's, and that of its first process, which in a
# container is another.
cat /proc/sys/kernel/random/boot_id
sed 's/.*) //' /proc/1/stat | cut -d ' ' -f 20
