/* SPDX-License-Identifier: Apache-2.0 */
/* What resctrl says of a container; see usage_rdt.h, and the kernel's Documentation/filesystems/resctrl.rst for the files.  Changes nothing.  */
#include "launch/usage_rdt.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "base/str.h"
#include "kernel/rdt.h"
#include "launch/record.h"

enum
{
  VALUE_MAX = 128, /* bytes of a file with one value */
  PATH_SIZE = 512
};

static OCI_TYPE (usage_rdt_cache,
  OCI_STR (usage_rdt_cache, cbm_mask,     "cbm_mask",     0),
  OCI_NUM (usage_rdt_cache, min_cbm_bits, "min_cbm_bits", 0),
  OCI_NUM (usage_rdt_cache, num_closids,  "num_closids",  0));

static OCI_TYPE (usage_rdt_bandwidth,
  OCI_NUM (usage_rdt_bandwidth, bandwidth_gran, "bandwidth_gran", 0),
  OCI_NUM (usage_rdt_bandwidth, delay_linear,   "delay_linear",   0),
  OCI_NUM (usage_rdt_bandwidth, min_bandwidth,  "min_bandwidth",  0),
  OCI_NUM (usage_rdt_bandwidth, num_closids,    "num_closids",    0));

static OCI_TYPE (usage_rdt_moved,
  OCI_NUM (usage_rdt_moved, total, "mbm_total_bytes", OCI_REQUIRED),
  OCI_NUM (usage_rdt_moved, local, "mbm_local_bytes", OCI_REQUIRED));

static OCI_TYPE (usage_rdt_held,
  OCI_NUM (usage_rdt_held, occupancy, "llc_occupancy", OCI_REQUIRED));

OCI_TYPE (usage_rdt,
  OCI_OBJ  (usage_rdt, cache,            "l3_cache_info",        0, usage_rdt_cache),
  OCI_STR  (usage_rdt, cache_root,       "l3_cache_schema_root", 0),
  OCI_STR  (usage_rdt, cache_schema,     "l3_cache_schema",      0),
  OCI_OBJ  (usage_rdt, bandwidth,        "mem_bw_info",          0, usage_rdt_bandwidth),
  OCI_STR  (usage_rdt, bandwidth_root,   "mem_bw_schema_root",   0),
  OCI_STR  (usage_rdt, bandwidth_schema, "mem_bw_schema",        0),
  OCI_OBJS (usage_rdt, moved,            "mbm_stats",            0, usage_rdt_moved),
  OCI_OBJS (usage_rdt, held,             "cmt_stats",            0, usage_rdt_held));

static int
out_of_memory (struct err *err)
{
  return err_sys (err, ENOMEM, "malloc", "use of resctrl");
}

/* The text of NAME below DIR, without its line feed, in *ARENA; NULL if there is none, or no memory.  */
static const char *
read_text (int dir, const char *name, struct oci_arena **arena)
{
  char text[VALUE_MAX];

  if (file_read_small (dir, name, text, sizeof text) < 0)
    return NULL;
  text[strcspn (text, "\n")] = '\0';
  str_make_utf8 (text);
  return oci_strndup (arena, text, strlen (text));
}

/* Reads the number in NAME below DIR.  Returns false without such a file.  What it cannot tell now ("Unavailable") is 0.  */
static bool
read_number (int dir, const char *name, uint64_t *ret)
{
  char text[VALUE_MAX];

  if (file_read_small (dir, name, text, sizeof text) < 0)
    return false;
  text[strcspn (text, "\n")] = '\0';
  if (str_u64 (text, UINT64_MAX, ret) < 0)
    *ret = 0;
  return true;
}

/* What the hardware can share out; what it cannot has no directory.  */
static int
read_info (int root, struct oci_arena **arena, struct usage_rdt *u, struct err *err)
{
  struct usage_rdt_cache cache = { .cbm_mask = NULL };
  struct usage_rdt_bandwidth bandwidth = { .num_closids = 0 };

  if (read_number (root, "info/L3/num_closids", &cache.num_closids))
    {
      cache.cbm_mask = read_text (root, "info/L3/cbm_mask", arena);
      (void) read_number (root, "info/L3/min_cbm_bits", &cache.min_cbm_bits);
      u->cache = oci_alloc (arena, sizeof *u->cache);
      if (u->cache == NULL)
        return out_of_memory (err);
      *u->cache = cache;
    }
  if (! read_number (root, "info/MB/num_closids", &bandwidth.num_closids))
    return 0;
  (void) read_number (root, "info/MB/bandwidth_gran", &bandwidth.bandwidth_gran);
  (void) read_number (root, "info/MB/delay_linear", &bandwidth.delay_linear);
  (void) read_number (root, "info/MB/min_bandwidth", &bandwidth.min_bandwidth);
  u->bandwidth = oci_alloc (arena, sizeof *u->bandwidth);
  if (u->bandwidth == NULL)
    return out_of_memory (err);
  *u->bandwidth = bandwidth;
  return 0;
}

