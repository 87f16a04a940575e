/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what a cgroup uses: one table says which file of which hierarchy goes where.  Every hierarchy is opened once, its files by that
 * handle, each once.  Of two rows for one member the first that yields something counts.  */
#include "cgroup/usage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/dir.h"
#include "cgroup/layout.h"
#include "cgroup/usage_take.h"

enum
{
  FILE_MAX = 4 << 20, /* of one file: a line for each of a machine's processors or disks */
  TICK_NS = 10000000  /* USER_HZ is 100 for every program */
};

#define AT(m) offsetof (struct cgroup_usage, m)

static const struct usage_key cpuacct_stat[] = { { "user", AT (cpu.usage.user), TICK_NS }, { "system", AT (cpu.usage.kernel), TICK_NS }, { 0 } };

static const struct usage_key cpu_stat_v1[] = { { "nr_periods", AT (cpu.throttling.periods), 1 },
                                                { "nr_throttled", AT (cpu.throttling.throttled_periods), 1 },
                                                { "throttled_time", AT (cpu.throttling.throttled_time), 1 },
                                                { 0 } };

static const struct usage_key cpu_stat[] = { { "usage_usec", AT (cpu.usage.total), 1000 },
                                             { "user_usec", AT (cpu.usage.user), 1000 },
                                             { "system_usec", AT (cpu.usage.kernel), 1000 },
                                             { "nr_periods", AT (cpu.throttling.periods), 1 },
                                             { "nr_throttled", AT (cpu.throttling.throttled_periods), 1 },
                                             { "throttled_usec", AT (cpu.throttling.throttled_time), 1000 },
                                             { 0 } };

static const struct usage_key memory_events[] = { { "max", AT (memory.usage.failcnt), 1 }, { 0 } };

/* cpu.stat of v2 is there without its controller, too: on a hybrid machine v1's word counts, whole.  */
static int
take_cpu (const struct usage_take *t, char *text)
{
  return t->usage->cpu.usage.total ? 0 : usage_take_keys (t, text);
}

