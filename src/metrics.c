/* SPDX-License-Identifier: Apache-2.0 */
/* OpenMetrics text: a table of families, each with its containers, since those of one family must stand together.  Must not write a number
 * by the C library's floating point, whose decimal point depends on the locale. */
#include "metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/own.h"

enum
{
  NONE_FROM = 62 /* v1 writes no limit of memory as a number near 2^63 */
};

/* A label of a sample beside `container`.  */
struct label
{
  const char *name, *value;
};

/* One family: what it is called (a counter's samples have _total behind), and who writes its samples.  */
struct family
{
  const char *name, *unit, *help;
  bool counter;
  void (*write) (FILE *out, const struct family *f, const struct metrics_of *c);
  size_t at;    /* offsetof in struct usage, or in the items of a list there */
  size_t there; /* offsetof in struct usage of what is not 0 if the kernel tells it; ALWAYS: it does */
};

/* --- samples */

/* A label's value: line feed, quote and backslash are escaped, all else is as it is.  */
static void
put_escaped (FILE *out, const char *text)
{
  for (; *text; text++)
    if (*text == '\n')
      (void) fputs ("\\n", out);
    else
      {
        if (*text == '"' || *text == '\\')
          (void) fputc ('\\', out);
        (void) fputc (*text, out);
      }
}

/* VALUE of container C, with LABELS that a NULL name ends.  Of a family in seconds it is in nanoseconds.  */
static void
put_sample (FILE *out, const struct family *f, const struct metrics_of *c, const struct label *labels, uint64_t value)
{
  (void) fprintf (out, "%s%s{container=\"", f->name, f->counter ? "_total" : "");
  put_escaped (out, c->id);
  (void) fputc ('"', out);
  for (; labels && labels->name; labels++)
    {
      (void) fprintf (out, ",%s=\"", labels->name);
      put_escaped (out, labels->value);
      (void) fputc ('"', out);
    }
  if (f->unit && strcmp (f->unit, "seconds") == 0)
    (void) fprintf (out, "} %" PRIu64 ".%09" PRIu64 "\n", value / 1000000000, value % 1000000000);
  else
    (void) fprintf (out, "} %" PRIu64 "\n", value);
}

static uint64_t
number (const void *of, size_t at)
{
  uint64_t value;

  memcpy (&value, (const char *) of + at, sizeof value);
  return value;
}

static void
put_one (FILE *out, const struct family *f, const struct metrics_of *c)
{
  put_sample (out, f, c, NULL, number (&c->usage, f->at));
}

/* What means that there is no limit is left out.  */
static void
put_limit (FILE *out, const struct family *f, const struct metrics_of *c)
{
  if (number (&c->usage, f->at) >> NONE_FROM == 0)
    put_one (out, f, c);
}

/* Operations of disks.  The kernel's other words (Sync, Async, Total) count the same ones again.  */
static void
put_io (FILE *out, const struct family *f, const struct metrics_of *c)
{
  static const struct label words[] = { { "Read", "read" }, { "Write", "write" }, { "Discard", "discard" } };
  bool bytes = f->at == offsetof (struct usage, blkio.bytes);
  const struct usage_io_entry *list = bytes ? c->usage.blkio.bytes : c->usage.blkio.served;
  size_t n = bytes ? c->usage.blkio.n_bytes : c->usage.blkio.n_served;

  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < sizeof words / sizeof *words; j++)
      if (list[i].op && strcmp (list[i].op, words[j].name) == 0)
        {
          char device[48];
          const struct label labels[] = { { "device", device }, { "operation", words[j].value }, { NULL, NULL } };

          (void) snprintf (device, sizeof device, "%" PRIu64 ":%" PRIu64, list[i].major, list[i].minor);
          put_sample (out, f, c, labels, list[i].value);
        }
}

static void
put_hugetlb (FILE *out, const struct family *f, const struct metrics_of *c)
{
  for (size_t i = 0; i < c->usage.n_hugetlb; i++)
    {
      const struct label labels[] = { { "size", c->usage.hugetlb[i].size }, { NULL, NULL } };

      put_sample (out, f, c, labels, number (&c->usage.hugetlb[i], f->at));
    }
}

static void
put_rdma (FILE *out, const struct family *f, const struct metrics_of *c)
{
  for (size_t i = 0; c->usage.rdma && i < c->usage.rdma->n_current; i++)
    {
      const struct usage_rdma_entry *e = &c->usage.rdma->current[i];
      const struct label labels[] = { { "device", e->device }, { NULL, NULL } };

      put_sample (out, f, c, labels, f->at == offsetof (struct usage_rdma_entry, handles) ? e->handles : e->objects);
    }
}

