/* SPDX-License-Identifier: Apache-2.0 */
/* Limits as a table; see limits.h.  A property is one row: where it is in the document, which controller has it, its files on
 * v1 and v2, and its text.  Row order is write order. */
#include "cgroup/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/devices.h"
#include "cgroup/dir.h"
#include "cgroup/layout.h" /* cgroup_list_has */
#include "cgroup/weight.h"
#include "ocispec/linux.h"

enum
{
  TEXT_MAX = 4096,
  PERIOD_US = 100000 /* the kernel's default period of cpu.max */
};

/* A limit where -1 means none: "max" on v2.  0 is how engines write that nothing was asked for.  */
static int
bytes (const int64_t *value, bool v2, char *buf, size_t size)
{
  if (value == NULL || *value == 0)
    return 0;
  return v2 && *value < 0 ? snprintf (buf, size, "max") : snprintf (buf, size, "%" PRId64, *value);
}

static int
memory_limit (const struct oci_resources *r, bool v2, char *buf, size_t size)
{
  return r->memory ? bytes (r->memory->limit, v2, buf, size) : 0;
}

/* The document's number is memory and swap together; on v2 swap is a limit of its own.  Unlimited memory without a word about
 * swap means both (as runc).  */
static int
memory_swap (const struct oci_resources *r, bool v2, char *buf, size_t size)
{
  const struct oci_memory *m = r->memory;

  if (m == NULL)
    return 0;
  if (m->swap == NULL || *m->swap == 0)
    return m->limit && *m->limit < 0 ? bytes (m->limit, v2, buf, size) : 0;
  if (v2 && *m->swap > 0 && m->limit && *m->limit > 0)
    return snprintf (buf, size, "%" PRId64, *m->swap - *m->limit);
  return bytes (m->swap, v2, buf, size);
}

static int
memory_reservation (const struct oci_resources *r, bool v2, char *buf, size_t size)
{
  return r->memory ? bytes (r->memory->reservation, v2, buf, size) : 0;
}

static int
cpu_shares (const struct oci_resources *r, bool v2, char *buf, size_t size)
{
  if (r->cpu == NULL || r->cpu->shares == NULL || *r->cpu->shares == 0)
    return 0;
  return snprintf (buf, size, "%" PRIu64, v2 ? cgroup_weight (*r->cpu->shares) : *r->cpu->shares);
}

static int
cpu_period (const struct oci_resources *r, bool v2, char *buf, size_t size)
{
  if (v2 || r->cpu == NULL || r->cpu->period == NULL || *r->cpu->period == 0)
    return 0;
  return snprintf (buf, size, "%" PRIu64, *r->cpu->period);
}

/* v2 has both in one file.  */
static int
cpu_quota (const struct oci_resources *r, bool v2, char *buf, size_t size)
{
  const struct oci_cpu *c = r->cpu;
  bool quota = c && c->quota && *c->quota != 0, period = c && c->period && *c->period != 0;

  if (! v2)
    return quota ? snprintf (buf, size, "%" PRId64, *c->quota) : 0;
  if (! quota && ! period)
    return 0;
  if (! quota || *c->quota < 0)
    return snprintf (buf, size, "max %" PRIu64, period ? *c->period : PERIOD_US);
  return snprintf (buf, size, "%" PRId64 " %" PRIu64, *c->quota, period ? *c->period : PERIOD_US);
}

static int
cpuset_cpus (const struct oci_resources *r, bool v2, char *buf, size_t size)
{
  (void) v2;
  return r->cpu && r->cpu->cpus && *r->cpu->cpus ? snprintf (buf, size, "%s", r->cpu->cpus) : 0;
}

static int
cpuset_mems (const struct oci_resources *r, bool v2, char *buf, size_t size)
{
  (void) v2;
  return r->cpu && r->cpu->mems && *r->cpu->mems ? snprintf (buf, size, "%s", r->cpu->mems) : 0;
}

/* 0 is a limit, -1 is none (runtime-spec 1.3).  */
static int
pids_limit (const struct oci_resources *r, bool v2, char *buf, size_t size)
{
  const int64_t *limit = r->pids ? r->pids->limit : NULL;

  (void) v2;
  if (limit == NULL)
    return 0;
  return *limit < 0 ? snprintf (buf, size, "max") : snprintf (buf, size, "%" PRId64, *limit);
}