/* A file: in the v1 hierarchy of the controller ("": in that of v2), how it is read, where it goes.  */
static const struct source
{
  const char *controller, *file;
  usage_taker *take;
  uint32_t at;
  const struct usage_key *keys;
} sources[] = {
  { "cpuacct", "cpuacct.usage", usage_take_number, AT (cpu.usage.total), NULL },
  { "cpuacct", "cpuacct.stat", usage_take_keys, 0, cpuacct_stat },
  { "cpuacct", "cpuacct.usage_percpu", usage_take_numbers, AT (cpu.usage.percpu), NULL },
  { "cpuacct", "cpuacct.usage_all", usage_take_percpu, 0, NULL },
  { "cpu", "cpu.stat", usage_take_keys, 0, cpu_stat_v1 },
  { "", "cpu.stat", take_cpu, 0, cpu_stat },
  { "", "cpu.pressure", usage_take_psi, AT (cpu.psi), NULL },

  { "cpuset", "cpuset.cpus", usage_take_list, AT (cpuset.cpus), NULL },
  { "cpuset", "cpuset.mems", usage_take_list, AT (cpuset.mems), NULL },
  { "cpuset", "cpuset.cpu_exclusive", usage_take_number, AT (cpuset.cpu_exclusive), NULL },
  { "cpuset", "cpuset.mem_hardwall", usage_take_number, AT (cpuset.mem_hardwall), NULL },
  { "cpuset", "cpuset.mem_exclusive", usage_take_number, AT (cpuset.mem_exclusive), NULL },
  { "cpuset", "cpuset.memory_migrate", usage_take_number, AT (cpuset.memory_migrate), NULL },
  { "cpuset", "cpuset.memory_spread_page", usage_take_number, AT (cpuset.memory_spread_page), NULL },
  { "cpuset", "cpuset.memory_spread_slab", usage_take_number, AT (cpuset.memory_spread_slab), NULL },
  { "cpuset", "cpuset.memory_pressure", usage_take_number, AT (cpuset.memory_pressure), NULL },
  { "cpuset", "cpuset.sched_load_balance", usage_take_number, AT (cpuset.sched_load_balance), NULL },
  { "cpuset", "cpuset.sched_relax_domain_level", usage_take_signed, AT (cpuset.sched_relax_domain_level), NULL },
  { "", "cpuset.cpus.effective", usage_take_list, AT (cpuset.cpus), NULL },
  { "", "cpuset.mems.effective", usage_take_list, AT (cpuset.mems), NULL },

  { "memory", "memory.usage_in_bytes", usage_take_number, AT (memory.usage.usage), NULL },
  { "memory", "memory.limit_in_bytes", usage_take_number, AT (memory.usage.limit), NULL },
  { "memory", "memory.max_usage_in_bytes", usage_take_number, AT (memory.usage.max), NULL },
  { "memory", "memory.failcnt", usage_take_number, AT (memory.usage.failcnt), NULL },
  { "memory", "memory.memsw.usage_in_bytes", usage_take_number, AT (memory.swap.usage), NULL },
  { "memory", "memory.memsw.limit_in_bytes", usage_take_number, AT (memory.swap.limit), NULL },
  { "memory", "memory.memsw.max_usage_in_bytes", usage_take_number, AT (memory.swap.max), NULL },
  { "memory", "memory.memsw.failcnt", usage_take_number, AT (memory.swap.failcnt), NULL },
  { "memory", "memory.kmem.usage_in_bytes", usage_take_number, AT (memory.kernel.usage), NULL },
  { "memory", "memory.kmem.limit_in_bytes", usage_take_number, AT (memory.kernel.limit), NULL },
  { "memory", "memory.kmem.max_usage_in_bytes", usage_take_number, AT (memory.kernel.max), NULL },
  { "memory", "memory.kmem.failcnt", usage_take_number, AT (memory.kernel.failcnt), NULL },
  { "memory", "memory.kmem.tcp.usage_in_bytes", usage_take_number, AT (memory.kernel_tcp.usage), NULL },
  { "memory", "memory.kmem.tcp.limit_in_bytes", usage_take_number, AT (memory.kernel_tcp.limit), NULL },
  { "memory", "memory.kmem.tcp.max_usage_in_bytes", usage_take_number, AT (memory.kernel_tcp.max), NULL },
  { "memory", "memory.kmem.tcp.failcnt", usage_take_number, AT (memory.kernel_tcp.failcnt), NULL },
  { "memory", "memory.stat", usage_take_map, AT (memory.raw), NULL },
  { "", "memory.current", usage_take_number, AT (memory.usage.usage), NULL },
  { "", "memory.max", usage_take_number, AT (memory.usage.limit), NULL },
  { "", "memory.peak", usage_take_number, AT (memory.usage.max), NULL },
  { "", "memory.swap.current", usage_take_number, AT (swap_alone.usage), NULL },
  { "", "memory.swap.max", usage_take_number, AT (swap_alone.limit), NULL },
  { "", "memory.events", usage_take_keys, 0, memory_events },
  { "", "memory.stat", usage_take_map, AT (memory.raw), NULL },
  { "", "memory.pressure", usage_take_psi, AT (memory.psi), NULL },

  { "pids", "pids.current", usage_take_number, AT (pids.current), NULL },
  { "pids", "pids.max", usage_take_limit, AT (pids.limit), NULL },
  { "", "pids.current", usage_take_number, AT (pids.current), NULL },
  { "", "pids.max", usage_take_limit, AT (pids.limit), NULL },

  /* the names of each scheduler in turn: cfq's (until Linux 5.0), bfq's, and those of the throttling layer, which always counts */
  { "blkio", "blkio.io_service_bytes_recursive", usage_take_ops, AT (blkio.bytes), NULL },
  { "blkio", "blkio.io_serviced_recursive", usage_take_ops, AT (blkio.served), NULL },
  { "blkio", "blkio.io_queued_recursive", usage_take_ops, AT (blkio.queued), NULL },
  { "blkio", "blkio.io_service_time_recursive", usage_take_ops, AT (blkio.service_time), NULL },
  { "blkio", "blkio.io_wait_time_recursive", usage_take_ops, AT (blkio.wait_time), NULL },
  { "blkio", "blkio.io_merged_recursive", usage_take_ops, AT (blkio.merged), NULL },
  { "blkio", "blkio.time_recursive", usage_take_ops, AT (blkio.time), NULL },
  { "blkio", "blkio.sectors_recursive", usage_take_ops, AT (blkio.sectors), NULL },
  { "blkio", "blkio.bfq.io_service_bytes_recursive", usage_take_ops, AT (blkio.bytes), NULL },
  { "blkio", "blkio.bfq.io_serviced_recursive", usage_take_ops, AT (blkio.served), NULL },
  { "blkio", "blkio.bfq.io_queued_recursive", usage_take_ops, AT (blkio.queued), NULL },
  { "blkio", "blkio.bfq.io_service_time_recursive", usage_take_ops, AT (blkio.service_time), NULL },
  { "blkio", "blkio.bfq.io_wait_time_recursive", usage_take_ops, AT (blkio.wait_time), NULL },
  { "blkio", "blkio.bfq.io_merged_recursive", usage_take_ops, AT (blkio.merged), NULL },
  { "blkio", "blkio.bfq.time_recursive", usage_take_ops, AT (blkio.time), NULL },
  { "blkio", "blkio.bfq.sectors_recursive", usage_take_ops, AT (blkio.sectors), NULL },
  { "blkio", "blkio.throttle.io_service_bytes_recursive", usage_take_ops, AT (blkio.bytes), NULL },
  { "blkio", "blkio.throttle.io_serviced_recursive", usage_take_ops, AT (blkio.served), NULL },
  { "blkio", "blkio.throttle.io_service_bytes", usage_take_ops, AT (blkio.bytes), NULL }, /* until Linux 4.17 */
  { "blkio", "blkio.throttle.io_serviced", usage_take_ops, AT (blkio.served), NULL },
  { "", "io.stat", usage_take_io, 0, NULL },
  { "", "io.pressure", usage_take_psi, AT (blkio.psi), NULL },

  { "rdma", "rdma.current", usage_take_rdma, AT (rdma.current), NULL },
  { "rdma", "rdma.max", usage_take_rdma, AT (rdma.limit), NULL },
  { "", "rdma.current", usage_take_rdma, AT (rdma.current), NULL },
  { "", "rdma.max", usage_take_rdma, AT (rdma.limit), NULL },
};

