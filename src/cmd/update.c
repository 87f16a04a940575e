/* SPDX-License-Identifier: Apache-2.0 */
/* orlop update: single limits as options become the document that --resources takes.  */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd/cmd.h"

enum
{
  LIST_LENGTH_MAX = 1024
};

/* How the value of an option is read.  */
enum form
{
  BYTES,    /* 512, 64k, 1.5G, -1 */
  SIGNED,   /* -1, 50000 */
  UNSIGNED,
  TEXT      /* 0-3,7 */
};

/* Each limit once: option, what of linux.resources it is (those of one object beside each other), how it is read, what help says.  */
#define LIMITS(X)                                                                                                     \
  X (blkio_weight, "blkio-weight", "blockIO", "weight", UNSIGNED, "N", "weight of block I/O, 10 to 1000")             \
  X (cpu_period, "cpu-period", "cpu", "period", UNSIGNED, "USEC", "period in which the quota is counted")             \
  X (cpu_quota, "cpu-quota", "cpu", "quota", SIGNED, "USEC", "time on the processors in a period; -1: unlimited")     \
  X (cpu_burst, "cpu-burst", "cpu", "burst", UNSIGNED, "USEC", "unused quota that may be kept for later periods")     \
  X (cpu_rt_period, "cpu-rt-period", "cpu", "realtimePeriod", UNSIGNED, "USEC", "period of the real-time quota")      \
  X (cpu_rt_runtime, "cpu-rt-runtime", "cpu", "realtimeRuntime", SIGNED, "USEC", "time in that period for real-time processes") \
  X (cpu_share, "cpu-share", "cpu", "shares", UNSIGNED, "N", "weight against others, 2 to 262144")                    \
  X (cpu_idle, "cpu-idle", "cpu", "idle", SIGNED, "0|1", "1: run only when nobody else wants to")                     \
  X (cpuset_cpus, "cpuset-cpus", "cpu", "cpus", TEXT, "LIST", "processors to use, as 0-3,7")                          \
  X (cpuset_mems, "cpuset-mems", "cpu", "mems", TEXT, "LIST", "memory nodes to use")                                  \
  X (memory, "memory", "memory", "limit", BYTES, "BYTES", "limit of memory; k, m, g, t and p may follow; -1: unlimited") \
  X (memory_reservation, "memory-reservation", "memory", "reservation", BYTES, "BYTES", "memory that is left to the container when it is short") \
  X (memory_swap, "memory-swap", "memory", "swap", BYTES, "BYTES", "limit of memory and swap together; -1: unlimited") \
  X (kernel_memory, "kernel-memory", "memory", "kernel", BYTES, "BYTES", "limit of kernel memory (cgroup v1, old kernels)") \
  X (kernel_memory_tcp, "kernel-memory-tcp", "memory", "kernelTCP", BYTES, "BYTES", "limit of memory for TCP buffers (cgroup v1)") \
  X (pids_limit, "pids-limit", "pids", "limit", SIGNED, "N", "limit of processes and threads; -1: unlimited")

#define MEMBER(name, ...) const char *name;

struct update_args
{
  LIMITS (MEMBER)
  const char *resources, *l3_cache_schema, *mem_bw_schema;
  struct opt_list devices, devices_removed;
};

#define AT(m) offsetof (struct update_args, m)
#define OPTION(name, option, object, member, form, value, help) { option, 0, OPT_STRING, AT (name), value, help },

static const struct opt update_options[] = {
  { "resources", 'r', OPT_STRING, AT (resources), "FILE", "JSON document like linux.resources with all that is to change; -: standard input" },
  LIMITS (OPTION)
  { "device", 0, OPT_LIST, AT (devices), "HOST[:PATH][:ACCESS]", "give a device of the host to the container: node and rule; again for more" },
  { "device-remove", 0, OPT_LIST, AT (devices_removed), "HOST[:PATH]", "take a device away" },
  { "l3-cache-schema", 0, OPT_STRING, AT (l3_cache_schema), "LINES", "schemata of Intel RDT for the container's group" },
  { "mem-bw-schema", 0, OPT_STRING, AT (mem_bw_schema), "LINE", "schema of Intel RDT for memory bandwidth, MB:..." },
  { .name = NULL },
};

#define ROW(name, option, object, member, form, value, help) { option, object, member, form, AT (name) },

static const struct limit
{
  const char *option, *object, *member;
  enum form form;
  size_t at;
} limits[] = { LIMITS (ROW) };

static const char *
given (const struct update_args *a, const struct limit *l)
{
  return *(const char *const *) ((const char *) a + l->at);
}

/* The document in the making.  */
struct document
{
  char text[4096]; /* all options at their longest have room */
  size_t used;
  const char *object; /* that is open, or NULL */
};

static void __attribute__ ((format (printf, 2, 3)))
put (struct document *d, const char *fmt, ...)
{
  va_list ap;
  int n;

  va_start (ap, fmt);
  n = vsnprintf (d->text + d->used, sizeof d->text - d->used, fmt, ap);
  va_end (ap);
  d->used += n > 0 ? (size_t) n : 0;
}

