/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of a cgroup's use, on directories with files as kernels write them, whole and odd; and on no cgroup at all.  */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "cgroup/cgroup.h"
#include "cgroup/usage.h"

struct file
{
  const char *name, *text;
};

/* One directory, read.  */
struct tree
{
  char path[32];
  int dir;
  struct oci_arena *arena;
  struct cgroup_usage u;
};

static int
remove_one (const char *path, const struct stat *st, int kind, struct FTW *at)
{
  (void) st;
  (void) kind;
  (void) at;
  return remove (path);
}

static int
tree_make (void **state)
{
  struct tree *t = calloc (1, sizeof *t);

  *state = t;
  strcpy (t->path, "/tmp/orlop-unit-XXXXXX");
  if (mkdtemp (t->path) == NULL)
    return -1;
  t->dir = open (t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return t->dir < 0 ? -1 : 0;
}

static int
tree_free (void **state)
{
  struct tree *t = *state;

  close (t->dir);
  oci_arena_free (t->arena);
  (void) nftw (t->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
  free (t);
  return 0;
}

#define tree_test(function) cmocka_unit_test_setup_teardown (function, tree_make, tree_free)

static void
put (const struct tree *t, const struct file *files, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      int fd = openat (t->dir, files[i].name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

      assert_int_equal (write (fd, files[i].text, strlen (files[i].text)), strlen (files[i].text));
      close (fd);
    }
}

#define PUT(t, ...)                                                                                                    \
  do                                                                                                                   \
    {                                                                                                                  \
      const struct file files_[] = { __VA_ARGS__ };                                                                    \
      put (t, files_, sizeof files_ / sizeof *files_);                                                                 \
    }                                                                                                                  \
  while (0)

static void
add (struct tree *t, const char *controllers)
{
  struct err err = { 0 };

  assert_int_equal (cgroup_usage_add (t->dir, controllers, &t->arena, &t->u, &err), 0);
  assert_int_equal (err.kind, ERR_NONE);
}

static void
check_io (const struct usage_io_entry *e, uint64_t major, uint64_t minor, const char *op, uint64_t value)
{
  assert_int_equal (e->major, major);
  assert_int_equal (e->minor, minor);
  if (op)
    assert_string_equal (e->op, op);
  else
    assert_null (e->op);
  assert_int_equal (e->value, value);
}

static void
check_entry (const struct usage_memory_entry *e, uint64_t limit, uint64_t usage, uint64_t max, uint64_t failcnt)
{
  assert_true (e->limit == limit);
  assert_true (e->usage == usage);
  assert_true (e->max == max);
  assert_true (e->failcnt == failcnt);
}

static void
cgroup_usage_add_v1_cpu (void **state)
{
  struct tree *t = *state;

  PUT (t, { "cpuacct.usage", "4015000000\n" }, { "cpuacct.stat", "user 300\nsystem 101\n" },
       { "cpuacct.usage_percpu", "4000000000 15000000 \n" }, { "cpuacct.usage_all", "cpu user system\n0 3000 1000\n1 7 8\n" },
       { "cpu.stat", "nr_periods 12\nnr_throttled 5\nthrottled_time 600\n" });
  add (t, "cpu,cpuacct");
  assert_int_equal (t->u.cpu.usage.total, 4015000000);
  assert_int_equal (t->u.cpu.usage.user, 3000000000);
  assert_int_equal (t->u.cpu.usage.kernel, 1010000000);
  assert_int_equal (t->u.cpu.usage.n_percpu, 2);
  assert_int_equal (t->u.cpu.usage.percpu[0], 4000000000);
  assert_int_equal (t->u.cpu.usage.percpu[1], 15000000);
  assert_int_equal (t->u.cpu.usage.n_percpu_user, 2);
  assert_int_equal (t->u.cpu.usage.percpu_user[1], 7);
  assert_int_equal (t->u.cpu.usage.n_percpu_kernel, 2);
  assert_int_equal (t->u.cpu.usage.percpu_kernel[0], 1000);
  assert_int_equal (t->u.cpu.throttling.periods, 12);
  assert_int_equal (t->u.cpu.throttling.throttled_periods, 5);
  assert_int_equal (t->u.cpu.throttling.throttled_time, 600);
  assert_null (t->u.cpu.psi);
}

static void
cgroup_usage_add_v1_memory (void **state)
{
  struct tree *t = *state;

  PUT (t, { "memory.usage_in_bytes", "10\n" }, { "memory.limit_in_bytes", "9223372036854771712\n" },
       { "memory.max_usage_in_bytes", "11\n" }, { "memory.failcnt", "12\n" }, { "memory.memsw.usage_in_bytes", "20\n" },
       { "memory.memsw.limit_in_bytes", "21\n" }, { "memory.memsw.max_usage_in_bytes", "22\n" },
       { "memory.memsw.failcnt", "23\n" }, { "memory.kmem.usage_in_bytes", "30\n" }, { "memory.kmem.limit_in_bytes", "31\n" },
       { "memory.kmem.max_usage_in_bytes", "32\n" }, { "memory.kmem.failcnt", "33\n" },
       { "memory.kmem.tcp.usage_in_bytes", "40\n" }, { "memory.kmem.tcp.limit_in_bytes", "41\n" },
       { "memory.kmem.tcp.max_usage_in_bytes", "42\n" }, { "memory.kmem.tcp.failcnt", "43\n" },
       { "memory.stat", "cache 5\nrss 6\ntotal_cache 7\n" });
  add (t, "memory");
  check_entry (&t->u.memory.usage, 9223372036854771712, 10, 11, 12);
  check_entry (&t->u.memory.swap, 21, 20, 22, 23);
  check_entry (&t->u.memory.kernel, 31, 30, 32, 33);
  check_entry (&t->u.memory.kernel_tcp, 41, 40, 42, 43);
  assert_int_equal (t->u.memory.cache, 5);
  assert_int_equal (t->u.memory.n_raw, 3);
  assert_string_equal (t->u.memory.raw[2].key, "total_cache");
  assert_int_equal (t->u.memory.raw[2].value, 7);
}

static void
cgroup_usage_add_v1_cpuset (void **state)
{
  struct tree *t = *state;

  PUT (t, { "cpuset.cpus", "0-2,7\n" }, { "cpuset.mems", "1\n" }, { "cpuset.cpu_exclusive", "1\n" },
       { "cpuset.sched_load_balance", "1\n" }, { "cpuset.sched_relax_domain_level", "-1\n" }, { "cpuset.memory_pressure", "9\n" });
  add (t, "cpuset");
  assert_int_equal (t->u.cpuset.n_cpus, 4);
  assert_int_equal (t->u.cpuset.cpus[3], 7);
  assert_int_equal (t->u.cpuset.n_mems, 1);
  assert_int_equal (t->u.cpuset.mems[0], 1);
  assert_int_equal (t->u.cpuset.cpu_exclusive, 1);
  assert_int_equal (t->u.cpuset.sched_load_balance, 1);
  assert_int_equal (t->u.cpuset.sched_relax_domain_level, -1);
  assert_int_equal (t->u.cpuset.memory_pressure, 9);
}

/* The throttling layer counts where no scheduler does; what a scheduler counted goes before.  */
static void
cgroup_usage_add_v1_io (void **state)
{
  struct tree *t = *state;

  PUT (t, { "blkio.bfq.io_service_bytes_recursive", "8:16 Read 1\n8:16 Total 1\nTotal 1\n" },
       { "blkio.throttle.io_service_bytes_recursive", "8:0 Read 5\nTotal 5\n" }, { "blkio.bfq.io_serviced_recursive", "Total 0\n" },
       { "blkio.throttle.io_serviced_recursive", "8:0 Read 2\n8:0 Write 3\n8:0 Total 5\nTotal 5\n" },
       { "blkio.time_recursive", "8:0 77\n" }, { "blkio.bfq.io_wait_time_recursive", "253:1 Async 4\n" });
  add (t, "blkio");
  assert_int_equal (t->u.blkio.n_bytes, 2);
  check_io (&t->u.blkio.bytes[0], 8, 16, "Read", 1);
  check_io (&t->u.blkio.bytes[1], 8, 16, "Total", 1);
  assert_int_equal (t->u.blkio.n_served, 3);
  check_io (&t->u.blkio.served[1], 8, 0, "Write", 3);
  assert_int_equal (t->u.blkio.n_time, 1);
  check_io (&t->u.blkio.time[0], 8, 0, NULL, 77);
  assert_int_equal (t->u.blkio.n_wait_time, 1);
  check_io (&t->u.blkio.wait_time[0], 253, 1, "Async", 4);
}

static void
cgroup_usage_add_v1_others (void **state)
{
  struct tree *t = *state;

  PUT (t, { "pids.current", "3\n" }, { "pids.max", "max\n" }, { "hugetlb.2MB.usage_in_bytes", "1\n" },
       { "hugetlb.2MB.max_usage_in_bytes", "2\n" }, { "hugetlb.2MB.failcnt", "3\n" }, { "hugetlb.1GB.usage_in_bytes", "4\n" },
       { "hugetlb.2MB.rsvd.usage_in_bytes", "5\n" }, { "rdma.current", "mlx4_0 hca_handle=2 hca_object=2000\nocrdma1 hca_handle=3 hca_object=max\n" },
       { "rdma.max", "mlx4_0 hca_handle=max hca_object=max\n" });
  add (t, "pids,hugetlb,rdma");
  assert_int_equal (t->u.pids.current, 3);
  assert_int_equal (t->u.pids.limit, 0);
  assert_int_equal (t->u.n_hugetlb, 2);
  assert_string_equal (t->u.hugetlb[0].size, "1GB");
  assert_int_equal (t->u.hugetlb[0].usage, 4);
  assert_string_equal (t->u.hugetlb[1].size, "2MB");
  assert_int_equal (t->u.hugetlb[1].usage, 5);
  assert_int_equal (t->u.hugetlb[1].max, 2);
  assert_int_equal (t->u.hugetlb[1].failcnt, 3);
  assert_int_equal (t->u.rdma.n_current, 2);
  assert_string_equal (t->u.rdma.current[0].device, "mlx4_0");
  assert_int_equal (t->u.rdma.current[0].objects, 2000);
  assert_int_equal (t->u.rdma.current[1].handles, 3);
  assert_true (t->u.rdma.current[1].objects == UINT32_MAX);
  assert_int_equal (t->u.rdma.n_limit, 1);
}

/* Linux 6.18, all controllers.  */
static void
cgroup_usage_add_v2 (void **state)
{
  struct tree *t = *state;

  PUT (t, { "cpu.stat", "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnice_usec 0\ncore_sched.force_idle_usec 0\nnr_periods 7\nnr_throttled 6\n"
                        "throttled_usec 4\nnr_bursts 0\nburst_usec 0\n" },
       { "cpu.pressure", "some avg10=1.05 avg60=0.50 avg300=100.00 total=123\nfull avg10=0.00 avg60=0.01 avg300=0.00 total=45\n" },
       { "cpuset.cpus.effective", "0\n" }, { "cpuset.mems.effective", "0-1\n" }, { "memory.current", "100\n" }, { "memory.max", "max\n" },
       { "memory.peak", "200\n" }, { "memory.swap.current", "30\n" }, { "memory.swap.max", "0\n" },
       { "memory.events", "low 0\nhigh 1\nmax 8\noom 2\noom_kill 2\noom_group_kill 0\nsock_throttled 0\n" },
       { "memory.stat", "anon 1\nfile 2\nkernel 3\nkernel_stack 4\nsock 5\n" },
       { "memory.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n" }, { "pids.current", "3\n" }, { "pids.max", "50\n" },
       { "io.stat", "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=5 dios=6 cost.usage=7\n253:1 \n8:16 rbytes=9\n" },
       { "io.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n" }, { "hugetlb.2MB.current", "2097152\n" },
       { "hugetlb.2MB.events", "max 4\n" }, { "hugetlb.2MB.max", "max\n" }, { "rdma.current", "" });
  add (t, "");
  assert_int_equal (t->u.cpu.usage.total, 5000);
  assert_int_equal (t->u.cpu.usage.user, 3000);
  assert_int_equal (t->u.cpu.usage.kernel, 2000);
  assert_int_equal (t->u.cpu.throttling.periods, 7);
  assert_int_equal (t->u.cpu.throttling.throttled_time, 4000);
  assert_int_equal (t->u.cpu.psi->some.avg10, 105);
  assert_int_equal (t->u.cpu.psi->some.avg300, 10000);
  assert_int_equal (t->u.cpu.psi->full.avg60, 1);
  assert_int_equal (t->u.cpu.psi->full.total, 45);
  assert_int_equal (t->u.cpuset.n_cpus, 1);
  assert_int_equal (t->u.cpuset.n_mems, 2);
  check_entry (&t->u.memory.usage, UINT64_MAX, 100, 200, 8);
  check_entry (&t->u.memory.swap, UINT64_MAX, 130, 0, 0);
  check_entry (&t->u.memory.kernel, 0, 3, 0, 0);
  check_entry (&t->u.memory.kernel_tcp, 0, 5, 0, 0);
  assert_int_equal (t->u.memory.cache, 2);
  assert_int_equal (t->u.memory.psi->some.total, 1);
  assert_int_equal (t->u.memory.psi->full.total, 0);
  assert_int_equal (t->u.pids.limit, 50);
  assert_int_equal (t->u.blkio.n_bytes, 4);
  check_io (&t->u.blkio.bytes[0], 8, 0, "Read", 10);
  check_io (&t->u.blkio.bytes[2], 8, 0, "Discard", 5);
  check_io (&t->u.blkio.bytes[3], 8, 16, "Read", 9);
  assert_int_equal (t->u.blkio.n_served, 3);
  check_io (&t->u.blkio.served[1], 8, 0, "Write", 2);
  assert_non_null (t->u.blkio.psi);
  assert_int_equal (t->u.n_hugetlb, 1);
  assert_int_equal (t->u.hugetlb[0].usage, 2097152);
  assert_int_equal (t->u.hugetlb[0].max, 0);
  assert_int_equal (t->u.hugetlb[0].failcnt, 4);
  assert_int_equal (t->u.rdma.n_current, 0);
}

/* A limit of swap is told with that of memory, as v1 has it; without swap there is nothing to tell.  */
static void
cgroup_usage_add_v2_swap (void **state)
{
  struct tree *t = *state;

  PUT (t, { "memory.current", "100\n" }, { "memory.max", "1000\n" });
  add (t, "");
  check_entry (&t->u.memory.swap, 0, 0, 0, 0);
  t->u = (struct cgroup_usage){ 0 };
  PUT (t, { "memory.swap.current", "0\n" }, { "memory.swap.max", "500\n" });
  add (t, "");
  check_entry (&t->u.memory.swap, 1500, 100, 0, 0);
}

/* On a hybrid machine both are added; the v2 hierarchy tells the use of processors, too, in microseconds, and pressure.  */
static void
cgroup_usage_add_v1_goes_before_v2 (void **state)
{
  struct tree *t = *state;

  PUT (t, { "cpuacct.usage", "1234567\n" }, { "cpuacct.stat", "user 0\nsystem 0\n" });
  add (t, "cpuacct");
  PUT (t, { "cpu.stat", "usage_usec 9\nuser_usec 9\nsystem_usec 9\n" }, { "cpu.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=8\n" });
  add (t, "");
  assert_int_equal (t->u.cpu.usage.total, 1234567);
  assert_int_equal (t->u.cpu.usage.user, 0);
  assert_int_equal (t->u.cpu.psi->some.total, 8);
}

static void
cgroup_usage_add_nothing (void **state)
{
  static const struct cgroup_usage none;
  struct tree *t = *state;

  add (t, "");
  add (t, "cpu,cpuacct,cpuset,memory,pids,blkio,hugetlb,rdma");
  add (t, "name=systemd");
  assert_memory_equal (&t->u, &none, sizeof none);
}

/* Files of a controller count only in its hierarchy.  */
static void
cgroup_usage_add_other_hierarchy (void **state)
{
  struct tree *t = *state;

  PUT (t, { "memory.usage_in_bytes", "10\n" }, { "pids.current", "3\n" }, { "cpuacct.usage", "5\n" });
  add (t, "pids");
  assert_int_equal (t->u.memory.usage.usage, 0);
  assert_int_equal (t->u.pids.current, 3);
  assert_int_equal (t->u.cpu.usage.total, 0);
}

/* Whatever a file says, it harms nobody: too great is the greatest, what is no number is no word.  */
static void
cgroup_usage_add_odd (void **state)
{
  struct tree *t = *state;

  PUT (t, { "cpu.stat", "usage_usec 99999999999999999999\nuser_usec 18446744073709551615\nsystem_usec -1\n\nnr_periods\n nr_throttled x\nnr_throttled 4" },
       { "cpu.pressure", "some\nfull avg10 avg60=x avg300=1 total=\nother avg10=1.00\n\n" }, { "memory.current", "" }, { "memory.max", "\n" },
       { "memory.peak", "12three\n" }, { "memory.stat", "a\n\nb 18446744073709551616\nc -1\nd 1 2\n" }, { "pids.current", " 7 \n" }, { "pids.max", "18446744073709551615" },
       { "io.stat", "8 rbytes=1\n8:0\n:1 rbytes=1\n8:0 rbytes rbytes= wbytes=x rios=1 rios=2\nTotal\n" },
       { "cpuset.cpus.effective", "3-1,5-,-6,9,70000,x,0-0\n" }, { "rdma.max", "\nde\xff\ndev2 hca_handle hca_object=99999999999\n" });
  add (t, "");
  assert_true (t->u.cpu.usage.total == UINT64_MAX);
  assert_true (t->u.cpu.usage.user == UINT64_MAX);
  assert_int_equal (t->u.cpu.usage.kernel, 0);
  assert_int_equal (t->u.cpu.throttling.periods, 0);
  assert_int_equal (t->u.cpu.throttling.throttled_periods, 4);
  assert_int_equal (t->u.cpu.psi->full.avg300, 100);
  assert_int_equal (t->u.cpu.psi->full.avg60, 0);
  assert_int_equal (t->u.memory.usage.usage, 0);
  assert_int_equal (t->u.memory.usage.max, 0);
  assert_int_equal (t->u.memory.n_raw, 2);
  assert_true (t->u.memory.raw[0].value == UINT64_MAX);
  assert_int_equal (t->u.memory.raw[1].value, 1);
  assert_int_equal (t->u.pids.current, 7);
  assert_true (t->u.pids.limit == UINT64_MAX);
  assert_int_equal (t->u.blkio.n_bytes, 0);
  assert_int_equal (t->u.blkio.n_served, 2);
  assert_int_equal (t->u.cpuset.n_cpus, 2);
  assert_int_equal (t->u.cpuset.cpus[0], 9);
  assert_int_equal (t->u.cpuset.cpus[1], 0);
  assert_int_equal (t->u.rdma.n_limit, 2);
  assert_string_equal (t->u.rdma.limit[0].device, "de?");
  assert_true (t->u.rdma.limit[1].objects == UINT32_MAX);
}

/* A file without an end is not read to it.  */
static void
cgroup_usage_add_bounded (void **state)
{
  struct tree *t = *state;
  struct err err = { 0 };

  assert_int_equal (symlinkat ("/dev/zero", t->dir, "memory.current"), 0);
  assert_true (cgroup_usage_add (t->dir, "", &t->arena, &t->u, &err) < 0 || t->u.memory.usage.usage == 0);
  assert_int_equal (unlinkat (t->dir, "memory.current", 0), 0);
  PUT (t, { "memory.stat", "" });
  assert_int_equal (truncate (t->path, 0) < 0, 1);
  int fd = openat (t->dir, "memory.stat", O_WRONLY | O_CLOEXEC);
  assert_int_equal (ftruncate (fd, 64 << 20), 0);
  close (fd);
  err_clear (&err);
  assert_int_equal (cgroup_usage_add (t->dir, "", &t->arena, &t->u, &err), -EFBIG);
  assert_string_equal (err.object, "memory.stat");
}

static void
cgroup_usage_read_none (void **state)
{
  struct cgroup_dir dir = { .mount = "", .controllers = "", .path = "/no-such-cgroup-of-orlop", .skipped = false };
  struct cgroup cg = { .driver = "cgroupfs", .dirs = &dir, .n_dirs = 1 };
  struct tree *t = *state;
  struct err err = { 0 };

  assert_int_equal (cgroup_usage_read (&cg, &t->arena, &t->u, &err), -ENODEV);
  assert_int_equal (err.kind, ERR_STATE);
  dir.skipped = true;
  assert_int_equal (cgroup_usage_read (&cg, &t->arena, &t->u, NULL), -ENOTSUP);
  cg.n_dirs = 0;
  assert_int_equal (cgroup_usage_read (&cg, &t->arena, &t->u, NULL), -ENOTSUP);
  assert_int_equal (cgroup_usage_read (NULL, &t->arena, &t->u, NULL), -ENOTSUP);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    tree_test (cgroup_usage_add_v1_cpu),
    tree_test (cgroup_usage_add_v1_memory),
    tree_test (cgroup_usage_add_v1_cpuset),
    tree_test (cgroup_usage_add_v1_io),
    tree_test (cgroup_usage_add_v1_others),
    tree_test (cgroup_usage_add_v2),
    tree_test (cgroup_usage_add_v2_swap),
    tree_test (cgroup_usage_add_v1_goes_before_v2),
    tree_test (cgroup_usage_add_nothing),
    tree_test (cgroup_usage_add_other_hierarchy),
    tree_test (cgroup_usage_add_odd),
    tree_test (cgroup_usage_add_bounded),
    tree_test (cgroup_usage_read_none),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