static void
put_network (FILE *out, const struct family *f, const struct metrics_of *c)
{
  for (size_t i = 0; i < c->usage.n_networks; i++)
    {
      const struct label labels[] = { { "interface", c->usage.networks[i].name }, { NULL, NULL } };

      put_sample (out, f, c, labels, number (&c->usage.networks[i], f->at));
    }
}

static void
put_pressure (FILE *out, const struct family *f, const struct metrics_of *c)
{
  const struct
  {
    const char *resource;
    const struct usage_psi *psi;
  } of[] = { { "cpu", c->usage.cpu.psi }, { "memory", c->usage.memory.psi }, { "io", c->usage.blkio.psi } };

  for (size_t i = 0; i < sizeof of / sizeof *of; i++)
    {
      const struct label labels[] = { { "resource", of[i].resource }, { NULL, NULL } };

      if (of[i].psi)
        put_sample (out, f, c, labels, 1000 * number (of[i].psi, f->at));
    }
}

static void
put_status (FILE *out, const struct family *f, const struct metrics_of *c)
{
  static const char *const all[] = { "creating", "created", "running", "paused", "stopped" };

  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    {
      const struct label labels[] = { { "status", all[i] }, { NULL, NULL } };

      put_sample (out, f, c, labels, strcmp (all[i], c->status) == 0);
    }
}

static void
put_bundle (FILE *out, const struct family *f, const struct metrics_of *c)
{
  const struct label labels[] = { { "bundle", c->bundle ? c->bundle : "" }, { NULL, NULL } };

  put_sample (out, f, c, labels, 1);
}

/* --- families */

enum
{
  ALWAYS = 1 << 30,
  UNUSED /* of a container whose use is not known, too */
};

#define AT(m) offsetof (struct usage, m)
#define NET(m) offsetof (struct usage_network, m)
#define HUGE(m) offsetof (struct usage_hugetlb, m)
#define PSI(m) offsetof (struct usage_psi, m)
#define RDMA(m) offsetof (struct usage_rdma_entry, m)
#define COUNTER true
#define GAUGE false