/* The line of SCHEMATA that begins with NAME, without the blanks before it, in *ARENA; NULL if there is none, or no memory.  */
static const char *
find_line (const char *schemata, const char *name, struct oci_arena **arena)
{
  while (*schemata)
    {
      size_t len;

      schemata += strspn (schemata, " ");
      len = strcspn (schemata, "\n");
      if (str_after (schemata, name))
        return oci_strndup (arena, schemata, len);
      schemata += len + (schemata[len] == '\n');
    }
  return NULL;
}

static int
read_schemata (int group, struct oci_arena **arena, const char **ret_cache, const char **ret_bandwidth, struct err *err)
{
  own_mem char *text = NULL;
  int ret = rdt_read (group, &text, err);

  if (ret < 0)
    return ret;
  str_make_utf8 (text);
  *ret_cache = find_line (text, "L3:", arena);
  *ret_bandwidth = find_line (text, "MB:", arena);
  return 0;
}

static int
is_cache (const struct dirent *d)
{
  return str_after (d->d_name, "mon_L3_") != NULL;
}

/* What is counted for the cache NAME.  */
static void
count_cache (int group, const char *name, struct usage_rdt *u)
{
  char path[PATH_SIZE];
  struct usage_rdt_moved moved = { .total = 0 };
  struct usage_rdt_held held = { .occupancy = 0 };
  bool any;

  (void) snprintf (path, sizeof path, "mon_data/%s/mbm_total_bytes", name);
  any = read_number (group, path, &moved.total);
  (void) snprintf (path, sizeof path, "mon_data/%s/mbm_local_bytes", name);
  any |= read_number (group, path, &moved.local);
  if (any)
    u->moved[u->n_moved++] = moved;
  (void) snprintf (path, sizeof path, "mon_data/%s/llc_occupancy", name);
  if (read_number (group, path, &held.occupancy))
    u->held[u->n_held++] = held;
}

static int
read_counts (int group, struct oci_arena **arena, struct usage_rdt *u, struct err *err)
{
  struct dirent **list = NULL;
  int n = scandirat (group, "mon_data", &list, is_cache, versionsort);

  if (n < 0)
    return errno == ENOENT ? 0 : err_sys (err, errno, "open", "mon_data");
  u->moved = oci_alloc (arena, (size_t) (n + 1) * sizeof *u->moved);
  u->held = oci_alloc (arena, (size_t) (n + 1) * sizeof *u->held);
  for (int i = 0; i < n; i++)
    {
      if (u->moved && u->held)
        count_cache (group, list[i]->d_name, u);
      free (list[i]);
    }
  free (list);
  if (u->moved == NULL || u->held == NULL)
    return out_of_memory (err);
  u->moved = u->n_moved ? u->moved : NULL;
  u->held = u->n_held ? u->held : NULL;
  return 0;
}

static int
read_all (const struct record_rdt *rdt, struct oci_arena **arena, struct usage_rdt *u, struct err *err)
{
  own_fd int root = rdt_open (rdt->root, "", NULL, err);
  own_fd int group = root < 0 ? root : rdt_open (rdt->root, rdt->group, NULL, err);
  own_fd int counts = group < 0 ? group : rdt_open (rdt->root, rdt->group, rdt->monitor, err);
  int ret = counts < 0 ? counts : read_info (root, arena, u, err);

  if (ret == 0)
    ret = read_schemata (root, arena, &u->cache_root, &u->bandwidth_root, err);
  if (ret == 0)
    ret = read_schemata (group, arena, &u->cache_schema, &u->bandwidth_schema, err);
  return ret < 0 ? ret : read_counts (counts, arena, u, err);
}

int
usage_rdt_read (const struct record_rdt *rdt, struct oci_arena **arena, struct usage_rdt *ret_usage, struct err *err)
{
  struct usage_rdt u = { .cache = NULL };
  int ret = rdt ? read_all (rdt, arena, &u, err) : 0;

  if (ret == -ENOENT) /* the group, or all of resctrl, has gone */
    {
      err_clear (err);
      u = (struct usage_rdt){ .cache = NULL };
      ret = 0;
    }
  if (ret < 0)
    return err_in (err, ret, "linux.intelRdt");
  *ret_usage = u;
  return 0;
}