static const struct cgroup_limit_row rows[] = {
  /* memory before memory and swap together; the kernel wants the other order, and says EINVAL, when they rise */
  { "memory.limit", "memory", "memory.limit_in_bytes", "memory.max", memory_limit, CGROUP_ROW_NEXT_FIRST },
  { "memory.swap", "memory", "memory.memsw.limit_in_bytes", "memory.swap.max", memory_swap, CGROUP_ROW_ZERO_MAY_LACK },
  { "memory.reservation", "memory", "memory.soft_limit_in_bytes", "memory.low", memory_reservation, 0 },
  { "cpu.shares", "cpu", "cpu.shares", "cpu.weight", cpu_shares, 0 },
  /* a shorter period with the old quota may be more than the parent has */
  { "cpu.period", "cpu", "cpu.cfs_period_us", NULL, cpu_period, CGROUP_ROW_NEXT_FIRST },
  { "cpu.quota", "cpu", "cpu.cfs_quota_us", "cpu.max", cpu_quota, 0 },
  { "cpu.cpus", "cpuset", "cpuset.cpus", "cpuset.cpus", cpuset_cpus, 0 },
  { "cpu.mems", "cpuset", "cpuset.mems", "cpuset.mems", cpuset_mems, 0 },
  { "pids.limit", "pids", "pids.max", "pids.max", pids_limit, CGROUP_ROW_LATE },
  { .where = NULL },
};

const struct cgroup_limit_row *
cgroup_limit_rows (void)
{
  return rows;
}

bool
cgroup_limits_asked (const struct oci_resources *r)
{
  char text[TEXT_MAX];

  if (r == NULL)
    return false;
  for (const struct cgroup_limit_row *row = rows; row->where; row++)
    if (row->text (r, true, text, sizeof text) > 0 || row->text (r, false, text, sizeof text) > 0)
      return true;
  return r->n_unified > 0;
}

bool
cgroup_limit_is_none (const char *text)
{
  return strcmp (text, "-1") == 0 || strncmp (text, "max", 3) == 0;
}

/* One call of cgroup_limit.  */
struct job
{
  const struct cgroup *cg;
  const struct oci_resources *r;
  bool enabled;   /* the controllers, or tried to */
  int refused;    /* what came of it */
  struct err why; /* likewise */
};

/* Adds "+CONTROLLER" to LIST.  What does not fit is left out: the kernel then says that the file is missing.  */
static void
add_controller (char *list, size_t size, const char *controller, size_t len)
{
  size_t used = strlen (list);
  char word[80];

  if (snprintf (word, sizeof word, "+%.*s", (int) len, controller) >= (int) sizeof word || cgroup_list_has (list, word))
    return;
  if (used + strlen (word) + 2 <= size)
    (void) snprintf (list + used, size - used, "%s%s", used ? " " : "", word);
}

/* Enables on v2 all controllers that the resources need, in one go.  */
static void
enable (struct job *j, const struct cgroup_dir *d)
{
  char list[1024] = "", text[TEXT_MAX];

  if (j->enabled)
    return;
  j->enabled = true;
  for (const struct cgroup_limit_row *row = rows; row->where; row++)
    if (cgroup_dir_of (j->cg, row->controller) == d && row->text (j->r, true, text, sizeof text) > 0
        && ! cgroup_limit_is_none (text))
      add_controller (list, sizeof list, row->controller, strlen (row->controller));
  for (size_t i = 0; i < j->r->n_unified; i++)
    if (str_after (j->r->unified[i].key, "cgroup.") == NULL)
      add_controller (list, sizeof list, j->r->unified[i].key, strcspn (j->r->unified[i].key, "."));
  j->refused = *list ? cgroup_dir_enable (d, list, &j->why) : 0;
}

