/* SPDX-License-Identifier: Apache-2.0 */
/* The floor: what any runtime must ask of this kernel to run the bundle of `orlop spec` once and leave nothing
 * behind: the same namespaces, mounts, nodes, masked and read-only paths, standard descriptors, cgroups, capabilities and exec, hard-coded in the fewest
 * calls of the old interfaces.  No JSON, no record, no safety against the root file system, hardly an error message.  What a
 * runtime costs divided by what this costs is its distance from the possible.
 *
 *   cc -O2 -static -o floor floor.c && ./floor ROOTFS PROGRAM [ARG ...]
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup"

static const char *const hierarchies[] = { "cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd", "unified" };

enum
{
  MAX = sizeof hierarchies / sizeof *hierarchies
};

static char dirs[MAX][128];
static int n_dirs, v2;

static void
fail (const char *what)
{
  fprintf (stderr, "floor: %s: %s\n", what, strerror (errno));
  _exit (125);
}

static int
put (const char *path, const char *text)
{
  int fd = open (path, O_WRONLY | O_CLOEXEC), ok;

  if (fd < 0)
    return -1;
  ok = write (fd, text, strlen (text)) < 0 ? -1 : 0;
  close (fd);
  return ok;
}

static void
inherit_cpuset (const char *dir, const char *file)
{
  char from[192], to[192], value[256];
  ssize_t n;
  int fd;

  snprintf (from, sizeof from, ROOT "/cpuset/%s", file);
  snprintf (to, sizeof to, "%s/%s", dir, file);
  fd = open (from, O_RDONLY | O_CLOEXEC);
  n = fd < 0 ? -1 : read (fd, value, sizeof value - 1);
  if (n < 0)
    fail (from);
  value[n] = '\0';
  close (fd);
  put (to, value);
}

static void
make_cgroups (void)
{
  v2 = access (ROOT "/cgroup.controllers", F_OK) == 0;
  for (int i = 0; i < (v2 ? 1 : MAX); i++)
    {
      char probe[128];

      snprintf (probe, sizeof probe, ROOT "/%s/cgroup.procs", v2 ? "" : hierarchies[i]);
      if (! v2 && access (probe, F_OK) < 0)
        continue;
      snprintf (dirs[n_dirs], sizeof *dirs, ROOT "/%s%sfloor-%d", v2 ? "" : hierarchies[i], v2 ? "" : "/", getpid ());
      if (mkdir (dirs[n_dirs], 0755) < 0)
        fail (dirs[n_dirs]);
      if (! v2 && strcmp (hierarchies[i], "cpuset") == 0)
        {
          inherit_cpuset (dirs[n_dirs], "cpuset.cpus");
          inherit_cpuset (dirs[n_dirs], "cpuset.mems");
        }
      n_dirs++;
    }
}

static void
join_cgroups (void)
{
  for (int i = 0; ! v2 && i < n_dirs; i++)
    {
      char file[192];

      snprintf (file, sizeof file, "%s/%s", dirs[i], strstr (dirs[i], "/unified/") ? "cgroup.procs" : "tasks");
      if (put (file, "0") < 0)
        fail (file);
    }
}

static void
mount_at (const char *type, const char *target, unsigned long flags, const char *data)
{
  if (mount (type, target, type, flags, data) < 0)
    fail (target);
}

static void
mount_cgroups (unsigned long flags)
{
  if (v2)
    {
      mount_at ("cgroup2", "sys/fs/cgroup", flags | MS_RDONLY, NULL);
      return;
    }
  mount_at ("tmpfs", "sys/fs/cgroup", flags, "mode=755");
  for (int i = 0; i < n_dirs; i++)
    {
      char target[128], data[64], name[32];
      int unified;

      snprintf (name, sizeof name, "%.*s", (int) strcspn (dirs[i] + sizeof ROOT, "/"), dirs[i] + sizeof ROOT);
      unified = strcmp (name, "unified") == 0;
      snprintf (target, sizeof target, "sys/fs/cgroup/%s", name);
      snprintf (data, sizeof data, "%s%s", strcmp (name, "systemd") == 0 ? "none,name=" : "", name);
      mkdir (target, 0755);
      mount_at (unified ? "cgroup2" : "cgroup", target, flags | MS_RDONLY, unified ? NULL : data);
    }
  if (mount ("", "sys/fs/cgroup", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL) < 0)
    fail ("sys/fs/cgroup");
}

static void
make_mounts (const char *rootfs)
{
  const unsigned long quiet = MS_NOSUID | MS_NOEXEC | MS_NODEV;

  if (mount ("", "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
    fail ("propagation");
  if (mount (rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL) < 0 || chdir (rootfs) < 0)
    fail (rootfs);
  mount_at ("proc", "proc", 0, NULL);
  mount_at ("tmpfs", "dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
  mkdir ("dev/pts", 0755);
  mkdir ("dev/shm", 0755);
  mkdir ("dev/mqueue", 0755);
  mount_at ("devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
  mount_at ("tmpfs", "dev/shm", quiet, "mode=1777,size=65536k");
  mount_at ("mqueue", "dev/mqueue", quiet, NULL);
  mount_at ("sysfs", "sys", quiet | MS_RDONLY, NULL);
  mount_cgroups (quiet);
}

static void
fill_dev (void)
{
  static const struct { const char *path; unsigned major, minor; } nodes[]
      = { { "dev/null", 1, 3 }, { "dev/zero", 1, 5 }, { "dev/full", 1, 7 }, { "dev/random", 1, 8 }, { "dev/urandom", 1, 9 }, { "dev/tty", 5, 0 } };
  static const char *const links[][2] = { { "/proc/self/fd", "dev/fd" }, { "/proc/self/fd/0", "dev/stdin" }, { "/proc/self/fd/1", "dev/stdout" },
                                          { "/proc/self/fd/2", "dev/stderr" }, { "pts/ptmx", "dev/ptmx" } };

  umask (0);
  for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
    if (mknod (nodes[i].path, S_IFCHR | 0666, makedev (nodes[i].major, nodes[i].minor)) < 0)
      fail (nodes[i].path);
  umask (022);
  for (size_t i = 0; i < sizeof links / sizeof *links; i++)
    if (symlink (links[i][0], links[i][1]) < 0)
      fail (links[i][1]);
}

static void
hide (void)
{
  static const char *const files[] = { "proc/kcore", "proc/latency_stats", "proc/timer_list", "proc/timer_stats", "proc/sched_debug", "proc/keys" };
  static const char *const directories[] = { "proc/acpi", "proc/asound", "sys/firmware", "proc/scsi" };
  static const char *const readonly[] = { "proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger" };

  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    mount ("dev/null", files[i], NULL, MS_BIND, NULL);
  for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
    mount ("tmpfs", directories[i], "tmpfs", MS_RDONLY, "size=0k");
  for (size_t i = 0; i < sizeof readonly / sizeof *readonly; i++)
    if (mount (readonly[i], readonly[i], NULL, MS_BIND | MS_REC, NULL) == 0)
      mount ("", readonly[i], NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
}

/* The host's null device, which the caller had on all three, stays outside.  */
static void
replace_null (void)
{
  int null = open ("/dev/null", O_RDWR | O_CLOEXEC);

  for (int fd = 0; fd <= 2; fd++)
    if (dup2 (null, fd) < 0)
      fail ("/dev/null");
}

