/* SPDX-License-Identifier: Apache-2.0 */
/* Id mappings: checked, looked up and written.  Never decides who is mapped to whom.  child-safe */
#include "kernel/idmap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"

enum
{
  MAP_TEXT = 4096 /* the kernel takes less than a page in one write */
};

/* Formats the map as the kernel reads it.  Returns the length or -E2BIG.  */
static int
format (const struct idmap *maps, size_t n, char *buf, size_t size)
{
  size_t used = 0;
  for (size_t i = 0; i < n; i++)
    {
      int len = snprintf (buf + used, size - used, "%u %u %u\n", maps[i].inside, maps[i].outside, maps[i].size);
      if (len < 0 || (size_t) len >= size - used)
        return -E2BIG;
      used += (size_t) len;
    }
  return (int) used;
}

/* True if [A, A + A_SIZE) and [B, B + B_SIZE) meet.  */
static bool
meet (uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
  return (uint64_t) a < (uint64_t) b + b_size && (uint64_t) b < (uint64_t) a + a_size;
}

/* True if the extent is not empty and ends before the id 4294967295, which means "none".  */
static bool
is_sound (const struct idmap *m)
{
  return m->size > 0 && (uint64_t) m->inside + m->size <= UINT32_MAX && (uint64_t) m->outside + m->size <= UINT32_MAX;
}

int
idmap_check (const char *where, const struct idmap *maps, size_t n, struct err *err)
{
  char text[MAP_TEXT];

  if (n > IDMAP_MAX || format (maps, n, text, sizeof text) < 0)
    return err_spec (err, where, "%zu mappings are more than the kernel takes", n);
  for (size_t i = 0; i < n; i++)
    {
      if (! is_sound (&maps[i]))
        return err_spec (err, where, "mapping %zu is empty or goes beyond the last id", i);
      for (size_t k = 0; k < i; k++)
        if (meet (maps[i].inside, maps[i].size, maps[k].inside, maps[k].size)
            || meet (maps[i].outside, maps[i].size, maps[k].outside, maps[k].size))
          return err_spec (err, where, "mappings %zu and %zu overlap", k, i);
    }
  return 0;
}

int64_t
idmap_translate (const struct idmap *maps, size_t n, uint32_t id)
{
  for (size_t i = 0; i < n; i++)
    if (id >= maps[i].inside && id - maps[i].inside < maps[i].size)
      return (int64_t) maps[i].outside + (id - maps[i].inside);
  return -1;
}

bool
idmap_is_own (const struct idmap *maps, size_t n, uint32_t id)
{
  return n == 1 && maps[0].size == 1 && maps[0].outside == id;
}

/* Writes one map file below DIR.  */
static int
write_map (int dir, const char *name, const struct idmap *maps, size_t n, struct err *err)
{
  char text[MAP_TEXT];

  if (n == 0)
    return 0;
  int len = format (maps, n, text, sizeof text);
  if (len < 0)
    return err_host (err, E2BIG, "%s: %zu mappings are more than the kernel takes", name, n);
  return file_write_at (dir, name, text, (size_t) len, err);
}

int
idmap_write (int proc_pid_dirfd, const struct idmap *uid, size_t n_uid, const struct idmap *gid, size_t n_gid,
             bool setgroups_allowed, struct err *err)
{
  /* user_namespaces(7): setgroups can be denied before gid_map is written, not after (CVE-2014-8989).  */
  if (! setgroups_allowed)
    {
      int ret = file_write_at (proc_pid_dirfd, "setgroups", "deny", strlen ("deny"), err);
      if (ret < 0)
        return ret;
    }
  int ret = write_map (proc_pid_dirfd, "gid_map", gid, n_gid, err);
  return ret < 0 ? ret : write_map (proc_pid_dirfd, "uid_map", uid, n_uid, err);
}
