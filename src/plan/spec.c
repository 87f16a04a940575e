/* SPDX-License-Identifier: Apache-2.0 */
/* The default document, as the structs that decode would make of it; see spec.h.  The mounts,
 * capabilities and hidden paths are those that engines and runtimes agree on. */
#include "plan/spec.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "ocispec/config.h"

#define COUNT(list) (sizeof (list) / sizeof *(list))
/* A list of strings and its length, for initialisers of name and n_name.  */
#define WORDS(member, ...) .member = (const char *[]){ __VA_ARGS__, NULL }, .n_##member = COUNT (((const char *[]){ __VA_ARGS__ }))

enum { MOUNTS_MAX = 8, NAMESPACES_MAX = 8 };

/* The pieces that depend on the arguments.  */
struct pieces
{
  struct oci_mount mounts[MOUNTS_MAX];
  size_t n_mounts;
  struct oci_namespace namespaces[NAMESPACES_MAX];
  size_t n_namespaces;
  struct oci_id_mapping uid, gid;
};

static void
add_mounts (struct pieces *p, bool rootless)
{
  /* static: the options outlive this function */
  static const char *dev[] = { "nosuid", "strictatime", "mode=755", "size=65536k", NULL };
  static const char *pts[] = { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5", NULL };
  static const char *shm[] = { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k", NULL };
  static const char *plain[] = { "nosuid", "noexec", "nodev", NULL };
  static const char *sys[] = { "nosuid", "noexec", "nodev", "ro", NULL };
  static const char *sys_bind[] = { "rbind", "nosuid", "noexec", "nodev", "ro", NULL };
  static const char *cgroup[] = { "nosuid", "noexec", "nodev", "relatime", "ro", NULL };
  const struct oci_mount mounts[] = {
    { .destination = "/proc", .type = "proc", .source = "proc" },
    { .destination = "/dev", .type = "tmpfs", .source = "tmpfs", .options = dev, .n_options = COUNT (dev) - 1 },
    /* group 5 (tty) is not mapped for a user alone */
    { .destination = "/dev/pts", .type = "devpts", .source = "devpts", .options = pts, .n_options = COUNT (pts) - 1 - rootless },
    { .destination = "/dev/shm", .type = "tmpfs", .source = "shm", .options = shm, .n_options = COUNT (shm) - 1 },
    { .destination = "/dev/mqueue", .type = "mqueue", .source = "mqueue", .options = plain, .n_options = COUNT (plain) - 1 },
    { .destination = "/sys", .type = "sysfs", .source = "sysfs", .options = sys, .n_options = COUNT (sys) - 1 },
    { .destination = "/sys/fs/cgroup", .type = "cgroup", .source = "cgroup", .options = cgroup, .n_options = COUNT (cgroup) - 1 },
  };

  _Static_assert (COUNT (mounts) <= MOUNTS_MAX, "room for all mounts");
  memcpy (p->mounts, mounts, sizeof mounts);
  p->n_mounts = COUNT (mounts);
  if (rootless) /* a new sysfs needs a network namespace of one's own */
    p->mounts[5] = (struct oci_mount){ .destination = "/sys", .type = "none", .source = "/sys", .options = sys_bind, .n_options = COUNT (sys_bind) - 1 };
}

static void
add_namespaces (struct pieces *p, const struct spec_args *args)
{
  const struct
  {
    const char *type;
    bool wanted;
  } all[] = {
    { "pid", true }, { "network", ! args->rootless }, { "ipc", true },          { "uts", true },
    { "mount", true }, { "cgroup", args->cgroup2 },     { "user", args->rootless },
  };

  for (size_t i = 0; i < COUNT (all); i++)
    if (all[i].wanted)
      p->namespaces[p->n_namespaces++] = (struct oci_namespace){ .type = all[i].type };
}

static struct oci_linux
make_linux (struct pieces *p, struct oci_resources *resources, const struct spec_args *args)
{
  static const char *masked[] = { "/proc/acpi",         "/proc/asound",      "/proc/kcore",  "/proc/keys",
                                  "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
                                  "/proc/scsi",         "/sys/firmware",     "/sys/devices/virtual/powercap", NULL };
  static const char *readonly[] = { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL };
  struct oci_linux l = {
    .namespaces = p->namespaces,
    .n_namespaces = p->n_namespaces,
    .masked_paths = masked,
    .n_masked_paths = COUNT (masked) - 1,
    .readonly_paths = readonly,
    .n_readonly_paths = COUNT (readonly) - 1,
  };

  if (! args->rootless)
    {
      l.resources = resources;
      return l;
    }
  l.uid_mappings = &p->uid;
  l.n_uid_mappings = 1;
  l.gid_mappings = &p->gid;
  l.n_gid_mappings = 1;
  return l;
}

int
spec_make (const struct spec_args *args, char **ret_json, struct err *err)
{
  struct oci_device_rule rules[] = { { .allow = false, .access = "rwm" } };
  struct oci_resources resources = { .devices = rules, .n_devices = COUNT (rules) };
  struct oci_rlimit rlimits[] = { { .type = "RLIMIT_NOFILE", .soft = 1024, .hard = 1024 } };
  struct oci_capabilities caps = {
    WORDS (bounding, "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"),
    WORDS (effective, "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"),
    WORDS (permitted, "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"),
  };
  struct oci_user user = { 0 };
  struct oci_process process = {
    .terminal = true,
    .user = &user,
    WORDS (args, "sh"),
    WORDS (env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"),
    .cwd = "/",
    .capabilities = &caps,
    .rlimits = rlimits,
    .n_rlimits = COUNT (rlimits),
    .no_new_privileges = true,
  };
  struct oci_root root = { .path = "rootfs", .readonly = true };
  struct pieces pieces = { .uid = { 0, args->uid, 1 }, .gid = { 0, args->gid, 1 } };
  struct oci_linux linux_;
  struct oci_config config = { .oci_version = "1.3.0", .root = &root, .process = &process, .hostname = "orlop", .linux_ = &linux_ };
  int ret;

  add_mounts (&pieces, args->rootless);
  add_namespaces (&pieces, args);
  config.mounts = pieces.mounts;
  config.n_mounts = pieces.n_mounts;
  linux_ = make_linux (&pieces, &resources, args);
  ret = oci_encode (&oci_config_type, &config, true, ret_json, NULL);
  return ret < 0 ? err_host (err, -ret, "out of memory for the document") : 0;
}
