/* SPDX-License-Identifier: Apache-2.0 */
/* What a container uses; see usage.h.  Changes nothing.  */
#include "launch/usage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/own.h"
#include "base/str.h"
#include "kernel/netstat.h"
#include "kernel/pid.h"
#include "launch/record.h"

static OCI_TYPE (usage_network,
  OCI_STR (usage_network, name,       "Name",      OCI_REQUIRED),
  OCI_NUM (usage_network, rx_bytes,   "RxBytes",   OCI_REQUIRED),
  OCI_NUM (usage_network, rx_packets, "RxPackets", OCI_REQUIRED),
  OCI_NUM (usage_network, rx_errors,  "RxErrors",  OCI_REQUIRED),
  OCI_NUM (usage_network, rx_dropped, "RxDropped", OCI_REQUIRED),
  OCI_NUM (usage_network, tx_bytes,   "TxBytes",   OCI_REQUIRED),
  OCI_NUM (usage_network, tx_packets, "TxPackets", OCI_REQUIRED),
  OCI_NUM (usage_network, tx_errors,  "TxErrors",  OCI_REQUIRED),
  OCI_NUM (usage_network, tx_dropped, "TxDropped", OCI_REQUIRED));

static OCI_TYPE (usage,
  OCI_PART   (usage, cpu,       "cpu",                usage_cpu),
  OCI_PART   (usage, cpuset,    "cpuset",             usage_cpuset),
  OCI_PART   (usage, memory,    "memory",             usage_memory),
  OCI_PART   (usage, pids,      "pids",               usage_pids),
  OCI_PART   (usage, blkio,     "blkio",              usage_blkio),
  OCI_OBJMAP (usage, hugetlb,   "hugetlb",            0, usage_hugetlb, size, NULL),
  OCI_OBJ    (usage, rdma,      "rdma",               0, usage_rdma),
  OCI_PART   (usage, intel_rdt, "intel_rdt",          usage_rdt),
  OCI_OBJS   (usage, networks,  "network_interfaces", 0, usage_network));

struct event
{
  const char *type, *id;
  struct usage *data;
};

static OCI_TYPE (event,
  OCI_STR (event, type, "type", OCI_REQUIRED),
  OCI_STR (event, id,   "id",   OCI_REQUIRED),
  OCI_OBJ (event, data, "data", 0, usage));

static int
out_of_memory (struct err *err)
{
  return err_sys (err, ENOMEM, "malloc", "use of a container");
}

/* Copies what the kernel says of interfaces; bytes of a name that are no UTF-8 become question marks.  */
static int
take_networks (const struct netstat *from, size_t n, struct oci_arena **arena, struct usage *u)
{
  u->networks = oci_alloc (arena, (n + 1) * sizeof *u->networks);
  for (size_t i = 0; u->networks && i < n; i++)
    {
      const struct netstat *s = &from[i];
      char *name = oci_strndup (arena, s->name, strlen (s->name));

      if (name == NULL)
        return -ENOMEM;
      str_make_utf8 (name);
      u->networks[u->n_networks++] = (struct usage_network){
        .name = name,
        .rx_bytes = s->rx_bytes, .rx_packets = s->rx_packets, .rx_errors = s->rx_errors, .rx_dropped = s->rx_dropped,
        .tx_bytes = s->tx_bytes, .tx_packets = s->tx_packets, .tx_errors = s->tx_errors, .tx_dropped = s->tx_dropped,
      };
    }
  return u->networks ? 0 : -ENOMEM;
}

static int
read_networks (const struct record *rec, struct oci_arena **arena, struct usage *u, struct err *err)
{
  own_mem struct netstat *list = NULL;
  size_t n = 0;
  int ret = rec->pid > 0 ? netstat_of (rec->pid, rec->start_time, &list, &n, err) : -ESRCH;

  if (ret == -ESRCH) /* its namespace has gone with it, or others hold it, whom we do not know */
    {
      err_clear (err);
      return 0;
    }
  if (ret < 0 || list == NULL)
    return ret;
  return take_networks (list, n, arena, u) < 0 ? out_of_memory (err) : 0;
}

int
usage_read (const struct record *rec, struct oci_arena **arena, struct usage *ret_usage, struct err *err)
{
  struct cgroup_usage c;
  struct usage u = { 0 };
  int ret = cgroup_usage_read (rec->cgroup, arena, &c, err);

  if (ret == -ENODEV && pid_alive (rec->pid, rec->start_time)) /* who deletes it ends it first */
    {
      err_clear (err);
      return err_state (err, ENOTSUP, "a cgroup of the container is gone, though its first process runs: it was moved, and the cgroup removed, from outside");
    }
  if (ret < 0)
    return ret;
  u = (struct usage){ .cpu = c.cpu, .cpuset = c.cpuset, .memory = c.memory, .pids = c.pids, .blkio = c.blkio, .hugetlb = c.hugetlb,
                      .n_hugetlb = c.n_hugetlb };
  if (c.rdma.n_limit || c.rdma.n_current)
    {
      u.rdma = oci_alloc (arena, sizeof *u.rdma);
      if (u.rdma == NULL)
        return out_of_memory (err);
      *u.rdma = c.rdma;
    }
  ret = read_networks (rec, arena, &u, err);
  if (ret == 0)
    ret = usage_rdt_read (rec->rdt, arena, &u.intel_rdt, err);
  if (ret == 0)
    *ret_usage = u;
  return ret;
}

int
usage_event (const char *type, const char *id, struct usage *usage, char **ret_text, struct err *err)
{
  const struct event e = { .type = type, .id = id, .data = usage };
  char *text = NULL;
  size_t len = 0;
  int ret = oci_encode (&event_type, &e, false, &text, &len);

  if (ret < 0)
    return err_bug (err, -ret, "an event of %s cannot be written as JSON", id);
  text[len] = '\n'; /* in the place of the NUL */
  *ret_text = realloc (text, len + 2);
  if (*ret_text == NULL)
    {
      free (text);
      return out_of_memory (err);
    }
  (*ret_text)[len + 1] = '\0';
  return 0;
}