/* Reads FILE of DIR.  Returns 1; 0: it is not there, or has no answer now (EOPNOTSUPP, of pressure that is not measured); or negative errno.  */
static int
read_file (int dir, const char *file, char **ret_text, struct err *err)
{
  ssize_t n = file_read_at (dir, file, FILE_MAX, ret_text, err);

  if (n != -ENOENT && n != -EOPNOTSUPP && n != -EACCES && n != -ENODEV && n != -EINVAL)
    return n < 0 ? (int) n : 1;
  err_clear (err); /* ENODEV: the cgroup is just going, which shows at the end */
  return 0;
}

static int
out_of_memory (struct err *err)
{
  return err_sys (err, ENOMEM, "malloc", "use of a cgroup");
}

/* --- huge pages: a set of files for each size */

static int
read_one (int dir, const char *size, const char *rsvd, const char *suffix, usage_taker *take, const struct usage_take *to, struct err *err)
{
  own_mem char *text = NULL;
  char file[NAME_MAX + 1];
  int ret;

  (void) snprintf (file, sizeof file, "hugetlb.%s%s%s", size, rsvd, suffix);
  ret = read_file (dir, file, &text, err);
  if (ret <= 0)
    return ret;
  return take (to, text) < 0 ? out_of_memory (err) : 1;
}