/* Writes TEXT to FILE of D; on v2 a missing file may be there once its controller is enabled.  */
static int
write_text (struct job *j, const struct cgroup_dir *d, const char *file, const char *text, struct err *err)
{
  int r = cgroup_dir_write (d, file, text, err);

  if (r != -ENOENT || ! cgroup_dir_is_v2 (d) || cgroup_limit_is_none (text))
    return r;
  enable (j, d);
  err_clear (err);
  r = cgroup_dir_write (d, file, text, err);
  if (r == -ENOENT && j->refused < 0)
    {
      if (err)
        *err = j->why;
      return j->refused;
    }
  return r;
}

static int
write_row (struct job *j, const struct cgroup_limit_row *row, struct err *err)
{
  const struct cgroup_dir *d = cgroup_dir_of (j->cg, row->controller);
  bool v2 = d && cgroup_dir_is_v2 (d);
  const char *file = v2 ? row->v2 : row->v1;
  char text[TEXT_MAX];
  int n = row->text (j->r, v2, text, sizeof text), r;

  if (n <= 0 || file == NULL)
    return 0;
  if (n >= (int) sizeof text)
    r = err_sys (err, E2BIG, "write", "%s", file);
  else if (d == NULL || d->skipped)
    r = cgroup_limit_is_none (text)
            ? 0
            : err_host (err, EPERM, "the container has no \"%s\" cgroup of its own to limit", row->controller);
  else
    r = write_text (j, d, file, text, err);
  if (r == -ENOENT
      && (cgroup_limit_is_none (text) || (row->flags & CGROUP_ROW_ZERO_MAY_LACK && strcmp (text, "0") == 0)))
    {
      err_clear (err);
      return 0;
    }
  return err_in (err, r, "linux.resources.%s", row->where);
}

static int
write_rows (struct job *j, int late, struct err *err)
{
  for (const struct cgroup_limit_row *row = rows; row->where; row++)
    {
      int r = (row->flags & CGROUP_ROW_LATE ? 1 : 0) == late ? write_row (j, row, err) : 0;

      if (r == -EINVAL && row->flags & CGROUP_ROW_NEXT_FIRST)
        {
          err_clear (err);
          r = write_row (j, row + 1, err);
          r = r < 0 ? r : write_row (j, row, err);
        }
      if (r < 0)
        return r;
    }
  return 0;
}

/* Writes VALUE line by line: the kernel's files take one setting a write.  */
static int
write_lines (struct job *j, const struct cgroup_dir *d, const char *file, const char *value, struct err *err)
{
  int r = *value ? 0 : write_text (j, d, file, "\n", err);

  while (r == 0 && *value)
    {
      char line[TEXT_MAX];
      size_t len = strcspn (value, "\n");

      if (len >= sizeof line)
        return err_sys (err, E2BIG, "write", "%s", file);
      memcpy (line, value, len);
      line[len] = '\0';
      r = len ? write_text (j, d, file, line, err) : 0;
      value += len + (value[len] == '\n');
    }
  return r;
}

static int
write_unified (struct job *j, int late, struct err *err)
{
  const struct cgroup_dir *d = cgroup_dir_find (j->cg, "");

  for (size_t i = 0; i < j->r->n_unified; i++)
    {
      const struct oci_pair *u = &j->r->unified[i];
      int r;

      if (late != (str_after (u->key, "pids.") ? 1 : 0))
        continue;
      r = d && ! d->skipped ? write_lines (j, d, u->key, u->value, err)
                            : err_host (err, EPERM, "the container has no cgroup v2 of its own");
      if (r < 0)
        return err_in (err, r, "linux.resources.unified[\"%.100s\"]", u->key);
    }
  return 0;
}

int
cgroup_limit (const struct cgroup *cg, const struct oci_resources *r, int fd, enum cgroup_limit_phase phase,
              struct err *err)
{
  struct job j = { .cg = cg, .r = r };
  int ret = phase & CGROUP_LIMIT_EARLY ? cgroup_devices_write (cg, r, fd, err) : 0;

  for (int late = 0; late < 2 && r; late++)
    if (ret == 0 && phase & (late ? CGROUP_LIMIT_LATE : CGROUP_LIMIT_EARLY))
      {
        ret = write_rows (&j, late, err);
        ret = ret < 0 ? ret : write_unified (&j, late, err);
      }
  return ret;
}
