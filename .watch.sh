while sleep 10; do
 echo "=== $(cat /proc/uptime)"
 for p in /proc/[0-9]*; do
  [ -n "$(tr -d "\0" <$p/cmdline 2>/dev/null)" ] || continue
  printf '%s %s | ' ${p#/proc/} "$(tr '\0' ' ' <$p/cmdline | cut -c1-120)"; cat $p/wchan; printf ' | '; cat $p/syscall
  sed 's/^/      /' $p/stack
 done
done > $1/watch 2>&1