/* Reads what is there of SIZE.  Reserved pages are counted if the kernel does that (Linux 5.7): a fault on one that was not would kill.  */
static int
read_hugetlb (int dir, const char *size, struct oci_arena **arena, struct usage_hugetlb *h, struct err *err)
{
  /* the readers know struct cgroup_usage alone: the numbers pass through members of one */
  static const struct usage_key events[] = { { "max", AT (memory.usage.failcnt), 1 }, { 0 } };
  static const struct
  {
    const char *suffix;
    usage_taker *take;
    uint32_t at;
  } files[] = { { ".usage_in_bytes", usage_take_number, AT (memory.usage.usage) },
                { ".max_usage_in_bytes", usage_take_number, AT (memory.usage.max) },
                { ".failcnt", usage_take_number, AT (memory.usage.failcnt) },
                { ".current", usage_take_number, AT (memory.usage.usage) },
                { ".events", usage_take_keys, 0 } };
  struct cgroup_usage u = { 0 };

  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    {
      const struct usage_take to = { .usage = &u, .arena = arena, .at = files[i].at, .keys = events };
      int ret = read_one (dir, size, ".rsvd", files[i].suffix, files[i].take, &to, err);

      if (ret == 0)
        ret = read_one (dir, size, "", files[i].suffix, files[i].take, &to, err);
      if (ret < 0)
        return ret;
    }
  h->usage = u.memory.usage.usage;
  h->max = u.memory.usage.max;
  h->failcnt = u.memory.usage.failcnt;
  h->size = oci_strndup (arena, size, strlen (size));
  return h->size ? 0 : out_of_memory (err);
}

/* The size in NAME, "hugetlb.2MB.current" or "hugetlb.2MB.usage_in_bytes", into SIZE.  */
static bool
hugetlb_size (const char *name, char *size, size_t room)
{
  const char *from = str_after (name, "hugetlb."), *dot = from ? strchr (from, '.') : NULL;

  if (dot == NULL || (strcmp (dot, ".current") != 0 && strcmp (dot, ".usage_in_bytes") != 0) || (size_t) (dot - from) >= room)
    return false;
  memcpy (size, from, (size_t) (dot - from));
  size[dot - from] = '\0';
  return true;
}

static int
by_size (const void *a, const void *b)
{
  return strcmp (((const struct usage_hugetlb *) a)->size, ((const struct usage_hugetlb *) b)->size);
}

enum
{
  HUGETLB_MAX = 16 /* sizes; the most that an architecture has is 7 */
};