static void
drop_privilege (void)
{
  const unsigned keep = 1u << CAP_AUDIT_WRITE | 1u << CAP_KILL | 1u << CAP_NET_BIND_SERVICE;
  const struct rlimit files = { 1024, 1024 };
  struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
  struct __user_cap_data_struct caps[2] = { { keep, keep, 0 }, { 0, 0, 0 } };

  setrlimit (RLIMIT_NOFILE, &files);
  for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++)
    if (cap > 31 || ! (keep >> cap & 1))
      prctl (PR_CAPBSET_DROP, cap, 0, 0, 0);
  if (setgroups (0, NULL) < 0 || setresgid (0, 0, 0) < 0 || setresuid (0, 0, 0) < 0 || syscall (SYS_capset, &head, caps) < 0)
    fail ("ids");
  prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void
inside (char **argv)
{
  char *const env[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", NULL };

  join_cgroups ();
  if (unshare (CLONE_NEWCGROUP) < 0 || sethostname ("floor", 5) < 0)
    fail ("namespaces");
  make_mounts (argv[0]);
  fill_dev ();
  hide ();
  if (mount ("", ".", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
    fail ("read-only root");
  if (syscall (SYS_pivot_root, ".", ".") < 0 || umount2 (".", MNT_DETACH) < 0 || chdir ("/") < 0)
    fail ("pivot_root");
  replace_null ();
  drop_privilege ();
  execve (argv[1], argv + 1, env);
  fail (argv[1]);
}

int
main (int argc, char **argv)
{
  struct clone_args args = { .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET, .exit_signal = SIGCHLD };
  int status;
  pid_t pid;

  if (argc < 3)
    return 2;
  make_cgroups ();
  if (v2)
    {
      args.cgroup = (unsigned long long) open (dirs[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
      args.flags |= CLONE_INTO_CGROUP;
    }
  pid = (pid_t) syscall (SYS_clone3, &args, sizeof args);
  if (pid < 0)
    fail ("clone3");
  if (pid == 0)
    inside (argv + 1);
  waitpid (pid, &status, 0);
  for (int i = 0; i < n_dirs; i++)
    while (rmdir (dirs[i]) < 0 && errno == EBUSY)
      usleep (100);
  return WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
}