/* Reads what follows the number: nothing, k, m, g, t or p of powers of 1024, then B or iB, in either case.  Returns the unit, or 0.  */
static uint64_t
read_unit (const char *text)
{
  static const char letters[] = "kmgtp";
  const char *at = *text ? strchr (letters, *text | 0x20) : NULL;
  uint64_t unit = at ? 1024ULL << 10 * (at - letters) : 1;

  text += at != NULL;
  if (at && (*text | 0x20) == 'i' && (text[1] | 0x20) == 'b')
    text++;
  if ((*text | 0x20) == 'b')
    text++;
  return *text ? 0 : unit;
}

/* Reads "512", "64k", "1.5GiB" (at most four decimals), or -1.  Returns 0, -EINVAL or -ERANGE.  */
static int
read_bytes (const char *text, int64_t *ret_value)
{
  size_t whole = strspn (text, "0123456789"), decimals = text[whole] == '.' ? strspn (text + whole + 1, "0123456789") : 0;
  size_t end = text[whole] == '.' ? whole + 1 + decimals : whole;
  uint64_t unit = read_unit (text + end), value = 0, part = 0, ten = 1;
  char digits[32];

  if (strcmp (text, "-1") == 0)
    return *ret_value = -1, 0;
  if (unit == 0 || whole == 0 || whole >= sizeof digits || decimals > 4 || (text[whole] == '.' && decimals == 0))
    return -EINVAL;
  (void) snprintf (digits, sizeof digits, "%.*s", (int) whole, text);
  if (str_u64 (digits, INT64_MAX / unit, &value) < 0)
    return -ERANGE;
  for (size_t i = 0; i < decimals; i++, ten *= 10)
    part = part * 10 + (uint64_t) (text[whole + 1 + i] - '0');
  value = value * unit + part * unit / ten;
  if (value > INT64_MAX)
    return -ERANGE;
  *ret_value = (int64_t) value;
  return 0;
}

static int
put_number (struct cmd_call *c, const struct limit *l, const char *value, struct document *d)
{
  uint64_t amount;
  int64_t number;
  int ret = l->form == UNSIGNED ? str_u64 (value, UINT64_MAX, &amount)
            : l->form == SIGNED ? str_i64 (value, INT64_MIN, INT64_MAX, &number)
                                : read_bytes (value, &number);

  if (ret == -ERANGE)
    return cmd_fail (c, "option --%s: %.100s is too much", l->option, value);
  if (ret < 0)
    return cmd_fail (c, "option --%s takes %s, not \"%.100s\"", l->option,
                     l->form == BYTES ? "bytes, as in 64m, or -1" : "a number", value);
  if (l->form == UNSIGNED)
    put (d, "%" PRIu64, amount);
  else
    put (d, "%" PRId64, number);
  return 0;
}

static int
put_list (struct cmd_call *c, const struct limit *l, const char *value, struct document *d)
{
  if (value[strspn (value, "0123456789,-")] || strlen (value) > LIST_LENGTH_MAX)
    return cmd_fail (c, "option --%s takes a list as 0-3,7, not \"%.100s\"", l->option, value);
  put (d, "\"%s\"", value);
  return 0;
}

static int
put_limit (struct cmd_call *c, const struct limit *l, const char *value, struct document *d)
{
  bool first = d->object == NULL || strcmp (d->object, l->object) != 0;

  if (first)
    put (d, "%s\"%s\": {", d->object ? "}, " : "", l->object);
  put (d, "%s\"%s\": ", first ? "" : ", ", l->member);
  d->object = l->object;
  return l->form == TEXT ? put_list (c, l, value, d) : put_number (c, l, value, d);
}

/* Makes the document of all limits that are given.  */
static int
make_document (struct cmd_call *c, struct document *d)
{
  const struct update_args *a = c->args;

  put (d, "{");
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
    {
      int ret = given (a, &limits[i]) ? put_limit (c, &limits[i], given (a, &limits[i]), d) : 0;

      if (ret < 0)
        return ret;
    }
  put (d, d->object ? "}}" : "}");
  return 0;
}

static int
update_run (struct cmd_call *c)
{
  const struct update_args *a = c->args;
  struct orlop_update_options options = { .resources = a->resources, .l3_cache_schema = a->l3_cache_schema, .mem_bw_schema = a->mem_bw_schema,
                                          .devices = a->devices.item, .devices_removed = a->devices_removed.item };
  struct document d = { .used = 0 };
  int ret = make_document (c, &d);

  if (ret < 0)
    return ret;
  if (d.object && a->resources)
    return cmd_fail (c, "limits are either options or in the document of --resources");
  if (d.object)
    options.json = d.text;
  else if (! (a->resources || a->l3_cache_schema || a->mem_bw_schema || a->devices.n || a->devices_removed.n))
    return cmd_fail (c, "nothing to change is given, see --help");
  return orlop_update (c->o, c->argv[0], &options);
}

const struct cmd cmd_update = { .name = "update", .operands = "CONTAINER", .help = "change the limits of a container",
                                .options = update_options, .args_size = sizeof (struct update_args), .min = 1, .max = 1,
                                .failed = CMD_FAILED, .run = update_run };