static const struct family families[] = {
  { "orlop_container_status", NULL, "1 for the status that the container has.", GAUGE, put_status, 0, UNUSED },
  { "orlop_container_bundle", NULL, "The bundle that the container was made from; always 1.", GAUGE, put_bundle, 0, UNUSED },
  { "orlop_cpu_seconds", "seconds", "Time used on processors.", COUNTER, put_one, AT (cpu.usage.total), ALWAYS },
  { "orlop_cpu_user_seconds", "seconds", "Time used in programs.", COUNTER, put_one, AT (cpu.usage.user), ALWAYS },
  { "orlop_cpu_system_seconds", "seconds", "Time used in the kernel.", COUNTER, put_one, AT (cpu.usage.kernel), ALWAYS },
  { "orlop_cpu_periods", NULL, "Periods of the quota that have passed.", COUNTER, put_one, AT (cpu.throttling.periods), ALWAYS },
  { "orlop_cpu_throttled_periods", NULL, "Periods in which the quota was used up.", COUNTER, put_one,
    AT (cpu.throttling.throttled_periods), ALWAYS },
  { "orlop_cpu_throttled_seconds", "seconds", "Time held up by the quota.", COUNTER, put_one, AT (cpu.throttling.throttled_time), ALWAYS },
  { "orlop_memory_usage_bytes", "bytes", "Memory used.", GAUGE, put_one, AT (memory.usage.usage), AT (memory.usage.limit) },
  { "orlop_memory_peak_bytes", "bytes", "The most memory that was ever used.", GAUGE, put_one, AT (memory.usage.max),
    AT (memory.usage.max) },
  { "orlop_memory_limit_bytes", "bytes", "Limit of memory; absent without one.", GAUGE, put_limit, AT (memory.usage.limit),
    AT (memory.usage.limit) },
  { "orlop_memory_limit_hits", NULL, "How often the limit of memory was hit.", COUNTER, put_one, AT (memory.usage.failcnt),
    AT (memory.usage.limit) },
  { "orlop_memory_cache_bytes", "bytes", "Memory used that caches files.", GAUGE, put_one, AT (memory.cache), AT (memory.usage.limit) },
  { "orlop_memory_kernel_bytes", "bytes", "Memory used by the kernel.", GAUGE, put_one, AT (memory.kernel.usage), AT (memory.usage.limit) },
  { "orlop_memory_and_swap_usage_bytes", "bytes", "Memory and swap used.", GAUGE, put_one, AT (memory.swap.usage),
    AT (memory.swap.limit) },
  { "orlop_memory_and_swap_limit_bytes", "bytes", "Limit of memory and swap together; absent without one.", GAUGE, put_limit,
    AT (memory.swap.limit), AT (memory.swap.limit) },
  { "orlop_pids", NULL, "Tasks, or processes where the kernel does not count tasks.", GAUGE, put_one, AT (pids.current), ALWAYS },
  { "orlop_pids_limit", NULL, "Limit of tasks; absent without one.", GAUGE, put_limit, AT (pids.limit), AT (pids.limit) },
  { "orlop_io_bytes", "bytes", "Bytes moved from and to disks.", COUNTER, put_io, AT (blkio.bytes), ALWAYS },
  { "orlop_io_operations", NULL, "Operations of disks.", COUNTER, put_io, AT (blkio.served), ALWAYS },
  { "orlop_hugetlb_usage_bytes", "bytes", "Huge pages used.", GAUGE, put_hugetlb, HUGE (usage), ALWAYS },
  { "orlop_hugetlb_limit_hits", NULL, "How often the limit of huge pages was hit.", COUNTER, put_hugetlb, HUGE (failcnt), ALWAYS },
  { "orlop_rdma_handles", NULL, "Handles of RDMA devices.", GAUGE, put_rdma, RDMA (handles), ALWAYS },
  { "orlop_rdma_objects", NULL, "Objects of RDMA devices.", GAUGE, put_rdma, RDMA (objects), ALWAYS },
  { "orlop_pressure_some_seconds", "seconds", "Time in which some tasks waited for the resource.", COUNTER, put_pressure,
    PSI (some.total), ALWAYS },
  { "orlop_pressure_full_seconds", "seconds", "Time in which all tasks waited for the resource.", COUNTER, put_pressure,
    PSI (full.total), ALWAYS },
  { "orlop_network_receive_bytes", "bytes", "Bytes received.", COUNTER, put_network, NET (rx_bytes), ALWAYS },
  { "orlop_network_receive_packets", NULL, "Packets received.", COUNTER, put_network, NET (rx_packets), ALWAYS },
  { "orlop_network_receive_errors", NULL, "Packets received wrong.", COUNTER, put_network, NET (rx_errors), ALWAYS },
  { "orlop_network_receive_dropped", NULL, "Packets received and dropped.", COUNTER, put_network, NET (rx_dropped), ALWAYS },
  { "orlop_network_transmit_bytes", "bytes", "Bytes sent.", COUNTER, put_network, NET (tx_bytes), ALWAYS },
  { "orlop_network_transmit_packets", NULL, "Packets sent.", COUNTER, put_network, NET (tx_packets), ALWAYS },
  { "orlop_network_transmit_errors", NULL, "Packets that could not be sent.", COUNTER, put_network, NET (tx_errors), ALWAYS },
  { "orlop_network_transmit_dropped", NULL, "Packets dropped before they were sent.", COUNTER, put_network, NET (tx_dropped), ALWAYS },
};

static bool
has (const struct metrics_of *c, size_t there)
{
  return there == UNUSED || (c->used && (there == ALWAYS || number (&c->usage, there) != 0));
}

static void
put_family (FILE *out, const struct family *f, const struct metrics_of *list, size_t n)
{
  (void) fprintf (out, "# TYPE %s %s\n", f->name, f->counter ? "counter" : "gauge");
  if (f->unit)
    (void) fprintf (out, "# UNIT %s %s\n", f->name, f->unit);
  (void) fprintf (out, "# HELP %s %s\n", f->name, f->help);
  for (size_t i = 0; i < n; i++)
    if (has (&list[i], f->there))
      f->write (out, f, &list[i]);
}

int
metrics_text (const struct metrics_of *list, size_t n, char **ret_text, struct err *err)
{
  own_mem char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream (&text, &size);

  if (out == NULL)
    return err_sys (err, ENOMEM, "open_memstream", "metrics");
  for (size_t i = 0; i < sizeof families / sizeof *families; i++)
    put_family (out, &families[i], list, n);
  (void) fputs ("# EOF\n", out);
  if (fclose (out) != 0)
    return err_sys (err, ENOMEM, "open_memstream", "metrics");
  *ret_text = take_ptr (text);
  return 0;
}