static int
add_hugetlb (int dir, struct oci_arena **arena, struct cgroup_usage *u, struct err *err)
{
  int own = openat (dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;
  DIR *list = own >= 0 ? fdopendir (own) : NULL;
  struct usage_hugetlb *h = list ? oci_alloc (arena, (HUGETLB_MAX + 1) * sizeof *h) : NULL;
  size_t n = 0;

  if (list == NULL && own >= 0)
    (void) close (own);
  if (list && h == NULL)
    ret = out_of_memory (err);
  for (const struct dirent *e; ret == 0 && list && n < HUGETLB_MAX && (e = readdir (list));)
    {
      char size[32];

      if (hugetlb_size (e->d_name, size, sizeof size))
        ret = read_hugetlb (dir, size, arena, &h[n++], err);
    }
  if (list)
    (void) closedir (list); /* only read */
  if (ret < 0 || n == 0)
    return ret;
  qsort (h, n, sizeof *h, by_size);
  u->hugetlb = h;
  u->n_hugetlb = n;
  return 0;
}

/* --- the whole */

/* True if CONTROLLER's files are in the hierarchy that has CONTROLLERS.  */
static bool
is_here (const char *controller, const char *controllers)
{
  return *controller && *controllers ? cgroup_list_has (controllers, controller) : *controller == *controllers;
}

/* What NAME of memory.stat says, or 0.  */
static uint64_t
raw (const struct usage_memory *m, const char *name)
{
  for (size_t i = 0; i < m->n_raw; i++)
    if (strcmp (m->raw[i].key, name) == 0)
      return m->raw[i].value;
  return 0;
}

static uint64_t
add (uint64_t a, uint64_t b)
{
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Members that follow from others.  v2 counts swap alone, v1 memory and swap together, and that is what readers of the JSON expect.  */
static void
complete (int dir, struct cgroup_usage *u)
{
  struct usage_memory *m = &u->memory;

  m->cache = raw (m, "cache") ? raw (m, "cache") : raw (m, "file");
  if (m->kernel.usage == 0)
    m->kernel.usage = raw (m, "kernel"); /* v2, Linux 5.18 */
  if (m->kernel_tcp.usage == 0)
    m->kernel_tcp.usage = raw (m, "sock");
  if (m->swap.limit == 0 && faccessat (dir, "memory.swap.max", F_OK, 0) == 0)
    {
      m->swap.usage = add (u->swap_alone.usage, m->usage.usage);
      m->swap.limit = add (u->swap_alone.limit, m->usage.limit);
    }
}

int
cgroup_usage_add (int dir, const char *controllers, struct oci_arena **arena, struct cgroup_usage *usage, struct err *err)
{
  int ret = 0;

  for (const struct source *s = sources; ret == 0 && s < sources + sizeof sources / sizeof *sources; s++)
    {
      const struct usage_take to = { .usage = usage, .arena = arena, .at = s->at, .keys = s->keys };
      own_mem char *text = NULL;

      ret = is_here (s->controller, controllers) ? read_file (dir, s->file, &text, err) : 0;
      if (ret > 0)
        ret = s->take (&to, text) < 0 ? out_of_memory (err) : 0;
    }
  if (ret == 0 && usage->hugetlb == NULL && (is_here ("hugetlb", controllers) || *controllers == '\0'))
    ret = add_hugetlb (dir, arena, usage, err);
  complete (dir, usage);
  return ret;
}

static int
gone (struct err *err)
{
  return err_state (err, ENODEV, "the cgroup of the container is gone");
}

static int
read_dir (const struct cgroup_dir *d, struct oci_arena **arena, struct cgroup_usage *usage, struct err *err)
{
  struct cgroup_path p;
  int ret = cgroup_dir_path (d, NULL, &p, err);

  if (ret < 0)
    return ret;
  own_fd int dir = open (p.text, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0)
    return errno == ENOENT ? gone (err) : err_sys (err, errno, "open", "%s", p.text);
  ret = cgroup_usage_add (dir, d->controllers, arena, usage, err);
  return ret == 0 && faccessat (dir, "cgroup.procs", F_OK, 0) < 0 ? gone (err) : ret;
}

/* Without the controller pids the processes are counted, as far as they can be.  */
static int
count_pids (const struct cgroup *cg, struct usage_pids *pids, struct err *err)
{
  own_mem pid_t *list = NULL;
  size_t n = 0;
  int ret = pids->current ? 0 : cgroup_pids (cg, &list, &n, err);

  pids->current += n;
  return ret;
}

int
cgroup_usage_read (const struct cgroup *cg, struct oci_arena **arena, struct cgroup_usage *ret_usage, struct err *err)
{
  struct cgroup_usage u = { 0 };
  bool any = false;
  int ret;

  for (size_t i = 0; cg && i < cg->n_dirs; i++)
    {
      ret = cg->dirs[i].skipped ? 0 : read_dir (&cg->dirs[i], arena, &u, err);

      if (ret < 0)
        return ret;
      any |= ! cg->dirs[i].skipped;
    }
  if (! any)
    return err_host (err, ENOTSUP, "the container has no cgroup of its own, which would tell what it uses");
  if (u.hugetlb == NULL && (u.hugetlb = oci_alloc (arena, sizeof *u.hugetlb)) == NULL)
    return out_of_memory (err);
  ret = count_pids (cg, &u.pids, err);
  if (ret == 0)
    *ret_usage = u;
  return ret;
}
